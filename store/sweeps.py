"""Sweeps: a base spec, axes and variants, and the jobs made from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from store import caps, changes, clock, jobs, owners, submissions
from store.cursors import decode_key, encode_cursor
from store.errors import NotFound
from store.grid import Member, expand
from store.ids import new_id
from store.jobs import NewJob
from store.tables import Job, Owner
from store.tables import Sweep as Row
from store.text import clean
from store.views import STATES, Page

__all__ = [
    "Member", "NewSweep", "SubmittedSweep", "Sweep", "cancel", "create", "expand", "get",
    "list_sweeps",
]  # fmt: skip


@dataclass(frozen=True)
class NewSweep:
    """What was asked for. The jobs come beside it, as `grid.expand` and planning made them."""

    name: str
    base: Mapping[str, Any]
    axes: Mapping[str, Sequence[Any]]
    variants: Sequence[Mapping[str, Any]] = ()
    owner: str = "local"


@dataclass(frozen=True)
class Sweep:
    """A sweep and the number of its jobs by state. `jobs` is filled by `get`, empty in lists."""

    id: str
    name: str
    owner: str
    created_at: float
    base: dict[str, Any]
    axes: dict[str, list[Any]]
    variants: list[dict[str, Any]]
    counts: dict[str, int]
    """Every state has its entry."""
    jobs: tuple[str, ...] = ()


@dataclass(frozen=True)
class SubmittedSweep:
    """The sweep, and whether this call made it (False: the idempotency key was known)."""

    sweep: Sweep
    created: bool


def create(
    session: Session,
    new: NewSweep,
    members: Sequence[NewJob],
    *,
    idempotency_key: str | None = None,
    max_queued: int | None = None,
) -> SubmittedSweep:
    """Make a sweep and all its jobs, or neither. Raises IdempotencyMismatch, CapReached."""
    owner_key = owners.key_of(session, new.owner)
    if idempotency_key is not None:
        digest = _digest(new, members)
        known = submissions.enter(session, owner_key, idempotency_key, digest)
        if known is not None:
            sweep_id = session.execute(
                select(Row.id).where(Row.key == known.sweep_key)
            ).scalar_one()
            return SubmittedSweep(get(session, sweep_id), created=False)
    caps.demand_room(session, owner_key, len(members), max_queued=max_queued)
    row = Row(
        id=new_id(),
        owner_key=owner_key,
        name=clean(new.name),
        base=dict(new.base),
        axes={path: list(values) for path, values in new.axes.items()},
        variants=[dict(variant) for variant in new.variants],
        created_at=clock.read(session),
    )
    session.add(row)
    session.flush()
    if members:
        jobs.insert_jobs(session, members, sweep=row)
    changes.note(session, changes.Change("sweep", sweep_id=row.id))
    if idempotency_key is not None:
        submissions.settle(session, owner_key, idempotency_key, sweep_key=row.key)
    return SubmittedSweep(get(session, row.id), created=True)


def _digest(new: NewSweep, members: Sequence[NewJob]) -> str:
    axes = [[path, list(values)] for path, values in new.axes.items()]  # their order is meant
    said = [new.name, dict(new.base), axes, [dict(variant) for variant in new.variants]]
    return submissions.digest(["sweep", *said, [[list(m.tags), m.priority] for m in members]])


def get(session: Session, sweep_id: str) -> Sweep:
    """Read one sweep with the ids of its jobs, in the order of the grid. Raises NotFound."""
    row = session.execute(_sweeps().where(Row.id == sweep_id)).one_or_none()
    if row is None:
        raise NotFound(f"there is no sweep {sweep_id!r}")
    members = session.execute(
        select(Job.id, Job.state).where(Job.sweep_key == row.Sweep.key).order_by(Job.key)
    ).all()
    counts: dict[str, int] = dict.fromkeys(STATES, 0)
    for member in members:
        counts[member.state] += 1
    return _view(row, counts, tuple(member.id for member in members))


def list_sweeps(session: Session, *, limit: int = 100, cursor: str | None = None) -> Page[Sweep]:
    """Read a page of sweeps, newest first. Raises BadQuery."""
    query = _sweeps().order_by(Row.key.desc()).limit(limit + 1)
    if cursor is not None:
        query = query.where(Row.key < decode_key(cursor))
    rows = session.execute(query).all()
    page = rows[:limit]
    counts: dict[int, dict[str, int]] = {row.Sweep.key: dict.fromkeys(STATES, 0) for row in page}
    for key, state, count in session.execute(
        select(Job.sweep_key, Job.state, func.count())
        .where(Job.sweep_key.in_(counts))
        .group_by(Job.sweep_key, Job.state)
    ):
        assert key is not None, "selected by it"
        counts[key][state] = count
    end = encode_cursor([page[-1].Sweep.key]) if len(rows) > limit else None
    return Page(tuple(_view(row, counts[row.Sweep.key], ()) for row in page), end)


def cancel(session: Session, sweep_id: str) -> Sweep:
    """Cancel every job that is not at its end yet. Idempotent. Raises NotFound."""
    key = session.execute(select(Row.key).where(Row.id == sweep_id)).scalar_one_or_none()
    if key is None:
        raise NotFound(f"there is no sweep {sweep_id!r}")
    jobs.cancel_sweep(session, key, sweep_id)
    changes.note(session, changes.Change("sweep", sweep_id=sweep_id))
    session.flush()
    return get(session, sweep_id)


def _sweeps() -> Any:
    return select(Row, Owner.name.label("owner")).join(Owner, Owner.key == Row.owner_key)


def _view(row: Any, counts: dict[str, int], members: tuple[str, ...]) -> Sweep:
    sweep = row.Sweep
    return Sweep(
        id=sweep.id,
        name=sweep.name,
        owner=row.owner,
        created_at=sweep.created_at,
        base=sweep.base,
        axes=sweep.axes,
        variants=sweep.variants,
        counts=counts,
        jobs=members,
    )
