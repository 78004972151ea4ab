"""What users' attempts used of devices: a ledger by user, day and kind, which outlives the jobs.

An attempt is entered when it ends. Its time is that for which it had its devices, from the claim
on, whatever came of it. MACs are counted as training goes forward: what a lost attempt did beyond
its last checkpoint is done again, and done twice it is not saved twice.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Float, cast, func, select
from sqlalchemy.orm import Session

from store import saved
from store.dialects import add_up
from store.saved import Saved
from store.tables import Attempt, Job, Layer, Owner, Usage, Worker

DAY_S = 86_400


@dataclass(frozen=True)
class Used:
    """What a user used of devices of one kind, and what the sampling saved of it."""

    user: str
    kind: str
    device_s: float
    attempts: int
    exact_macs: float
    """Of exact training to where the jobs got."""
    performed_macs: float
    saved_device_s: float | None
    """Measured; None where no job has a measured exact one to be compared with."""
    compared_jobs: int
    """How many jobs the saved time is of."""

    @property
    def saved_macs(self) -> float:
        """MACs that were not performed."""
        return self.exact_macs - self.performed_macs


def book(session: Session, attempt: Attempt, job: Job, now: float) -> None:
    """Enter an attempt that ends; its row is locked by the caller."""
    worker = session.get_one(Worker, attempt.worker_key)
    # A worker that is lost was last known to live at its heartbeat, a while before this is noticed.
    end = attempt.heartbeat_at if now > attempt.lease_until else now
    exact, performed = _progress(session, attempt, job)
    attempt.exact_macs, attempt.performed_macs = exact, performed
    devices = attempt.device_count or 1
    days = list(_days(attempt.started_at, max(end, attempt.started_at)))
    rows = [
        {
            "owner_key": job.owner_key,
            "day": day,
            "kind": worker.kind,
            "device_s": seconds * devices,
            "attempts": int(is_last),
            "exact_macs": exact * is_last,
            "performed_macs": performed * is_last,
        }
        for day, seconds in days
        for is_last in [day == days[-1][0]]
    ]
    add_up(session, Usage, rows)


def _progress(session: Session, attempt: Attempt, job: Job) -> tuple[float, float]:
    """Give the MACs, exact and performed, by which the job got further than ever before."""
    exact, performed = session.execute(
        # Integers would overflow in the sum.
        select(
            func.sum(cast(Layer.exact_macs, Float)), func.sum(cast(Layer.performed_macs, Float))
        ).where(Layer.job_key == job.key)
    ).one()
    exact_before, performed_before = session.execute(
        select(func.sum(Attempt.exact_macs), func.sum(Attempt.performed_macs)).where(
            Attempt.job_key == job.key, Attempt.key != attempt.key
        )
    ).one()
    further = (exact or 0.0) - (exact_before or 0.0)
    if further <= 0:  # it was lost before it came where another one had been
        return 0.0, 0.0
    return further, (performed or 0.0) - (performed_before or 0.0)


def _days(start: float, end: float) -> Iterator[tuple[int, float]]:
    """Divide a span of time among the days (UTC) that it touches."""
    day = int(start // DAY_S)
    while True:
        next_day = (day + 1) * DAY_S
        yield day, min(end, next_day) - start
        if end <= next_day:
            return
        start, day = next_day, day + 1


def read(
    session: Session,
    *,
    user: str | None = None,
    first_day: int | None = None,
    last_day: int | None = None,
) -> tuple[Used, ...]:
    """Read what was used, by user and kind, in the days given (since 1970, UTC; both included).

    Saved time is that of the jobs which ended in these days and still exist.
    """
    query = (
        select(
            Owner.name,
            Usage.kind,
            func.sum(Usage.device_s).label("device_s"),
            func.sum(Usage.attempts).label("attempts"),
            func.sum(Usage.exact_macs).label("exact"),
            func.sum(Usage.performed_macs).label("performed"),
        )
        .join(Owner, Owner.key == Usage.owner_key)
        .group_by(Owner.name, Usage.kind)
        .order_by(Owner.name, Usage.kind)
    )
    if user is not None:
        query = query.where(Owner.name == user)
    if first_day is not None:
        query = query.where(Usage.day >= first_day)
    if last_day is not None:
        query = query.where(Usage.day <= last_day)
    compared = _compared(session, user, first_day, last_day)
    return tuple(
        Used(
            row.name, row.kind, row.device_s, row.attempts, row.exact, row.performed, *compared[key]
        )
        for row in session.execute(query)
        for key in [(row.name, row.kind)]
    )


def _compared(
    session: Session, user: str | None, first_day: int | None, last_day: int | None
) -> defaultdict[tuple[str, str], tuple[float | None, int]]:
    sums: defaultdict[tuple[str, str], tuple[float | None, int]] = defaultdict(lambda: (None, 0))
    found: list[Saved] = saved.read(
        session,
        user=user,
        since=None if first_day is None else first_day * DAY_S,
        until=None if last_day is None else (last_day + 1) * DAY_S,
    )
    for one in found:
        total, jobs = sums[one.user, one.kind]
        sums[one.user, one.kind] = (total or 0.0) + one.device_s, jobs + 1
    return sums
