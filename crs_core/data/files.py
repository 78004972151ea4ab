"""The files of a data set: found in its folder or fetched, checked, unpacked."""

import gzip
import hashlib
from pathlib import Path

from crs_core.data.download import OnProgress, fetch
from crs_core.data.facts import DatasetFacts, FileFacts, found
from crs_core.errors import DatasetError


def read_files(
    facts: DatasetFacts,
    folder: Path | None,
    *,
    download: bool = False,
    on_progress: OnProgress | None = None,
) -> list[bytes]:
    """Give the content of a data set's files, in their order, from `folder/<name>/`.

    Each file has the size and checksum that is known of it. With `download`, those that are missing
    or damaged are fetched, where an address is known.

    Raises DatasetError for a file that is missing, truncated or damaged, or can't be fetched.
    """
    if folder is None:
        raise DatasetError(
            f"{facts.name} is read from files, but no data folder is given; name the folder that "
            f"has its {len(facts.files)} files in {facts.name}/, or into which they may be fetched"
        )
    home = folder / facts.name

    def content(file: FileFacts) -> bytes:
        try:
            return _content(file, home, facts)
        except DatasetError as error:
            if not (download and file.urls):
                raise
            unusable = error
        try:
            fetch(file, home, on_progress=on_progress)
        except DatasetError as error:
            if _any(file, home) is None:
                raise
            why = str(unusable).removesuffix(", or allow downloads")
            raise DatasetError(f"{why}. {error}") from None
        return _content(file, home, facts)

    return [content(file) for file in facts.files]


def _content(file: FileFacts, home: Path, facts: DatasetFacts) -> bytes:
    """Read one file, unpacked, after a check of its size and checksum."""
    path = found(file, home) or _any(file, home)
    # Some data sets have no address that they may be fetched from.
    or_allow = ", or allow downloads" if file.urls else ""
    if path is None:
        raise DatasetError(
            f"{home / file.name} is missing; put the {len(facts.files)} files of {facts.name} "
            f"({', '.join(f.name for f in facts.files)}) there{or_allow}"
        )
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DatasetError(
            f"{path} cannot be read: {error.strerror or error}; mend its permissions"
        ) from error
    is_unpacked = path.name != file.name
    size, sha256 = (
        (file.unpacked_size, file.unpacked_sha256) if is_unpacked else (file.size, file.sha256)
    )
    if size is not None and len(content) != size:
        raise DatasetError(
            f"{path} has {len(content)} bytes, but {size} are needed: it is "
            f"{'truncated' if len(content) < size else 'another file'}; put the whole file there"
            f"{or_allow}"
        )
    digest = hashlib.sha256(content).hexdigest()
    if digest != sha256:
        raise DatasetError(
            f"{path} is damaged or another file: its SHA-256 is {digest}, but {sha256} is needed; "
            f"put the right file there{or_allow}"
        )
    is_gzipped = file.unpacked_size is not None and not is_unpacked
    return gzip.decompress(content) if is_gzipped else content


def _any(file: FileFacts, home: Path) -> Path | None:
    """Give the file's path though its size is wrong, so that the error can tell it."""
    paths = [home / file.name]
    if file.unpacked_size is not None:
        paths.append(paths[0].with_suffix(""))
    return next((p for p in paths if p.exists()), None)
