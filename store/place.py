"""That all who work on one database keep their files in one place.

The place carries a mark, and the database says which mark it is. A worker whose folder is another
one (not mounted, of its own machine, or a bucket by another name) would find none of the
checkpoints that others wrote, begin every job anew, and have the old files forgotten; so it is
refused. The mark is a file and travels with a copy: who moves the files copies them all, and is
welcome at the new place.
"""

import json
import uuid

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from store import clock, slots
from store.errors import StorageError, StorageSetting
from store.files import Storage
from store.session import Database
from store.tables import Checkpoint, Scheduler, StorageRow


def settle(database: Database, storage: Storage) -> str:
    """Take the place for the database's, if it is or may become that, and give its id.

    It may while the database knows no place, or has no checkpoint to lose and no worker that lives.
    Raises StorageSetting where it is another one, StorageError where it does not answer.
    """
    with database.read() as session:
        known = _row(session).place
    if known is not None and _read(storage) == known:
        return known
    with database.write() as session:
        # One at a time: of two first workers the second finds what the first one settled.
        session.execute(select(Scheduler.id).where(Scheduler.id == 1).with_for_update())
        row, found = _row(session), _read(storage)
        if row.place is not None and row.place != found:
            _refuse_unless_free(session, storage, row)
        if found is None:
            found = str(uuid.uuid4())
            storage.set_mark(json.dumps({"place": found}) + "\n")
            found = _read(storage)
        if found is None:
            raise StorageError(f"{storage.shown} does not keep what was written to it")
        row.place, row.shown = found, storage.shown
        return found


def shown(session: Session) -> str | None:
    """Give the place's address for people, as the worker that settled it has it; None: no place."""
    row = _row(session)
    return None if row.place is None else row.shown


def is_there(database: Database, storage: Storage) -> bool:
    """Whether the place answers and is the database's. Raises StorageError."""
    with database.read() as session:
        known = _row(session).place
    return known is not None and _read(storage) == known


def abandon(session: Session) -> int:
    """Forget the place, and every checkpoint in it; give how many those were.

    For files that are lost for good: jobs then begin anew, at whichever place the next worker
    brings. The files, if there are any, are left alone.
    """
    row = _row(session)
    row.place = row.shown = None
    return len(session.execute(delete(Checkpoint).returning(Checkpoint.key)).all())


def hold(session: Session, seconds: float) -> None:
    """Have no file deleted for so long from now on; longer holds stay."""
    row = _row(session)
    row.held_until = max(row.held_until, clock.read(session) + seconds)


def is_held(session: Session) -> bool:
    """Whether no file may be deleted now."""
    return _row(session).held_until > clock.read(session)


def _row(session: Session) -> StorageRow:
    return session.get_one(StorageRow, 1, populate_existing=True)


def _read(storage: Storage) -> str | None:
    text = storage.mark()
    if text is None:
        return None
    try:
        return str(uuid.UUID(json.loads(text)["place"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise StorageSetting(
            f"the mark in {storage.shown} cannot be read; it is not Colrow's, or was damaged"
        ) from None


def _refuse_unless_free(session: Session, storage: Storage, row: StorageRow) -> None:
    kept = session.execute(select(Checkpoint.key).where(Checkpoint.current).limit(1)).first()
    if kept is None and not slots.living(session):
        return
    raise StorageSetting(
        f"the files of this database's jobs lie in {row.shown}, and {storage.shown} is not that "
        "place (or is it not mounted?). All workers of a database share one: a folder that each of "
        "them mounts (COLROW_HOME), or an address that each of them reaches (COLROW_STORAGE). To "
        f"move, stop all workers and copy {row.shown} there whole, with its mark; if those files "
        "are lost for good, `colrow db abandon-checkpoints` lets the jobs begin anew"
    )
