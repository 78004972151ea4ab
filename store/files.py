"""Where the files of jobs lie: a folder, or an object store (`store.objects`), by one interface.

Paths are relative, with slashes: `jobs/<id>/a<attempt>/step-<n>.pt`. A file that is put is whole
and read back before it counts, and is never replaced by another content. What cannot be reached is
told apart from what is not there: on that it depends whether a job may begin anew.
"""

import contextlib
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from store.errors import FileDamaged, FileGone, StorageError

MARK = "colrow-storage.json"
"""The file at the root that says which storage this is (`store.place`); it travels with a copy."""
PIECE_BYTES = 8 << 20


def unheard() -> None:
    """Let nobody hear."""


class Storage(Protocol):
    """A place for files. Its methods raise StorageError when it does not answer or refuses."""

    shown: str
    """Its address for people, without a password."""

    def put(self, source: Path, path: str, sha256: str, *, told: Callable[[], None] = ...) -> None:
        """Bring a file there, and read it back; `told` hears that it moves on.

        Raises FileDamaged when it arrived otherwise, and OSError where it cannot be read here.
        """

    def size(self, path: str) -> int:
        """Give a file's bytes. Raises FileGone."""

    def read(self, path: str, start: int, end: int) -> Iterator[bytes]:
        """Give bytes `start` to before `end`, piece by piece. Raises FileGone."""

    def names(self, folder: str) -> list[str]:
        """Name the files in a folder, not below it; none where there is no such folder."""

    def delete(self, path: str) -> None:
        """Delete a file; one that is gone already is no error."""

    def delete_folder(self, folder: str) -> None:
        """Delete a folder with all that is in it; one that is gone already is no error."""

    def mark(self) -> str | None:
        """Read the file that says which storage this is; None where there is none yet."""

    def set_mark(self, text: str) -> None:
        """Write that file."""


class Folder:
    """A folder of this machine, or one that several machines share.

    `is_home`: trainers write into it themselves.
    """

    def __init__(self, root: Path, *, is_home: bool = False) -> None:
        self.root = root
        self.is_home = is_home
        self.shown = str(root)

    def path(self, path: str) -> Path:
        """Give a file's place on this machine."""
        return self.root / inside(path)

    def put(
        self, source: Path, path: str, sha256: str, *, told: Callable[[], None] = unheard
    ) -> None:
        """Copy it under a temporary name, force it to disk, rename it."""
        target = self.path(path)
        with self._explained(path), _temporary(target) as part:
            target.parent.mkdir(parents=True, exist_ok=True)
            write(part, pieces(source, told))
            check(part, sha256, f"{path} in {self.shown}")
            part.replace(target)
            force(target.parent)

    def size(self, path: str) -> int:
        """Ask the file system."""
        with self._explained(path):
            return self.path(path).stat().st_size

    def read(self, path: str, start: int, end: int) -> Iterator[bytes]:
        """Read it while the file is held open: who deletes it meanwhile does not disturb."""
        with self._explained(path), self.path(path).open("rb") as file:
            file.seek(start)
            while start < end and (piece := file.read(min(PIECE_BYTES, end - start))):
                start += len(piece)
                yield piece

    def names(self, folder: str) -> list[str]:
        """List the folder."""
        with self._explained(folder):
            try:
                return sorted(p.name for p in self.path(folder).iterdir() if not p.is_dir())
            except FileNotFoundError:
                return []

    def delete(self, path: str) -> None:
        """Unlink it, and the folder that it leaves empty."""
        with self._explained(path):
            file = self.path(path)
            file.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # others are in it
                file.parent.rmdir()

    def delete_folder(self, folder: str) -> None:
        """Remove it with all that is in it."""
        with self._explained(folder), contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self.path(folder))

    def mark(self) -> str | None:
        """Read the mark."""
        with self._explained(MARK):
            try:
                return self.path(MARK).read_text()
            except FileNotFoundError:
                return None

    def set_mark(self, text: str) -> None:
        """Write the mark, making the folder where it is missing."""
        with self._explained(MARK), _temporary(self.path(MARK)) as part:
            self.root.mkdir(parents=True, exist_ok=True)
            part.write_text(text)
            part.replace(self.path(MARK))

    @contextmanager
    def _explained(self, path: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise FileGone(f"{path} is not in {self.shown}") from None
        except OSError as error:
            raise StorageError(f"{self.path(path)}: {error.strerror or error}") from error


@contextmanager
def _temporary(target: Path) -> Iterator[Path]:
    """Give the name of a file beside the target that is gone in the end, unless it was renamed."""
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        yield part
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def inside(path: str) -> str:
    """Give a path back that stays below the root. Raises StorageError for any other."""
    if any(part in ("", ".", "..") for part in path.split("/")):
        raise StorageError(f"{path!r} is no path of a file of a job")
    return path


def stays(storage: Storage) -> bool:
    """Whether trainers write where the files lie, so that none is put or fetched."""
    return isinstance(storage, Folder) and storage.is_home


def fetch(storage: Storage, path: str, target: Path, sha256: str) -> None:
    """Bring a file here, whole or not at all.

    Raises FileGone, FileDamaged, StorageError, and OSError where it cannot be written here.
    """
    with _temporary(target) as part:
        target.parent.mkdir(parents=True, exist_ok=True)
        write(part, storage.read(path, 0, storage.size(path)))
        check(part, sha256, f"{path} in {storage.shown}")
        part.replace(target)


def pieces(path: Path, told: Callable[[], None] = unheard) -> Iterator[bytes]:
    """Give a file piece by piece. Raises OSError."""
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            yield piece
            told()


def write(path: Path, content: Iterable[bytes]) -> None:
    """Write a file and force it to disk. Raises OSError."""
    with path.open("wb") as file:
        for piece in content:
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())


def digest(path: Path) -> str:
    """Give a file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check(path: Path, sha256: str, what: str) -> None:
    """Raise FileDamaged unless a file has the checksum."""
    found = digest(path)
    if found != sha256:
        raise FileDamaged(f"{what} is damaged: its checksum is {found[:12]}…, not {sha256[:12]}…")


def force(folder: Path) -> None:
    """Make a rename in the folder last."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
