"""A backup as one file: a tar of the database, the checkpoints that it names, and what they were.

    about.json            who wrote it, when, the schema: read first, so that a refusal is quick
    colrow.db             the database, at one moment
    jobs/<id>/a<n>/…      the checkpoints
    manifest.json         size and SHA-256 of every member: last, so that half an archive lacks it

Nothing is extracted by the name that a member brings: a name is held to the pattern of our own
paths, and each is read into a place that is made of its parts.
"""

import gzip
import hashlib
import io
import json
import os
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Self

from colrow.errors import LocalError
from store.files import PIECE_BYTES

FORMAT = 1
ABOUT, DATABASE, MANIFEST = "about.json", "colrow.db", "manifest.json"
_CHECKPOINT = re.compile(
    r"jobs/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/a[0-9]{1,9}/step-[0-9]{1,12}\.pt"
)
_LIMIT_BYTES = 256 << 20
"""Of a member that is read into memory."""
Told = Callable[[int], None]


def is_checkpoint(name: str) -> bool:
    """Whether this is the path of a checkpoint, and nothing else."""
    return _CHECKPOINT.fullmatch(name) is not None


def check_name(path: Path) -> None:
    """Raise LocalError unless the end of the name is of a form that is written here."""
    if not path.name.endswith((".tar", ".tar.gz", ".tgz")):
        raise LocalError(f"{path}: a backup is written as .tar.gz (or .tgz), or .tar; name it so")


class Writer:
    """An archive that comes into being: under a temporary name, for its owner's eyes only."""

    def __init__(self, path: Path, about: dict[str, Any]) -> None:
        """Begin it. Raises OSError."""
        self.path = path
        self.part = path.with_name(f".{path.name}.{os.getpid()}.part")
        self._members: list[dict[str, Any]] = []
        descriptor = os.open(self.part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(descriptor, "wb")
        self._packed: IO[bytes] | gzip.GzipFile = self._file
        if not path.name.endswith(".tar"):
            # Weights hardly shrink, whatever the effort.
            self._packed = gzip.GzipFile("", "wb", compresslevel=1, fileobj=self._file)
        self._tar = tarfile.open(  # noqa: SIM115 - `finish` closes it
            fileobj=self._packed, mode="w|", format=tarfile.PAX_FORMAT
        )
        self._text(ABOUT, {"format": FORMAT} | about)

    def add(self, name: str, path: Path, *, told: Told) -> None:
        """Add a file; its checksum is taken on the way. Raises OSError."""
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            reading = _Reading(file, told)
            self._tar.addfile(_member(name, size), reading)
        self._members.append({"name": name, "size_bytes": size, "sha256": reading.sha256()})

    def finish(self, **said: Any) -> None:
        """Write the manifest, force all to disk, and give the file its name. Raises OSError."""
        self._text(MANIFEST, {"members": self._members} | said)
        self._tar.close()
        if self._packed is not self._file:
            self._packed.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self.part.replace(self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_how: object) -> None:
        """Leave nothing of an archive that was not finished."""
        self._file.close()
        self.part.unlink(missing_ok=True)

    def _text(self, name: str, content: dict[str, Any]) -> None:
        text = json.dumps(content, indent=1).encode()
        self._tar.addfile(_member(name, len(text)), io.BytesIO(text))


def _member(name: str, size: int) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.size, made.mode = size, 0o600
    return made


class _Reading:
    """A file whose bytes are counted and digested while somebody else reads it."""

    def __init__(self, file: IO[bytes], told: Told) -> None:
        self._file, self._told, self._digest = file, told, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        piece = self._file.read(size)
        self._digest.update(piece)
        self._told(len(piece))
        return piece

    def sha256(self) -> str:
        return self._digest.hexdigest()


class Reader:
    """An archive that is read from its beginning to its end, once."""

    def __init__(self, path: Path, tar: tarfile.TarFile) -> None:
        self.path = path
        self._members = iter(tar)
        self._tar = tar
        self.about = self._json(self._next(ABOUT), ABOUT)
        if self.about.get("format") != FORMAT:
            raise self.broken(f"it is of format {self.about.get('format')}, not {FORMAT}")

    def unpack(self, folder: Path, *, told: Told) -> dict[str, Any]:
        """Write the members below a folder, hold them to the manifest, and give that.

        Raises LocalError for an archive that is no backup or not whole, and OSError.
        """
        found: dict[str, tuple[int, str]] = {}
        while (member := self._next()).name != MANIFEST:
            name = member.name
            if not member.isreg() or not (name == DATABASE or is_checkpoint(name)):
                raise self.broken(f"no backup has a member {name[:200]!r}")
            if name in found:
                raise self.broken(f"{name} is in it twice")
            target = folder.joinpath(*name.split("/"))
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            found[name] = self._write(member, target, told)
        manifest = self._json(member, MANIFEST)
        self._compare(manifest, found)
        return manifest

    def broken(self, why: str) -> LocalError:
        """Make the error that says what is wrong with the archive."""
        return LocalError(f"{self.path} cannot be restored: {why}; nothing was changed")

    def _next(self, name: str | None = None) -> tarfile.TarInfo:
        member = next(self._members, None)
        if member is None:
            raise self.broken("it ends too early, so it is incomplete")
        if name is not None and member.name != name:
            raise self.broken("it is no backup of Colrow")
        return member

    def _json(self, member: tarfile.TarInfo, name: str) -> dict[str, Any]:
        if not member.isreg() or member.size > _LIMIT_BYTES:
            raise self.broken(f"{name} is not what it should be")
        file = self._tar.extractfile(member)
        assert file is not None
        try:
            content = json.loads(file.read())
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise self.broken(f"{name} is not what it should be")
        return content

    def _write(self, member: tarfile.TarInfo, target: Path, told: Told) -> tuple[int, str]:
        file, digest, size = self._tar.extractfile(member), hashlib.sha256(), 0
        assert file is not None
        with target.open("xb") as writing:
            target.chmod(0o600)
            while piece := file.read(PIECE_BYTES):
                writing.write(piece)
                digest.update(piece)
                size += len(piece)
                told(len(piece))
            writing.flush()
            os.fsync(writing.fileno())
        return size, digest.hexdigest()

    def _compare(self, manifest: dict[str, Any], found: dict[str, tuple[int, str]]) -> None:
        try:
            listed = {m["name"]: (m["size_bytes"], m["sha256"]) for m in manifest["members"]}
        except (KeyError, TypeError):
            raise self.broken(f"{MANIFEST} is not what it should be") from None
        if DATABASE not in found:
            raise self.broken(f"there is no {DATABASE} in it")
        for name in sorted(listed.keys() | found.keys()):
            if listed.get(name) != found.get(name):
                raise self.broken(f"{name} is not what {MANIFEST} says: the archive is damaged")


@contextmanager
def reading(path: Path) -> Iterator[Reader]:
    """Open an archive. Raises LocalError where it is none, or ends too early; and OSError."""
    try:
        with path.open("rb") as file, tarfile.open(fileobj=file, mode="r|*") as tar:
            yield Reader(path, tar)
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise LocalError(
            f"{path} cannot be restored: it is no backup, or not whole ({error}); nothing was "
            "changed"
        ) from None
