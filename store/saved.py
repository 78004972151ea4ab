"""Device-seconds that sampling saved: measured, beside an exact job that was measured alike.

No time is inferred from MACs. A job counts where its sweep has an exact job of the same network,
data and training, and both ran on as many devices of the same name, with as many threads, and had
them to themselves the whole time; else nothing is known, which is not zero. Saved time may be below
zero: sampling then took longer.
"""

from collections import defaultdict
from dataclasses import dataclass
from statistics import fmean
from typing import Any, NamedTuple

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session

from crs_core.spec import STUDIED
from store import metrics
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


class _Ground(NamedTuple):
    """On what a job ran, whole."""

    kind: str
    name: str
    devices: int
    threads: int | None


def read(
    session: Session,
    *,
    user: str | None = None,
    since: float | None = None,
    until: float | None = None,
) -> list[Saved]:
    """Read what was saved by jobs that ended in a span of time; seconds since 1970, UTC."""
    rows = session.execute(
        _finished().add_columns(Job.id, Job.sweep_key, Job.policies, Job.spec, Job.finished_at)
        .add_columns(Owner.name.label("user"))
        .join(Owner, Owner.key == Job.owner_key)
    ).all()  # fmt: skip
    if not rows:
        return []
    grounds, seconds = _grounds(session), _seconds(session)
    exact: defaultdict[Any, list[float]] = defaultdict(list)
    sampled: list[tuple[Any, Row[Any]]] = []
    for row in rows:
        if row.key not in grounds or row.key not in seconds:
            continue
        like = (row.sweep_key, twin_of(row.spec), grounds[row.key])
        if row.policies == _EXACT:
            exact[like].append(seconds[row.key])
        elif _is_within(row.finished_at, since, until) and user in (None, row.user):
            sampled.append((like, row))
    return [
        Saved(
            row.id, row.user, ground.kind, (fmean(exact[like]) - seconds[row.key]) * ground.devices
        )
        for like, row in sampled
        for ground in [grounds[row.key]]
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
    return select(Job.key).where(
        succeeded, Job.model.not_in(STUDIED), Job.sweep_key.in_(with_exact)
    )


def _grounds(session: Session) -> dict[int, _Ground]:
    """Say on what each job ran, where all of its attempts ran on the same and alone."""
    found: defaultdict[int, set[_Ground | None]] = defaultdict(set)
    for attempt in session.execute(
        select(
            Attempt.job_key, Attempt.shared, Attempt.versions, Attempt.device_count,
            Attempt.threads, Worker.kind,
        )
        .join(Worker, Worker.key == Attempt.worker_key)
        # One that ended before its trainer began trained nothing.
        .where(Attempt.job_key.in_(_finished()), Attempt.start_step.is_not(None))
    ):  # fmt: skip
        found[attempt.job_key].add(_ground(attempt))
    return {
        key: ground
        for key, grounds in found.items()
        if len(grounds) == 1 and (ground := next(iter(grounds))) is not None
    }


def _ground(attempt: Row[Any]) -> _Ground | None:
    versions = attempt.versions or {}
    name = versions.get("gpu") or versions.get("processor")
    if attempt.shared is not False or name is None:
        return None
    return _Ground(attempt.kind, name, attempt.device_count or 1, attempt.threads)


def _seconds(session: Session) -> dict[int, float]:
    number = metrics.numbers(session).get("seconds")
    if number is None:
        return {}
    table = Summary.__table__.c
    rows: Any = session.execute(
        select(table.job_key, table.last_value).where(
            table.metric_id == number,
            table.last_value.is_not(None),
            table.job_key.in_(_finished()),
        )
    ).all()
    return dict(rows)
