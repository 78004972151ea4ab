"""When queued jobs will start, by what was measured; where nothing was, nothing is said.

A slot whose job may end at any time is left out, so a job may start earlier than is said.

How long a job still takes: by its own speed while it runs; else by jobs of the same shape that have
succeeded, or that run now; for one that was stopped on its way, by the speed that it had.
"""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from store import clock, durations, metrics, slots
from store.order import View
from store.tables import Attempt, Job, Summary

PART = 500


@dataclass
class Outlook:
    """What is known of the near future: when slots get free, and when owners' jobs end."""

    free: list[list[float]]
    """Of each of the view's slots the times at which workers like it get free, as far as known."""
    widths: Sequence[int]
    ends: dict[int, list[float]] = field(default_factory=dict)
    """When the running jobs of an owner end, as far as known."""
    room: dict[int, int | None] = field(default_factory=dict)
    """How many jobs more an owner may run at once."""

    def start(self, owner: int, fits: str, lasts_s: float | None) -> float | None:
        """Give when the next job in order starts, and remember what that takes up.

        None, and nothing is taken up, when it waits for an end that nobody can tell.
        """
        on = [i for i, sign in enumerate(fits) if sign == "1" and self.free[i]]
        may_s = self._may(owner)
        if not on or may_s is None:
            return None
        slot = min(on, key=lambda i: (max(may_s, self.free[i][0]), self.widths[i]))
        start_s = max(may_s, heapq.heappop(self.free[slot]))
        room = self.room.get(owner)
        if room:
            self.room[owner] = room - 1
        elif room == 0:
            heapq.heappop(self.ends[owner])
        if lasts_s is not None:
            heapq.heappush(self.free[slot], start_s + lasts_s)
            heapq.heappush(self.ends.setdefault(owner, []), start_s + lasts_s)
        return start_s

    def _may(self, owner: int) -> float | None:
        """Give the moment from which the owner's cap allows one job more."""
        if self.room.get(owner) != 0:
            return 0.0
        ends = self.ends.get(owner)
        return ends[0] if ends else None

    @property
    def is_dark(self) -> bool:
        """Whether nothing is known of any slot any more."""
        return not any(self.free)


def starts(session: Session, seen: View, ahead: Sequence[Any]) -> list[float | None]:
    """Give when the jobs start that are `ahead`, rows of `order.whole` from the front on."""
    now, running = clock.read(session), _running(session)
    lasting = {
        row.shape: row.spent_s + row.left_s
        for row in running.values()
        if row.shape is not None and row.left_s is not None
    }
    outlook = _outlook(session, seen, running, now)
    found: list[float | None] = []
    for row, lasts_s in _with_durations(session, ahead, lasting):
        found.append(outlook.start(row.owner_key, row.fits, lasts_s))
        if outlook.is_dark:
            break
    return found + [None] * (len(ahead) - len(found))


@dataclass(frozen=True)
class _Running:
    owner: int
    shape: str | None
    spent_s: float
    left_s: float | None


def _running(session: Session) -> dict[int, _Running]:
    """Read what runs, by the key of its worker."""
    now = clock.read(session)
    rows = session.execute(
        select(
            Attempt.worker_key, Attempt.started_at, Job.key, Job.owner_key, Job.shape, Job.step,
            Job.total_steps, Job.wish, Job.attempt_count,
        )
        .join(Job, Job.key == Attempt.job_key)
        .where(Attempt.ended_at.is_(None))
    ).all()  # fmt: skip
    speeds = _speeds(session, [row.key for row in rows])
    took = durations.known(session, {row.shape for row in rows if row.shape is not None})
    found = {}
    for row in rows:
        spent_s = now - row.started_at
        if row.attempt_count > 1:
            spent_s += durations.spent_s(session, row.key)
        left_s = _steps_left_s(row, speeds)
        if left_s is None and row.shape in took:
            left_s = max(0.0, took[row.shape] - spent_s)
        if row.wish is not None:  # it is about to stop
            left_s = 0.0
        found[row.worker_key] = _Running(row.owner_key, row.shape, spent_s, left_s)
    return found


def _steps_left_s(row: Any, speeds: Mapping[int, float]) -> float | None:
    speed = speeds.get(row.key)
    if row.total_steps is None or not speed:
        return None
    left: int = row.total_steps - row.step
    return max(0.0, left / speed)


def _speeds(session: Session, keys: Sequence[int]) -> dict[int, float]:
    """Read the steps per second that jobs told last."""
    numbers = [i for i, name in metrics.names(session).items() if name == "steps_per_s"]
    if not numbers or not keys:
        return {}
    query = select(Summary.job_key, Summary.last_value).where(
        Summary.job_key.in_(keys), Summary.metric_id.in_(numbers), Summary.last_value.is_not(None)
    )
    return {row.job_key: row.last_value for row in session.execute(query)}


def _outlook(session: Session, seen: View, running: Mapping[int, _Running], now: float) -> Outlook:
    outlook = Outlook([[] for _ in seen.slots], [len(slot.devices) for slot in seen.slots])
    places = {slot: i for i, slot in enumerate(seen.slots)}
    for worker in slots.living(session):
        place, has = places.get(slots.slot_of(worker)), running.get(worker.key)
        if place is None or (has is not None and has.left_s is None):
            continue
        heapq.heappush(outlook.free[place], now if has is None else now + (has.left_s or 0.0))
    for owner, share in seen.shares.items():
        outlook.room[owner] = share.room
    for has in running.values():
        if has.left_s is not None:
            heapq.heappush(outlook.ends.setdefault(has.owner, []), now + has.left_s)
    return outlook


def _with_durations(
    session: Session, ahead: Sequence[Any], lasting: Mapping[str, float]
) -> Iterator[tuple[Any, float | None]]:
    """Give each job with the time that it will take; read part by part, as far as is asked."""
    for begin in range(0, len(ahead), PART):
        part = ahead[begin : begin + PART]
        query = select(Job.key, Job.shape, Job.step, Job.total_steps)
        rows = {
            row.key: row
            for row in session.execute(query.where(Job.key.in_([one.key for one in part])))
        }
        took = durations.known(session, {r.shape for r in rows.values() if r.shape is not None})
        speeds = _speeds(session, [row.key for row in rows.values() if row.step > 0])
        for one in part:
            row = rows[one.key]
            whole_s = took.get(row.shape, lasting.get(row.shape))
            if whole_s is None:
                yield one, _steps_left_s(row, speeds)
            elif row.total_steps:
                yield one, whole_s * max(0.0, 1 - row.step / row.total_steps)
            else:
                yield one, whole_s
