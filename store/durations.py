"""How long jobs ran, and what that says of jobs of the same shape."""

import hashlib
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from store.dialects import upsert
from store.grouping import canonical, work_of
from store.tables import Attempt, Duration, Job

MEMORY = 5
"""A new time counts for a fifth at least, so that a faster machine is soon noticed."""
LOST = "worker_lost"
"""The reason of an attempt whose worker fell silent: it is known to have run to its last beat."""


def shape_of(spec: Mapping[str, Any]) -> str:
    """Give a digest of what makes jobs take as long: all of the spec but seed and limits."""
    return hashlib.sha256(canonical(work_of(spec)).encode()).hexdigest()


def ran_s(attempt: Attempt) -> float:
    """Give how long an attempt that has ended ran."""
    end = attempt.heartbeat_at if attempt.reason_kind == LOST else attempt.ended_at
    assert end is not None
    return max(0.0, end - attempt.started_at)


def spent_s(session: Session, job_key: int) -> float:
    """Give how long the attempts of a job that have ended ran, together."""
    end = case((Attempt.reason_kind == LOST, Attempt.heartbeat_at), else_=Attempt.ended_at)
    query = select(func.sum(end - Attempt.started_at)).where(
        Attempt.job_key == job_key, Attempt.ended_at.is_not(None)
    )
    return max(0.0, session.execute(query).scalar() or 0.0)


def note(session: Session, job: Job) -> None:
    """Keep how long a job that has just succeeded took."""
    if job.shape is None:
        return
    run_s = spent_s(session, job.key)
    known = session.get(Duration, job.shape, with_for_update=True, populate_existing=True)
    count = 1 if known is None else known.jobs + 1
    if known is not None:
        run_s = known.run_s + (run_s - known.run_s) / min(count, MEMORY)
    upsert(session, Duration, [{"shape": job.shape, "run_s": run_s, "jobs": count}])


def known(session: Session, shapes: Collection[str], *, part: int = 500) -> dict[str, float]:
    """Give how long jobs of these shapes took, where one has succeeded."""
    wanted, found = sorted(shapes), dict[str, float]()
    for start in range(0, len(wanted), part):
        query = select(Duration.shape, Duration.run_s)
        some = query.where(Duration.shape.in_(wanted[start : start + part]))
        found |= {row.shape: row.run_s for row in session.execute(some)}
    return found
