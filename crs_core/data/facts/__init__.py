"""What is known of the data sets without opening them: kinds, sizes, files, checksums, origins.

Nothing heavy is imported here: the api and every worker's supervisor read it.
"""

from collections.abc import Mapping
from pathlib import Path

from crs_core.data.facts.cifar import CIFAR_10, CIFAR_100
from crs_core.data.facts.images import DIGITS, FASHION_MNIST, IMAGES, MNIST
from crs_core.data.facts.kinds import (
    Archive,
    DatasetFacts,
    FileFacts,
    IdxFiles,
    ImageFacts,
    PackageFile,
    RecordFile,
    RecordFiles,
    TextFacts,
    TextFiles,
)
from crs_core.data.facts.texts import PTB, PYDOC, TEXTS, WIKITEXT_2

__all__ = [
    "CIFAR_10",
    "CIFAR_100",
    "DIGITS",
    "FACTS",
    "FASHION_MNIST",
    "MNIST",
    "PTB",
    "PYDOC",
    "WIKITEXT_2",
    "Archive",
    "DatasetFacts",
    "FileFacts",
    "IdxFiles",
    "ImageFacts",
    "PackageFile",
    "RecordFile",
    "RecordFiles",
    "TextFacts",
    "TextFiles",
    "found",
    "present",
]

FACTS: Mapping[str, DatasetFacts] = {f.name: f for f in (*IMAGES, CIFAR_10, CIFAR_100, *TEXTS)}
"""Every data set that a spec can name."""


def present(name: str, root: Path | None) -> bool:
    """Tell whether a data set is in its package, or in `root/<name>/`, with the right sizes.

    No content is read, so this is cheap enough for a heartbeat; the reader checks it.
    """
    origin = FACTS[name].origin
    if isinstance(origin, PackageFile):
        path = origin.locate()
        size = -1 if path is None else _size(path)
        return size >= 0 if origin.size is None else size == origin.size
    if root is None:
        return False
    if isinstance(origin, RecordFiles):
        return _found_all(origin, root / name)
    return all(found(f, root / name) for f in origin)


def found(file: FileFacts, folder: Path) -> Path | None:
    """Give the path of a file of the right size, as it is fetched before unpacked, or None."""
    packed = folder / file.name
    if _size(packed) == file.size:
        return packed
    if file.unpacked_size is None:
        return None
    unpacked = packed.with_suffix("")
    return unpacked if _size(unpacked) == file.unpacked_size else None


def _found_all(files: RecordFiles, folder: Path) -> bool:
    """Tell whether all files are there with the right sizes, or the archive that has them."""
    if all(_size(folder / f.name) == f.size for f in files.all):
        return True
    return _size(folder / files.archive.name) == files.archive.size


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # not there, or not for us to read: then it is not present
        return -1
