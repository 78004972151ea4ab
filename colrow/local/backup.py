"""`colrow backup`: the embedded database and its checkpoints in one file, while the service runs.

The database is copied at one moment (SQLite's online backup inside one read transaction, so writers
go on and are not seen). From before that until the last checkpoint is read no worker deletes files:
they are held, for two minutes at a time, so that a backup that is killed holds nothing for long.
"""

import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from shutil import disk_usage
from typing import Any

from sqlalchemy import URL, make_url

from colrow.errors import LocalError
from colrow.local import archive
from colrow.local.showing import bar
from store import place
from store.errors import FileDamaged, FileGone, StorageError
from store.files import Folder, Storage, check, fetch, stays
from store.objects import open_storage
from store.session import Database
from store.tables import SCHEMA_VERSION

HOLD_S = 120.0
TRIALS = 5
"""Snapshots, while files that one names are gone: without a hold, as for an older schema."""
_PAGES = 1024
_ROOM_BYTES = 16 << 20
_FILES = """
    SELECT 'jobs/' || jobs.id || '/a' || attempts.number || '/' || checkpoints.name,
           checkpoints.size_bytes, checkpoints.sha256
    FROM checkpoints
    JOIN attempts ON attempts.key = checkpoints.attempt_key
    JOIN jobs ON jobs.key = checkpoints.job_key
    WHERE checkpoints.current ORDER BY checkpoints.key
"""


@dataclass(frozen=True)
class File:
    """A checkpoint that the snapshot names."""

    path: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class Made:
    """What was written."""

    path: Path
    size_bytes: int
    jobs: int
    checkpoints: int
    missing: dict[str, str]
    """Checkpoints that the database names and that could not be read, with the reason."""


def backup(
    target: Path, home: Path, *, database_url: str | None = None, storage: str | None = None
) -> Made:
    """Write a backup into a new file, or under a name of its own into a folder.

    Raises LocalError, and then nothing is left of it.
    """
    source = _source(home, database_url)
    now = datetime.now(UTC)
    if target.is_dir():
        target = target / f"colrow-backup-{now:%Y%m%dT%H%M%SZ}.tar.gz"
    archive.check_name(target)
    if target.exists():
        raise LocalError(f"{target} is there already; name another file")
    try:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".colrow-backup-") as scratch:
            return _Backup(source, open_storage(storage, home), Path(scratch)).write(target, now)
    except StorageError as error:
        raise LocalError(f"the checkpoints cannot be read: {error}") from None
    except sqlite3.Error as error:
        raise LocalError(f"the database {source} cannot be read: {error}") from None
    except OSError as error:
        where = error.filename or target
        raise LocalError(
            f"the backup cannot be written, {where}: {error.strerror or error}"
        ) from None


def _source(home: Path, database_url: str | None) -> Path:
    address = make_url(database_url) if database_url else None
    if address is not None and address.get_backend_name() != "sqlite":
        raise LocalError(
            "`colrow backup` is for the embedded database; back up a PostgreSQL database with "
            "pg_dump, and then copy the folder (or bucket) of the checkpoints"
        )
    named = address.database if address is not None else None
    path = Path(named) if named else home / "colrow.db"
    if not path.is_file():
        raise LocalError(f"there is no database {path}; name the data folder with --data")
    return path


class _Backup:
    """One backup on its way."""

    def __init__(self, source: Path, storage: Storage, scratch: Path) -> None:
        self.source, self.storage, self.scratch = source, storage, scratch
        self.snapshot = scratch / "snapshot.db"
        self.held_s = -HOLD_S
        self.holds = _schema(source) == SCHEMA_VERSION

    def write(self, target: Path, now: datetime) -> Made:
        files, gone = self._consistent()
        _demand_room(self.scratch, self.snapshot.stat().st_size + sum(f.size_bytes for f in files))
        schema, jobs = _schema(self.snapshot), _count(self.snapshot, "jobs")
        about = {
            "colrow": version("colrow"), "schema": schema, "created_at": now.isoformat(),
            "jobs": jobs, "checkpoints": len(files),
        }  # fmt: skip
        missing = {file.path: "it is not there" for file in gone}
        with archive.Writer(target, about) as writer:
            self._add(writer, archive.DATABASE, self.snapshot, "database")
            self.snapshot.unlink()
            for number, file in enumerate(files, start=1):
                try:
                    path = self._here(file)
                except (FileGone, FileDamaged) as error:
                    missing[file.path] = str(error)
                    continue
                self._add(writer, file.path, path, f"checkpoint {number} of {len(files)}")
                if path.is_relative_to(self.scratch):
                    path.unlink()
            writer.finish(missing=missing)
        kept = len(files) + len(gone) - len(missing)
        return Made(target, target.stat().st_size, jobs, kept, missing)

    def _consistent(self) -> tuple[list[File], list[File]]:
        """Take a snapshot; give the files that it names and that are there, and the others."""
        for _ in range(TRIALS):
            self._hold()
            self.snapshot.unlink(missing_ok=True)
            take_snapshot(self.source, self.snapshot, told=self._hold)
            named = _files(self.snapshot)
            gone = [file for file in named if not self._is_there(file)]
            if not gone:
                break
        if gone and len(gone) == len(named):
            raise StorageError(
                f"none of the {len(named)} that the database names is in {self.storage.shown}; "
                "name where they lie with COLROW_STORAGE, or the data folder with --data"
            )
        return [file for file in named if file not in gone], gone

    def _is_there(self, file: File) -> bool:
        self._hold()
        try:
            self.storage.size(file.path)
        except FileGone:
            return False
        return True

    def _here(self, file: File) -> Path:
        """Give a path where the file lies, whole and checked."""
        if isinstance(self.storage, Folder) and stays(self.storage):
            path = self.storage.path(file.path)
            if not path.exists():
                raise FileGone(f"{path} was deleted meanwhile")
            check(path, file.sha256, str(path))
            return path
        path = self.scratch / "checkpoint.pt"
        fetch(self.storage, file.path, path, file.sha256)
        return path

    def _add(self, writer: archive.Writer, name: str, path: Path, title: str) -> None:
        with bar(title, path.stat().st_size) as more:

            def told(count: int) -> None:
                more(count)
                self._hold()

            writer.add(name, path, told=told)

    def _hold(self) -> None:
        """Keep every worker from deleting files, for a while from now on."""
        if not self.holds or time.monotonic() - self.held_s < HOLD_S / 4:
            return
        address = URL.create("sqlite", database=str(self.source))
        database = Database(address.render_as_string(hide_password=False))
        try:
            with database.write() as session:
                place.hold(session, HOLD_S)
        finally:
            database.close()
        self.held_s = time.monotonic()


def take_snapshot(source: Path, target: Path, *, told: Callable[[], None] = lambda: None) -> None:
    """Copy a database as it is at one moment, while others write. Raises sqlite3.Error."""
    with closing(_open(source)) as reading, closing(sqlite3.connect(target)) as writing:
        # Inside a transaction of ours: else the copy begins anew whenever somebody writes.
        reading.execute("BEGIN")
        reading.execute("SELECT count(*) FROM sqlite_master").fetchone()
        pages = reading.execute("PRAGMA page_count").fetchone()[0]
        size = reading.execute("PRAGMA page_size").fetchone()[0]
        with bar("snapshot of the database", pages * size) as more:
            done = 0

            def copied(_status: int, left: int, total: int) -> None:
                nonlocal done
                more((total - left) * size - done)
                done = (total - left) * size
                told()

            reading.backup(writing, pages=_PAGES, progress=copied, sleep=0)
        reading.execute("COMMIT")
        writing.execute("PRAGMA journal_mode = DELETE")
        (verdict,) = writing.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise sqlite3.DatabaseError(f"it is damaged ({verdict})")
    target.chmod(0o600)


def _open(path: Path) -> sqlite3.Connection:
    # Not read-only: of a database with a write-ahead log its memory file may have to be made.
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=30)
    connection.isolation_level = None
    return connection


def _schema(path: Path) -> str | None:
    with closing(_open(path)) as connection:
        try:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        except sqlite3.OperationalError:
            raise LocalError(f"{path} is no database of Colrow's") from None
        return row[0] if row else None


def _count(path: Path, table: str) -> int:
    with closing(_open(path)) as connection:
        found: int = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
        return found


def _files(path: Path) -> list[File]:
    with closing(_open(path)) as connection:
        rows: list[Any] = connection.execute(_FILES).fetchall()
    return [File(*row) for row in rows]


def _demand_room(folder: Path, needed: int) -> None:
    free = disk_usage(folder).free
    if free < needed + _ROOM_BYTES:
        raise LocalError(
            f"the backup may need {needed / 1e6:,.0f} MB and {folder.parent} has "
            f"{free / 1e6:,.0f} MB free; make room there, or name a file on another disk"
        )
