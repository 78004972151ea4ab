"""Fetch the files of a data set over HTTP: resumed, checked, and put in place all at once."""

import fcntl
import hashlib
import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from crs_core.data.archive import extract
from crs_core.data.facts import Archive, FileFacts, RecordFile
from crs_core.errors import DatasetError

OnProgress = Callable[[str, int, int], None]
"""Hears (file name, bytes there, bytes in all) while a file is fetched."""

TIMEOUT_S = 30.0
"""For a connection, and for any one read from it."""
ROUNDS = 2
"""How often each address is tried."""
CHUNK = 1 << 16


class _AddressError(Exception):
    """What came of one address; the next is tried."""


def fetch(file: FileFacts, folder: Path, *, on_progress: OnProgress | None = None) -> Path:
    """Fetch one file into `folder` and give its path; do nothing if it is there and sound.

    What was received stays in `<name>.part`; the next try, or the next call, goes on from there
    if the server can. Only a file with the right checksum gets its name. Processes that want the
    same folder wait for each other.

    Raises DatasetError where no address gives the file, or the folder can't be written to.
    """
    with _writing(file, folder), _alone(folder):
        return _fetch(file, folder, on_progress)


def fetch_members(
    archive: Archive,
    files: tuple[RecordFile, ...],
    folder: Path,
    *,
    download: bool,
    on_progress: OnProgress | None = None,
) -> None:
    """Have the files of an archive in `folder`; do nothing if they are there and sound.

    An archive that lies there is used; else, with `download`, it is fetched as `fetch` does, and
    removed once its files are written. Without one this does nothing.

    Raises DatasetError as `fetch` does, and where the archive is not the right one.
    """
    with _writing(archive, folder), _alone(folder):
        if all(_is_sound(folder / f.name, f.sha256) for f in files):
            return
        path = folder / archive.name
        was_there = path.is_file() and (not download or _is_sound(path, (archive.sha256,)))
        if was_there or download:
            if not was_there:
                _fetch(archive, folder, on_progress)
            extract(archive, files, folder)
            if not was_there:
                path.unlink()


def is_writable(folder: Path) -> bool:
    """Say whether files can be put into a folder, which is made if it is not there."""
    there = next(p for p in (folder, *folder.absolute().parents) if os.access(p, os.F_OK))
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def _fetch(file: FileFacts | Archive, folder: Path, on_progress: OnProgress | None) -> Path:
    """Do it, alone in the folder."""
    target, part = folder / file.name, folder / f"{file.name}.part"
    tell = on_progress or (lambda _name, _there, _total: None)
    failures: dict[str, list[str]] = {url: [] for url in file.urls}
    if _is_sound(target, (file.sha256,)):
        return target
    for url in file.urls * ROUNDS:
        try:
            _pull(url, file, part, tell)
        except _AddressError as error:
            if str(error) not in failures[url]:
                failures[url].append(str(error))
        else:
            part.replace(target)
            return target
    told = "; ".join(f"{url}: {', then '.join(errors)}" for url, errors in failures.items())
    raise DatasetError(
        f"{file.name} could not be fetched ({told or 'no address is known'}); look "
        f"at the network and try again, or put the file into {folder} yourself"
    )


def _pull(url: str, file: FileFacts | Archive, part: Path, tell: OnProgress) -> None:
    """Complete `part` from one address and check it."""
    there = part.stat().st_size if part.exists() else 0
    if there < file.size:
        with _open(url, there) as answer:
            goes_on = answer.headers.get("Content-Range", "").startswith(f"bytes {there}-")
            there = there if goes_on else 0
            # A captive portal's page must not end up in `part`: it has another length, or none.
            if answer.length is None:
                raise _AddressError("does not say how long the file is")
            if there + answer.length != file.size:
                raise _AddressError(
                    f"offers {there + answer.length} bytes, but {file.size} are needed"
                )
            with part.open("ab" if goes_on else "wb") as out:
                while there < file.size and (chunk := _receive(answer)):
                    out.write(chunk)
                    there += len(chunk)
                    tell(file.name, min(there, file.size), file.size)
                out.flush()
                os.fsync(out.fileno())
    if there < file.size:
        raise _AddressError(f"broke off after {there} of {file.size} bytes")
    if not _is_sound(part, (file.sha256,)):
        part.unlink()
        raise _AddressError("sent something else: the checksum differs")


def _open(url: str, there: int) -> http.client.HTTPResponse:
    headers = {"Range": f"bytes={there}-"} if there else {}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - addresses are of facts.py
    try:
        answer = urllib.request.urlopen(request, timeout=TIMEOUT_S)  # noqa: S310
    except urllib.error.HTTPError as error:
        with error:
            raise _AddressError(f"HTTP {error.code} {error.reason}") from None
    except urllib.error.URLError as error:
        raise _AddressError(str(error.reason)) from None
    except (OSError, http.client.HTTPException) as error:
        raise _AddressError(str(error) or type(error).__name__) from None
    assert isinstance(answer, http.client.HTTPResponse)
    return answer


def _receive(answer: http.client.HTTPResponse) -> bytes:
    # An error of the network ends the pull as an early end does: what came before it is kept.
    try:
        return answer.read(CHUNK)
    except (OSError, http.client.HTTPException):
        return b""


def _is_sound(path: Path, sha256: tuple[str, ...]) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest() in sha256


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Make the folder and hold its lock; it is let go when the process ends, whatever ends it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".download.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _writing(file: FileFacts | Archive, folder: Path) -> Iterator[None]:
    """Say what is wrong where files can't be written; errors of the network don't come here."""
    try:
        yield
    except OSError as error:
        raise DatasetError(
            f"{file.name} could not be written to {folder}: {error.strerror or error}; "
            f"{file.size} bytes must fit there in a folder that may be written to"
        ) from error
