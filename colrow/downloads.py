"""A file from the service, whole or not at all: a cut is mended, the checksum is held."""

import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from colrow.errors import ColrowError, LocalError
from colrow.transport import DELAYS_S, Transport


@dataclass(frozen=True)
class Wanted:
    """A file of the service."""

    url: str
    """Below `/api/v1`."""
    size_bytes: int
    sha256: str


def fetch(transport: Transport, wanted: Wanted, path: Path, *, told: Callable[[int], None]) -> None:
    """Download a file; `told` hears how many bytes are there.

    Half a file of an earlier call, beside the place of the whole one, is gone on with. Raises
    ColrowError, and LocalError where it cannot be written.
    """
    part = path.with_name(f".{path.name}.{wanted.sha256[:12]}.part")
    try:
        _fill(transport, wanted, part, told)
        if _digest(part) != wanted.sha256:
            part.unlink()
            raise ColrowError(
                f"{path.name} did not arrive as the service has it recorded; nothing was kept. If "
                "that happens again, the file there is damaged: take an earlier checkpoint"
            )
        part.replace(path)
    except OSError as error:
        raise LocalError(
            f"{path} cannot be written: {error.strerror or error}; name another with --output"
        ) from None


def _fill(transport: Transport, wanted: Wanted, part: Path, told: Callable[[int], None]) -> None:
    delays = iter(DELAYS_S)
    with part.open("ab") as file:
        while (begin := file.tell()) < wanted.size_bytes:
            try:
                _append(transport, wanted, file.fileno(), begin, told)
            except httpx.TransportError as error:
                if file.seek(0, os.SEEK_END) > begin:  # it came further: the patience is new
                    delays = iter(DELAYS_S)
                delay_s = next(delays, None)
                if delay_s is None:
                    raise transport.unreachable(error) from None
                time.sleep(delay_s)
            file.seek(0, os.SEEK_END)


def _append(
    transport: Transport, wanted: Wanted, file: int, begin: int, told: Callable[[int], None]
) -> None:
    headers = {"accept-encoding": "identity"}
    if begin:
        headers |= {"range": f"bytes={begin}-", "if-range": f'"{wanted.sha256}"'}
    with transport.http.stream("GET", wanted.url, headers=headers) as answer:
        if answer.status_code >= 400:
            answer.read()
            raise transport.problem(answer)
        if begin and answer.status_code != 206:
            os.ftruncate(file, 0)
            begin = 0
        for piece in answer.iter_bytes():
            os.write(file, piece)
            begin += len(piece)
            told(begin)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
