"""The one order in which queued jobs start; a claim takes its front, `GET /queue` shows it whole.

    priority, high first
    width of the narrowest living slot that fits, wide first: a wide slot serves narrow jobs when
        no wide job of the same priority waits for it
    device-seconds of the owner (`store.shares`)
    age

In the whole order an owner's device-seconds grow by what its own jobs ahead will count from their
start, so it is the order in which slots that are alike take the jobs one after the other. Jobs
beyond their owner's cap come after those that may start now, and jobs that no living worker fits
come last. Where slots are not alike, the job that a slot takes is the first here that fits it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial, reduce
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, case, func, literal, or_, select
from sqlalchemy.orm import Session

from store import shares, slots
from store.dialects import among, table_of
from store.shares import START_S, Share
from store.slots import Among, Slot
from store.tables import Job

UNCAPPED = 2**31 - 1


@dataclass(frozen=True)
class View:
    """What the order depends on beside the jobs: living slots, each kind once, and shares."""

    slots: tuple[Slot, ...]
    """Narrow ones first."""
    patterns: tuple[str, ...]
    """Names of devices that queued jobs ask for."""
    shares: Mapping[int, Share]
    owners: Subquery
    """The shares as a table: `owner_key`, `used_s`, `room`."""
    among: Among

    def fits(self, slot: Slot) -> ColumnElement[bool]:
        """Say in SQL which jobs fit a slot."""
        return slots.fits(slot, self.patterns, self.among)


def view(session: Session) -> View:
    """Look at the workers and the owners."""
    found = {slots.slot_of(worker) for worker in slots.living(session)}
    asked = select(Job.device_name).where(Job.state == "queued", Job.device_name.is_not(None))
    standing = shares.read(session)
    rooms = [UNCAPPED if one.room is None else one.room for one in standing.values()]
    used = [one.used_s for one in standing.values()]
    return View(
        tuple(sorted(found, key=lambda slot: (len(slot.devices), repr(slot)))),
        tuple(sorted(name for name in session.scalars(asked.distinct()) if name is not None)),
        standing,
        table_of(session, owner_key=list(standing), used_s=used, room=rooms),
        partial(among, session),
    )


def front(seen: View, slot: Slot) -> Select[Any]:
    """Select the key of the job that the slot takes next."""
    owner = seen.owners
    return (
        select(Job.key)
        .join(owner, owner.c.owner_key == Job.owner_key)
        .where(Job.state == "queued", owner.c.room > 0, seen.fits(slot))
        .order_by(Job.priority.desc(), *_width(seen), owner.c.used_s, Job.queued_at, Job.key)
        .limit(1)
    )


def whole(seen: View) -> Select[Any]:
    """Select every queued job in order: `key`, `owner_key`, `priority`, `fits`, `is_beyond`.

    `fits` has a sign for each of the view's slots, `1` where the job fits it and `0` where not;
    `is_beyond` says that the cap of its owner lets it start only when another one has ended.
    """
    placed, order = _placed(seen)
    return placed.order_by(*order)


def place(seen: View, job_key: int) -> Select[Any]:
    """Select the place of a queued job, 1 for the next to start."""
    placed, order = _placed(seen)
    numbered = placed.add_columns(func.row_number().over(order_by=order).label("place")).subquery()
    return select(numbered.c.place).where(numbered.c.key == job_key)


def _placed(seen: View) -> tuple[Select[Any], tuple[Any, ...]]:
    """Select the queued jobs, and give what to order them by."""
    owner = seen.owners
    # Owners are joined first: each then finds its own jobs in the index.
    waiting = (
        select(
            *(Job.key, Job.owner_key, Job.priority, Job.queued_at, Job.devices),
            *(owner.c.used_s, owner.c.room, _fits(seen).label("fits")),
            *(width.label("width") for width in _width(seen)),
        )
        .join(owner, owner.c.owner_key == Job.owner_key)
        .where(Job.state == "queued")
        .subquery()
    )
    w = waiting.c
    own: dict[str, Any] = {
        "partition_by": [w.owner_key, w.fits],
        "order_by": [w.priority.desc(), w.queued_at, w.key],
    }
    ahead = func.sum(w.devices).over(**own, rows=(None, 0)) - w.devices
    nth = func.row_number().over(**own)
    placed = select(waiting, ahead.label("ahead"), nth.label("nth")).subquery()
    p = placed.c
    is_beyond = p.nth > p.room
    order = (
        case((p.fits == "0" * len(seen.slots), 2), (is_beyond, 1), else_=0),
        p.priority.desc(),
        *([p.width] if "width" in p else []),
        p.used_s + START_S * p.ahead,
        p.queued_at,
        p.key,
    )
    return select(p.key, p.owner_key, p.priority, p.fits, is_beyond.label("is_beyond")), order


def _width(seen: View) -> list[ColumnElement[Any]]:
    """Order by the width of the narrowest slot that fits; nothing where all are as wide."""
    of_width: dict[int, list[ColumnElement[bool]]] = {}
    for slot in seen.slots:
        of_width.setdefault(len(slot.devices), []).append(seen.fits(slot))
    if len(of_width) < 2:
        return []
    return [case(*((or_(*some), -width) for width, some in of_width.items()), else_=0)]


def _fits(seen: View) -> ColumnElement[str]:
    signs = (case((seen.fits(slot), "1"), else_="0") for slot in seen.slots)
    return reduce(lambda left, right: left.concat(right), signs, literal(""))
