"""Take the files of a data set out of its archive, and nothing else."""

import hashlib
import os
import tarfile
import zlib
from pathlib import Path
from typing import IO

from crs_core.data.facts import Archive, RecordFile
from crs_core.errors import DatasetError

CHUNK = 1 << 20


def extract(archive: Archive, files: tuple[RecordFile, ...], folder: Path) -> None:
    """Write the files of an archive that lies in `folder` beside it.

    A member counts by its exact name, and only if it is a plain file of the right size; no path of
    the archive is ever used to write to. A file gets its name once its checksum is right.

    Raises DatasetError where the archive is damaged, or lacks a file; OSError where one cannot be
    written.
    """
    wanted = {f"{archive.folder}/{file.name}": file for file in files}
    path = folder / archive.name
    try:
        with tarfile.open(path, "r|gz") as tar:
            for member in tar:
                file = wanted.get(member.name)
                if file is not None and member.isreg() and member.size == file.size:
                    content = tar.extractfile(member)
                    assert content is not None
                    _write(content, file, folder)
                    del wanted[member.name]
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise DatasetError(
            f"{path} is damaged ({error}); remove it, and put the whole archive there or allow "
            "downloads"
        ) from error
    if wanted:
        raise DatasetError(
            f"{path} lacks {', '.join(wanted)} of the right size; remove it, and put the right "
            "archive there or allow downloads"
        )


def _write(content: IO[bytes], file: RecordFile, folder: Path) -> None:
    part = folder / f"{file.name}.part"
    digest = hashlib.sha256()
    with part.open("wb") as out:
        while chunk := content.read(CHUNK):
            digest.update(chunk)
            out.write(chunk)
        out.flush()
        os.fsync(out.fileno())
    if digest.hexdigest() not in file.sha256:
        part.unlink()
        raise DatasetError(
            f"{file.name} in the archive of {folder} is damaged: its SHA-256 is "
            f"{digest.hexdigest()}; remove the archive, and put the right one there"
        )
    part.replace(folder / file.name)
