"""What time alone has to mend: expired leases, and work that waits beside an idle slot.

Every worker sweeps, as often as it likes: done twice it does nothing the second time.
"""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from store import attempts, clock, durations, order, shares, slots
from store.tables import Attempt, Job, Worker


@dataclass(frozen=True)
class SweepReport:
    """What a sweep did, and whether to ring."""

    requeued: tuple[str, ...]
    """Jobs whose worker was lost and that wait for their next attempt."""
    failed: tuple[str, ...]
    stopped: tuple[str, ...]
    """Jobs whose worker was lost when they were to be cancelled or paused: they now are."""
    ring: bool
    """Queued work fits an idle slot: ring the bell."""


def sweep(session: Session) -> SweepReport:
    """Mend what there is to mend."""
    ended: dict[str, list[str]] = {"queued": [], "failed": [], "cancelled": [], "paused": []}
    expired = session.execute(
        select(Attempt.key, Job.id, Job.owner_key, Worker.name)
        .join(Job, Job.key == Attempt.job_key)
        .join(Worker, Worker.key == Attempt.worker_key)
        .where(Attempt.ended_at.is_(None), Attempt.lease_until < clock.now())
        # `release` locks the jobs, and so does `sweeps.cancel`: in one order, without a deadlock.
        .order_by(Job.key)
        # A row that is locked has a heartbeat, an end or another sweep under way.
        .with_for_update(of=Attempt, skip_locked=True)
    ).all()
    shares.lock(session, {row.owner_key for row in expired})
    for attempt_id, job_id, _, worker in expired:
        state = attempts.release(
            session,
            attempt_id,
            kind=durations.LOST,
            message=f"worker {worker} was not heard of before its lease ran out",
        )
        ended[state].append(job_id)
    return SweepReport(
        requeued=tuple(ended["queued"]),
        failed=tuple(ended["failed"]),
        stopped=tuple(ended["cancelled"] + ended["paused"]),
        ring=_work_waits(session),
    )


def end_left_behind(session: Session, worker_name: str) -> tuple[str, ...]:
    """End the attempts of a slot whose process is gone, lease or no lease, and give their jobs.

    For a slot that starts again, before it registers: the caller knows that the process which its
    row names has ended.
    """
    left = session.execute(
        select(Attempt.key, Job.id, Worker.pid)
        .join(Job, Job.key == Attempt.job_key)
        .join(Worker, Worker.key == Attempt.worker_key)
        .where(Attempt.ended_at.is_(None), Worker.name == worker_name)
        .with_for_update(of=Attempt, skip_locked=True)
    ).all()
    for attempt_id, _, pid in left:
        attempts.release(
            session,
            attempt_id,
            kind=durations.LOST,
            message=f"the process of worker {worker_name} ended (process {pid}: it was killed or "
            "crashed), and the trainer with it",
        )
    return tuple(job_id for _, job_id, _ in left)


def _work_waits(session: Session) -> bool:
    idle = {slots.slot_of(w) for w in slots.living(session) if w.state == "idle"}
    if not idle:
        return False
    seen = order.view(session)
    return any(session.execute(order.front(seen, slot)).first() is not None for slot in idle)
