"""Device-seconds that sampling saved: measured, beside an exact job that was measured alike.

No time is inferred from MACs. A job counts where its sweep has an exact job of the same network,
data and training, and both ran on the same kind of device, as many and to themselves, as
`store.timing` tells; else nothing is known, which is not zero. Saved time may be below zero:
sampling then took longer.
"""

from collections import defaultdict
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session

from crs_core.spec import STUDIED
from store import metrics, timing
from store.dialects import among
from store.grouping import twin_of
from store.tables import Attempt, Job, Owner, Summary, Worker

_EXACT = ",exact,"
"""`jobs.policies` of a job without sampling."""


@dataclass(frozen=True)
class Saved:
    """What one job saved against the mean of its exact twins."""

    job: str
    user: str
    kind: str
    """Of its devices."""
    device_s: float


def read(
    session: Session,
    *,
    user: str | None = None,
    since: float | None = None,
    until: float | None = None,
) -> list[Saved]:
    """Read what was saved by jobs that ended in a span of time; seconds since 1970, UTC."""
    rows = session.execute(_finished()).all()
    keys = [row.key for row in rows]
    ran_on, seconds, kinds = (
        timing.ran_on(session, keys),
        _seconds(session, keys),
        _kinds(session, keys),
    )
    exact: defaultdict[Any, list[float]] = defaultdict(list)
    sampled: list[tuple[Any, Row[Any]]] = []
    for row in rows:
        on = ran_on.get(row.key, timing.NOTHING)
        if on.device is None or on.caveat is not None or row.key not in seconds:
            continue
        like = (row.sweep_key, twin_of(row.spec), on.device)
        if row.policies == _EXACT:
            exact[like].append(seconds[row.key])
        elif _is_within(row.finished_at, since, until) and user in (None, row.user):
            sampled.append((like, row))
    return [
        Saved(
            job=row.id,
            user=row.user,
            kind=kinds[row.key],
            device_s=(fmean(exact[like]) - seconds[row.key]) * row.devices,
        )
        for like, row in sampled
        if like in exact
    ]


def _is_within(at: float | None, since: float | None, until: float | None) -> bool:
    return at is not None and (since is None or at >= since) and (until is None or at < until)


def _finished() -> Select[Any]:
    """Select the trainings that succeeded in sweeps which have an exact one."""
    succeeded = Job.state == "succeeded"
    with_exact = select(Job.sweep_key).where(
        succeeded, Job.policies == _EXACT, Job.sweep_key.is_not(None)
    )
    columns = (
        Job.key, Job.id, Job.sweep_key, Job.policies, Job.devices, Job.spec, Job.finished_at,
        Owner.name.label("user"),
    )  # fmt: skip
    return (
        select(*columns)
        .join(Owner, Owner.key == Job.owner_key)
        .where(succeeded, Job.model.not_in(STUDIED), Job.sweep_key.in_(with_exact))
    )


def _kinds(session: Session, job_keys: list[int]) -> dict[int, str]:
    """Give the kind of the devices of each job's attempts."""
    rows = session.execute(
        select(Attempt.job_key, Worker.kind)
        .join(Worker, Worker.key == Attempt.worker_key)
        .where(among(session, Attempt.job_key, job_keys))
        .order_by(Attempt.key)
    )
    return {row.job_key: row.kind for row in rows}


def _seconds(session: Session, job_keys: list[int]) -> dict[int, float]:
    number = metrics.numbers(session).get("seconds")
    table = Summary.__table__.c
    rows: Any = session.execute(
        select(table.job_key, table.last_value).where(
            table.metric_id == number,
            table.last_value.is_not(None),
            among(session, table.job_key, job_keys),
        )
    ).all()
    return dict(rows)
