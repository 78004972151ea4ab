"""Who gives way: a preemptible job that runs, to one of higher priority that waits for its slot.

A waiting job that fits an idle slot, or one whose job is about to stop, needs nobody to give way.
For any other the running job of lowest priority that began last is asked, one for each that waits.
Nobody is asked who has not run for `Rules.preempt_after_s`: too much would be lost in starting.
"""

from dataclasses import dataclass

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from store import clock, jobs, order, shares, slots
from store.order import View
from store.tables import Attempt, Job, Scheduler, Worker


@dataclass(frozen=True)
class _Place:
    """A slot, and the job that it runs, if any."""

    slot: int
    """Which of the view's slots it is like."""
    width: int
    job_id: str | None
    priority: int
    since: float
    is_leaving: bool
    """It gets free by itself: it is idle, or its job is asked to stop already."""
    may_be_asked: bool


def give_way(session: Session) -> tuple[str, ...]:
    """Ask running jobs to give way where that is due, and give their ids.

    Done twice it asks nobody the second time.
    """
    if not _may_be_due(session):
        return ()
    # The lock of claims: meanwhile nobody takes a slot, and nobody else asks.
    session.execute(select(Scheduler.id).with_for_update()).all()
    seen = order.view(session)
    places = _places(session, seen)
    asked: list[str] = []
    for waiting in session.execute(order.whole(seen)):
        lower = [one for one in places if one.may_be_asked and one.priority < waiting.priority]
        if not lower or waiting.is_beyond or "1" not in waiting.fits:
            break  # in this order nobody after it has more reason
        fitting = [one for one in places if waiting.fits[one.slot] == "1"]
        taken = min(
            (one for one in fitting if one.is_leaving), key=lambda one: one.width, default=None
        ) or min(
            (one for one in fitting if one in lower),
            key=lambda one: (one.priority, -one.since),
            default=None,
        )
        if taken is None:
            continue
        places.remove(taken)
        if not taken.is_leaving and taken.job_id and jobs.ask_to_give_way(session, taken.job_id):
            asked.append(taken.job_id)
    return tuple(asked)


def _may_be_due(session: Session) -> bool:
    """Whether somebody waits with a higher priority than somebody who might give way."""
    lowest = select(func.min(Job.priority)).where(
        Job.state == "running", Job.preemptible, Job.wish.is_(None)
    )
    highest = select(func.max(Job.priority)).where(Job.state == "queued")
    low, high = session.execute(select(lowest.scalar_subquery(), highest.scalar_subquery())).one()
    return low is not None and high is not None and low < high


def _places(session: Session, seen: View) -> list[_Place]:
    now, least_s = clock.read(session), shares.rules(session).preempt_after_s
    living = {worker.key: worker for worker in slots.living(session)}
    rows = session.execute(
        select(Worker.key, Job.id, Job.priority, Job.preemptible, Job.wish, Attempt.started_at)
        .outerjoin(Attempt, and_(Attempt.worker_key == Worker.key, Attempt.ended_at.is_(None)))
        .outerjoin(Job, Job.key == Attempt.job_key)
        .where(Worker.key.in_(living))
    )
    found = []
    for row in rows:
        slot = slots.slot_of(living[row.key])
        if slot not in seen.slots:
            continue
        found.append(
            _Place(
                slot=seen.slots.index(slot),
                width=len(slot.devices),
                job_id=row.id,
                priority=row.priority or 0,
                since=row.started_at or 0.0,
                is_leaving=row.id is None or row.wish is not None,
                may_be_asked=bool(row.preemptible)
                and row.wish is None
                and now - row.started_at >= least_s,
            )
        )
    return found
