"""`colrow restore`: an empty data folder becomes what a backup holds.

All is unpacked and checked in a folder inside the target; then the checkpoints are moved into their
place, and the database last, so that a restore that was killed is none. Jobs that ran when the
backup was made are queued again. The folder is a place of files of its own (`store.place`): what is
restored must not delete files that the original still needs.
"""

import json
import shutil
import sqlite3
import uuid
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, delete, func, select, update

import migrations
from colrow.errors import LocalError
from colrow.local import archive
from colrow.local.showing import bar
from store import attempts
from store.errors import UnsuitablePlace
from store.files import MARK, force
from store.session import Database, refuse_network_file_system
from store.tables import SCHEMA_VERSION, Attempt, Change, ChangeHead, Job, StorageRow, Worker

STAGING = ".restoring"
_FURTHER = 1_000_000_000
"""By so much the feed of changes goes on: nobody's place in the original's is one in ours."""


@dataclass(frozen=True)
class Restored:
    """What was restored."""

    created_at: str
    jobs: int
    checkpoints: int
    requeued: int
    schema: str
    """Of the backup; it was upgraded where that is not ours."""
    missing: tuple[str, ...]
    """Checkpoints that were not to be had when the backup was made."""


def restore(path: Path, home: Path) -> Restored:
    """Restore a backup into a data folder that is empty or not there yet.

    Raises LocalError, and then the folder is as it was.
    """
    _demand_empty(home)
    staging = home / STAGING
    is_new = not home.exists()
    try:
        with archive.reading(path) as reader:
            _demand_known(reader)
            shutil.rmtree(staging, ignore_errors=True)
            staging.mkdir(mode=0o700, parents=True)
            with bar(f"unpacking {path.name}", _size(path)) as more:
                manifest = reader.unpack(staging, told=more)
            jobs, requeued = _prepare(reader, staging, home)
        _move(staging, home)
    except BaseException as error:
        _empty(home, is_new=is_new)
        if isinstance(error, OSError):
            where = error.filename or home
            raise LocalError(f"nothing was restored, {where}: {error.strerror or error}") from None
        raise
    found = sum(archive.is_checkpoint(str(m["name"])) for m in manifest["members"])
    missing = manifest.get("missing")
    return Restored(
        created_at=str(reader.about.get("created_at")),
        jobs=jobs,
        checkpoints=found,
        requeued=requeued,
        schema=str(reader.about["schema"]),
        missing=tuple(missing) if isinstance(missing, dict) else (),
    )


def _empty(home: Path, *, is_new: bool) -> None:
    """Leave the folder as it was: empty, or not there."""
    if is_new:
        shutil.rmtree(home, ignore_errors=True)
        return
    for path in home.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _demand_empty(home: Path) -> None:
    try:
        refuse_network_file_system(home)
        there = [p.name for p in home.iterdir() if p.name != STAGING] if home.exists() else []
    except UnsuitablePlace as error:
        raise LocalError(str(error)) from None
    except OSError as error:
        raise LocalError(f"{home} cannot be used: {error.strerror or error}") from None
    if there:
        raise LocalError(
            f"{home} is not empty (there is {sorted(there)[0]}), and a restore replaces nothing; "
            "name an empty folder with --data"
        )


def _demand_known(reader: archive.Reader) -> None:
    schema = reader.about.get("schema")
    if not isinstance(schema, str):
        raise reader.broken("it does not say its schema")
    if schema > SCHEMA_VERSION:
        raise reader.broken(
            f"it was made by a newer Colrow ({reader.about.get('colrow')}): its schema is "
            f"{schema}, this program knows {SCHEMA_VERSION}; install the newer version"
        )


def _size(path: Path) -> int:
    """Give a guess of what it unpacks to: weights hardly shrink."""
    return path.stat().st_size


def _prepare(reader: archive.Reader, staging: Path, home: Path) -> tuple[int, int]:
    """Upgrade the database and make it one that no worker uses.

    Gives the jobs there are, and how many of them are queued again.
    """
    path = staging / archive.DATABASE
    _demand_sound(reader, path)
    url = URL.create("sqlite", database=str(path)).render_as_string(hide_password=False)
    migrations.upgrade(url)
    database = Database(url)
    mark = str(uuid.uuid4())
    (staging / MARK).write_text(json.dumps({"place": mark}) + "\n")
    try:
        with database.write() as session:
            # The numbers first: what is told below comes after them.
            session.execute(delete(Change))
            session.execute(update(ChangeHead).values(seq=ChangeHead.seq + _FURTHER))
            session.execute(update(ChangeHead).values(trimmed=ChangeHead.seq))
            session.execute(update(StorageRow).values(place=mark, shown=str(home), held_until=0.0))
            session.execute(update(Worker).values(state="stopped"))
            told = f"the service was restored as it was at {reader.about.get('created_at')}"
            running = list(session.scalars(select(Attempt.key).where(Attempt.ended_at.is_(None))))
            for attempt_id in running:
                attempts.release(
                    session,
                    attempt_id,
                    kind="restored",
                    message=told,
                    blameless=True,
                )
            jobs = session.execute(select(func.count()).select_from(Job)).scalar_one()
    finally:
        database.close()
    _close_log(path)
    return jobs, len(running)


def _demand_sound(reader: archive.Reader, path: Path) -> None:
    try:
        with closing(sqlite3.connect(path)) as connection:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            version = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error as error:
        raise reader.broken(f"its database cannot be read ({error})") from None
    if verdict != "ok":
        raise reader.broken(f"its database is damaged ({verdict})")
    if version is None or version[0] != reader.about["schema"]:
        raise reader.broken("its database is of another schema than it says")


def _close_log(path: Path) -> None:
    """Leave one file: the write-ahead log is written into it."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")


def _move(staging: Path, home: Path) -> None:
    others = [p for p in staging.iterdir() if p.name not in (archive.DATABASE, MARK)]
    for part in [*others, staging / MARK, staging / archive.DATABASE]:
        part.replace(home / part.name)
    staging.rmdir()
    force(home)
