"""Files of jobs in an object store: anything that fsspec reaches, as `s3://bucket/prefix`.

fsspec brings none of its protocols' packages along; which one is missing is told. How a store is
reached (endpoint, keys, time limits) is the business of its package and of fsspec's own settings
(FSSPEC_S3_ENDPOINT_URL, AWS_ACCESS_KEY_ID, …), so that no secret need stand in the address.
"""

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import fsspec
from fsspec.registry import known_implementations

from store.errors import FileDamaged, FileGone, StorageError, StorageSetting
from store.files import MARK, PIECE_BYTES, Folder, Storage, inside, pieces, unheard

_OWN_MEMORY = "memory"


def open_storage(address: str | None, home: Path) -> Storage:
    """Give the place of files that an address names; without one it is the home.

    Nothing is asked of it yet. Raises StorageSetting, saying what to install or to write.
    """
    if address is None:
        return Folder(home, is_home=True)
    parts = urlsplit(address)
    if "::" in address or not parts.scheme:
        raise _setting(address, "write it as s3://bucket/prefix or file:///mnt/lab/colrow")
    if parts.scheme in ("file", "local"):
        path = Path(address.partition("://")[2])
        if not path.is_absolute():
            raise _setting(address, "a folder is named from the root, as file:///mnt/lab/colrow")
        return Folder(path)
    if parts.scheme == _OWN_MEMORY:
        raise _setting(address, "it ends with the process that wrote there; name a lasting place")
    try:
        system, root = fsspec.core.url_to_fs(address)
    except ImportError:
        raise _setting(address, f"install the package it needs: {_package(parts.scheme)}") from None
    except ValueError as error:
        raise _setting(address, f"fsspec says: {error}") from None
    return ObjectStore(system, root, shown(address))


def shown(address: str) -> str:
    """Give an address without its password."""
    before, at, after = address.rpartition("@")
    scheme, found, rest = before.partition("://")
    if not at or not found:
        return address
    return f"{scheme}://{rest.partition(':')[0]}:***@{after}" if ":" in rest else address


def _package(protocol: str) -> str:
    known = known_implementations.get(protocol, {})
    extra = f"pip install 'fsspec[{protocol}]'"
    return f"{extra} ({known['err']})" if known.get("err") else extra


def _setting(address: str, advice: str) -> StorageSetting:
    return StorageSetting(f"COLROW_STORAGE={shown(address)} cannot be used; {advice}")


class ObjectStore:
    """A file system of fsspec. A file comes into being whole, when the last byte has arrived."""

    def __init__(self, system: Any, root: str, shown: str) -> None:
        self.system = system
        self.root = root.rstrip("/")
        self.shown = shown

    def put(
        self, source: Path, path: str, sha256: str, *, told: Callable[[], None] = unheard
    ) -> None:
        """Send it, and read back what has arrived."""
        with self._explained(path):
            try:
                self._send(source, self._at(path), told)
            except FileNotFoundError:  # some want their folders made; a bucket is never made here
                if self.mark() is None:
                    raise StorageError(f"{self.shown} is not there any more") from None
                self.system.makedirs(self._at(path).rpartition("/")[0], exist_ok=True)
                self._send(source, self._at(path), told)
        found = hashlib.sha256()
        for piece in self.read(path, 0, self.size(path)):
            found.update(piece)
            told()
        if found.hexdigest() != sha256:
            raise FileDamaged(f"{path} did not arrive in {self.shown} as it was sent")

    def size(self, path: str) -> int:
        """Ask, past everything that fsspec remembers."""
        with self._explained(path):
            self.system.invalidate_cache()
            return int(self.system.info(self._at(path))["size"])

    def read(self, path: str, start: int, end: int) -> Iterator[bytes]:
        """Ask for one piece after another."""
        while start < end:
            with self._explained(path):
                upto = min(start + PIECE_BYTES, end)
                piece: bytes = self.system.cat_file(self._at(path), start=start, end=upto)
            if not piece:
                return
            start += len(piece)
            yield piece

    def names(self, folder: str) -> list[str]:
        """List what stands below a prefix."""
        with self._explained(folder):
            self.system.invalidate_cache()
            try:
                found = self.system.ls(self._at(folder), detail=True)
            except FileNotFoundError:
                return []
        return sorted(str(f["name"]).rpartition("/")[2] for f in found if f["type"] == "file")

    def delete(self, path: str) -> None:
        """Delete one object."""
        with self._explained(path):
            try:
                self.system.rm_file(self._at(path))
            except FileNotFoundError:
                return

    def delete_folder(self, folder: str) -> None:
        """Delete everything below a prefix."""
        with self._explained(folder):
            self.system.invalidate_cache()
            try:
                self.system.rm(self._at(folder), recursive=True)
            except FileNotFoundError:
                return

    def mark(self) -> str | None:
        """Read the mark."""
        try:
            return b"".join(self.read(MARK, 0, self.size(MARK))).decode()
        except FileGone:
            return None

    def set_mark(self, text: str) -> None:
        """Write the mark. Raises StorageSetting where nothing can ever be written."""
        try:
            with self._explained(MARK):
                self.system.pipe_file(self._at(MARK), text.encode())
        except FileGone:
            raise StorageSetting(
                f"{self.shown} is not there; make the bucket (or the folder) first"
            ) from None

    def _send(self, source: Path, target: str, told: Callable[[], None]) -> None:
        # Not `put_file`: that of s3fs asks "100-continue?", and waits for the answer without end.
        writing = self.system.open(target, "wb", block_size=PIECE_BYTES, autocommit=False)
        try:
            for piece in pieces(source, told):
                writing.write(piece)
            writing.close()
            writing.commit()
        except BaseException:
            with contextlib.suppress(Exception):
                writing.discard()
            raise

    def _at(self, path: str) -> str:
        return f"{self.root}/{inside(path)}"

    @contextmanager
    def _explained(self, path: str) -> Iterator[None]:
        try:
            yield
        except StorageError:
            raise
        except FileNotFoundError:
            raise FileGone(f"{path} is not in {self.shown}") from None
        except NotImplementedError as error:
            raise StorageSetting(f"nothing can be written to {self.shown} ({error})") from None
        except Exception as error:  # every package of a protocol has errors of its own
            raise StorageError(f"{self.shown}: {_said(error)}") from error


def _said(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    name = type(error).__name__
    return f"{name}: {lines[0]}" if lines else name
