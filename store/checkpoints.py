"""Rows of checkpoint files: which may be read, and which are to be deleted.

Of a job the newest file is kept and the newest of those saved at the best validation; while it
may still train, one more, to go back to when the last is damaged. The others are stale: a worker
deletes the files, then has their rows forgotten. What an attempt left without a row (half a file,
or one that was never told of because the worker was killed) is found by `untidy` after its end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, delete, insert, select, update
from sqlalchemy.orm import Session

from crs_core.events import CheckpointSaved
from store import clock, place
from store.errors import NotFound
from store.keys import job_key_of
from store.tables import Attempt, Checkpoint, Job

KEEP_NEWEST = 2


@dataclass(frozen=True)
class StoredCheckpoint:
    """A file that is there. `path` is below the service's home: `jobs/<id>/a<n>/step-<m>.pt`."""

    id: int
    attempt: int
    step: int
    name: str
    path: str
    size_bytes: int
    sha256: str
    best: bool
    created_at: float


@dataclass(frozen=True)
class StaleFile:
    """A file that nothing needs any more; `path` is relative to the service's home."""

    id: int
    path: str


@dataclass(frozen=True)
class Leftovers:
    """The folder of an attempt that has ended; only the files of `names` have a row."""

    id: int
    folder: str
    names: frozenset[str]


def read(session: Session, job_id: str) -> tuple[StoredCheckpoint, ...]:
    """Read a job's current checkpoints, newest first. Raises NotFound."""
    query = _files().where(Checkpoint.job_key == job_key_of(session, job_id), Checkpoint.current)
    order = (Checkpoint.step.desc(), Checkpoint.key.desc())
    return tuple(_view(row) for row in session.execute(query.order_by(*order)))


def get(session: Session, job_id: str, checkpoint_id: int) -> StoredCheckpoint:
    """Read one. Raises NotFound."""
    query = _files().where(Job.id == job_id, Checkpoint.key == checkpoint_id, Checkpoint.current)
    row = session.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"job {job_id!r} has no checkpoint {checkpoint_id}")
    return _view(row)


def stale(session: Session, *, limit: int = 1000) -> tuple[StaleFile, ...]:
    """Read the files to be deleted, of jobs that still exist; none while a backup reads files."""
    if place.is_held(session):
        return ()
    query = _files().where(Checkpoint.current.is_(False)).order_by(Checkpoint.key).limit(limit)
    return tuple(StaleFile(row.key, _path(row)) for row in session.execute(query))


def forget(session: Session, ids: Sequence[int]) -> None:
    """Remove the rows of stale files, once the files are gone."""
    if ids:
        session.execute(
            delete(Checkpoint).where(Checkpoint.key.in_(ids), Checkpoint.current.is_(False))
        )


def untidy(session: Session, *, older_s: float, limit: int = 100) -> tuple[Leftovers, ...]:
    """Read the attempts that ended so long ago and were not looked through for files yet."""
    ended = (
        select(Attempt.key, Attempt.number, Job.id)
        .join(Job, Job.key == Attempt.job_key)
        .where(Attempt.tidied.is_(False), Attempt.ended_at < clock.now() - older_s)
        .order_by(Attempt.ended_at)
        .limit(limit)
    )
    found = session.execute(ended).all()
    rows = session.execute(
        select(Checkpoint.attempt_key, Checkpoint.name).where(
            Checkpoint.attempt_key.in_([row.key for row in found])
        )
    ).all()
    return tuple(
        Leftovers(
            row.key,
            f"jobs/{row.id}/a{row.number}",
            frozenset(name for key, name in rows if key == row.key),
        )
        for row in found
    )


def set_tidied(session: Session, ids: Sequence[int], *, is_tidied: bool = True) -> None:
    """Say that attempts were looked through; or that there is something to find again."""
    if ids:
        session.execute(
            update(Attempt)
            .where(Attempt.key.in_(ids))
            .values(tidied=is_tidied)
            .execution_options(synchronize_session=False)
        )


def add(session: Session, attempt_key: int, job_key: int, event: CheckpointSaved) -> None:
    """Enter a file that is complete and in its place, and say which are stale by that."""
    same = select(Checkpoint.key).where(
        Checkpoint.attempt_key == attempt_key, Checkpoint.name == event.name
    )
    said = {
        "step": event.step,
        "size_bytes": event.size_bytes,
        "sha256": event.sha256,
        "best": event.best,
        "current": True,
    }
    key = session.execute(same).scalar_one_or_none()
    if key is None:
        at = {"attempt_key": attempt_key, "job_key": job_key, "name": event.name}
        row = said | at | {"created_at": clock.read(session)}
        session.execute(insert(Checkpoint).values(**row))
    else:  # said twice: the batch before was written, but its trainer did not hear of it
        session.execute(update(Checkpoint).where(Checkpoint.key == key).values(**said))
    _retain(session, job_key, newest=KEEP_NEWEST)


def retire(session: Session, job_key: int) -> None:
    """Keep only the newest and the best: the job has succeeded, and trains no more."""
    _retain(session, job_key, newest=1)


def _retain(session: Session, job_key: int, *, newest: int) -> None:
    rows = session.execute(
        select(Checkpoint.key, Checkpoint.best)
        .where(Checkpoint.job_key == job_key, Checkpoint.current)
        .order_by(Checkpoint.step.desc(), Checkpoint.key.desc())
    ).all()
    kept = [row.key for row in rows[:newest]] + [row.key for row in rows if row.best][:1]
    _expire(session, [row.key for row in rows if row.key not in kept])


def truncate(session: Session, job_key: int, step: int, *, keep_attempt: int) -> None:
    """Make stale what other attempts saved beyond `step`: the job goes on from before it."""
    found = session.scalars(
        select(Checkpoint.key).where(
            Checkpoint.job_key == job_key,
            Checkpoint.step > step,
            Checkpoint.attempt_key != keep_attempt,
            Checkpoint.current,
        )
    )
    _expire(session, list(found))


def _expire(session: Session, keys: Sequence[int]) -> None:
    if keys:
        session.execute(
            update(Checkpoint)
            .where(Checkpoint.key.in_(keys))
            .values(current=False)
            .execution_options(synchronize_session=False)
        )


def _files() -> Select[Any]:
    return (
        select(*Checkpoint.__table__.c, Attempt.number.label("attempt"), Job.id.label("job_id"))
        .join(Attempt, Attempt.key == Checkpoint.attempt_key)
        .join(Job, Job.key == Checkpoint.job_key)
    )


def _path(row: Row[Any]) -> str:
    return f"jobs/{row.job_id}/a{row.attempt}/{row.name}"


def _view(row: Row[Any]) -> StoredCheckpoint:
    return StoredCheckpoint(
        id=row.key,
        attempt=row.attempt,
        step=row.step,
        name=row.name,
        path=_path(row),
        size_bytes=row.size_bytes,
        sha256=row.sha256,
        best=row.best,
        created_at=row.created_at,
    )
