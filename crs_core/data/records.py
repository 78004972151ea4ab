"""Binary files of records, as CIFAR's: label bytes, then one image, channel by channel."""

import hashlib
import os
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from crs_core.data.download import OnProgress, fetch_members, is_writable
from crs_core.data.facts import ImageFacts, RecordFile, RecordFiles
from crs_core.errors import DatasetError

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Records:
    """What the files of one part hold."""

    images: Bytes
    """N C H W."""
    labels: Bytes
    is_official: bool
    """Whether they stand in the official order, not in another that is known."""


def read_records(
    facts: ImageFacts,
    folder: Path | None,
    *,
    download: bool = False,
    on_progress: OnProgress | None = None,
) -> tuple[Records, Records]:
    """Give what the files for training and for testing hold, from `folder/<name>/`.

    Where files are missing or damaged, an archive that lies there is unpacked; with `download`, it
    is fetched. Sound files are only read, so their folder need not be one that may be written to.

    Raises DatasetError for a file that is missing, cut, damaged or has a label that is no class,
    and where it can't be fetched.
    """
    origin = facts.origin
    assert isinstance(origin, RecordFiles)
    if folder is None:
        raise DatasetError(
            f"{facts.name} is read from files, but no data folder is given; name the folder that "
            f"has its {len(origin.all)} files in {facts.name}/, or into which they may be fetched"
        )
    home = folder / facts.name
    contents = _contents(facts, origin, home, download=download, on_progress=on_progress)
    return (
        _parse(origin.train, contents, home, facts, origin),
        _parse(origin.test, contents, home, facts, origin),
    )


def _contents(
    facts: ImageFacts,
    origin: RecordFiles,
    home: Path,
    *,
    download: bool,
    on_progress: OnProgress | None,
) -> dict[RecordFile, tuple[bytes, str]]:
    """Give content and checksum of all files, fetched or unpacked only where they must be."""

    def read() -> dict[RecordFile, tuple[bytes, str]]:
        record = origin.label_bytes + prod(facts.input_shape)
        return {file: _content(file, home, origin, record=record) for file in origin.all}

    try:
        return read()
    except DatasetError as unusable:
        if not download and not os.access(home / origin.archive.name, os.F_OK):
            raise
        if not is_writable(home):
            why = str(unusable).removesuffix(", or allow downloads")
            raise DatasetError(
                f"{why}: {home} can't be written to, so nothing is fetched or unpacked into it"
            ) from None
    fetch_members(origin.archive, origin.all, home, download=download, on_progress=on_progress)
    return read()


def _parse(
    files: tuple[RecordFile, ...],
    contents: dict[RecordFile, tuple[bytes, str]],
    home: Path,
    facts: ImageFacts,
    origin: RecordFiles,
) -> Records:
    """Give what several files hold, one after the other."""
    images, labels, is_official = [], [], True
    for file in files:
        content, digest = contents[file]
        x, y = parse_records(
            content,
            facts.input_shape,
            label_bytes=origin.label_bytes,
            classes=facts.classes,
            name=str(home / file.name),
        )
        images.append(x)
        labels.append(y)
        is_official &= digest == file.sha256[0]
    return Records(np.concatenate(images), np.concatenate(labels), is_official)


def parse_records(
    content: bytes, shape: tuple[int, int, int], *, label_bytes: int, classes: int, name: str
) -> tuple[Bytes, Bytes]:
    """Give images and labels without a copy; the label is the last byte before the image.

    `name` is for the errors. Raises DatasetError where the content ends within a record, or a label
    is `classes` or more.
    """
    size = label_bytes + prod(shape)
    if len(content) % size:
        raise DatasetError(
            f"{name} has {len(content)} bytes, but its records have {size} each: it is cut in "
            f"record {len(content) // size + 1}; put the whole file there"
        )
    records = np.frombuffer(content, np.uint8).reshape(-1, size)
    labels = records[:, label_bytes - 1]
    wrong = np.flatnonzero(labels >= classes)
    if wrong.size:
        raise DatasetError(
            f"record {wrong[0] + 1} of {name} has label {labels[wrong[0]]}, but the {classes} "
            f"classes are 0 to {classes - 1}; put the right file there"
        )
    return records[:, label_bytes:].reshape(-1, *shape), labels


def _content(
    file: RecordFile, home: Path, origin: RecordFiles, *, record: int
) -> tuple[bytes, str]:
    """Read one file, check its size and checksum, and give both content and checksum."""
    path = home / file.name
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        names = ", ".join(f.name for f in origin.all)
        raise DatasetError(
            f"{path} is missing; put {names}, or {origin.archive.name}, there, or allow downloads"
        ) from None
    except OSError as error:
        raise DatasetError(
            f"{path} cannot be read: {error.strerror or error}; mend its permissions"
        ) from error
    if len(content) != file.size:
        short = f"cut in record {len(content) // record + 1} of {file.size // record}"
        raise DatasetError(
            f"{path} has {len(content)} bytes, but {file.size} are needed: it is "
            f"{short if len(content) < file.size else 'another file'}; put the whole file there, "
            "or allow downloads"
        )
    digest = hashlib.sha256(content).hexdigest()
    if digest not in file.sha256:
        raise DatasetError(
            f"{path} is damaged or another file: its SHA-256 is {digest}, but "
            f"{' or '.join(file.sha256)} is needed; put the right file there, or allow downloads"
        )
    return content, digest
