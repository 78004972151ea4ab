"""Curves: one metric over the steps of a job, whole or reduced with every peak kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import select
from sqlalchemy.orm import Session

from crs_core.events import METRICS
from store import metrics as metric_names
from store.dialects import among
from store.errors import BadQuery, NotFound
from store.tables import Job, Point

PART = 500
JOBS = 20


@dataclass(frozen=True)
class Curve:
    """`steps` and `values` side by side; None for a value that was not finite."""

    job_id: str
    metric: str
    steps: list[int]
    values: list[float | None]
    non_finite: list[int]
    """Positions of those values."""
    of: int
    """Points there are after `after`, before the reduction."""
    reduced: bool


def read(
    session: Session,
    job_ids: Sequence[str],
    metrics: Sequence[str] | None = None,
    *,
    max_points: int | None = None,
    after: int | None = None,
    most: int | None = None,
) -> list[Curve]:
    """Read curves, by job in the order given, then in the order of `crs_core.events.METRICS`.

    `metrics` None: every one there is. A metric that a job has no point of is left out. `after`:
    only steps beyond it. `max_points`: see `reduce`. `most` is how many points all curves together
    may have. Raises NotFound, BadQuery.
    """
    ids = list(dict.fromkeys(job_ids))
    keys: dict[str, int] = dict(
        session.execute(select(Job.id, Job.key).where(among(session, Job.id, ids))).all()
    )
    for job_id in ids:
        if job_id not in keys:
            raise NotFound(f"there is no job {job_id!r}")
    names = {
        number: name
        for number, name in metric_names.names(session).items()
        if metrics is None or name in metrics
    }
    if not names:
        return []
    found: list[Curve] = []
    # By parts, so that of very many jobs those of one part at most are here unreduced.
    for begin in range(0, len(ids), JOBS):
        some = {keys[job_id]: job_id for job_id in ids[begin : begin + JOBS]}
        found += _of_jobs(session, some, names, max_points=max_points, after=after)
        total = sum(len(curve.steps) for curve in found)
        if most is not None and total > most:
            raise BadQuery(
                f"the curves of {begin + len(some)} of the {len(ids)} jobs have {total} points, "
                f"and one answer has at most {most}; reduce them with max_points (as in "
                "max_points=320), or ask for fewer jobs or metrics"
            )
    place = {job_id: i for i, job_id in enumerate(ids)}
    shown = {name: i for i, name in enumerate(METRICS)}
    return sorted(found, key=lambda c: (place[c.job_id], shown.get(c.metric, len(shown)), c.metric))


def _of_jobs(
    session: Session,
    job_of: Mapping[int, str],
    names: Mapping[int, str],
    *,
    max_points: int | None,
    after: int | None,
) -> list[Curve]:
    """Read the curves of some jobs, by key."""
    table = Point.__table__.c
    query = (
        select(table.job_key, table.metric_id, table.step, table.value)
        .where(table.job_key.in_(job_of), table.metric_id.in_(names))
        .order_by(table.job_key, table.metric_id, table.step)
    )
    if after is not None:
        query = query.where(table.step > after)
    found, begin = [], 0
    of_job: list[int] = []
    of_metric: list[int] = []
    steps: list[int] = []
    values: list[float | None] = []
    # By parts, turned into columns: rows that live long would set the garbage collector to work.
    for part in session.execute(query).partitions(PART):
        part_job, part_metric, part_steps, part_values = zip(*part, strict=True)
        of_job += part_job
        of_metric += part_metric
        steps += part_steps
        values += part_values
    for (key, metric), same in groupby(zip(of_job, of_metric, strict=True)):
        end = begin + sum(1 for _ in same)
        curve = _curve(job_of[key], names[metric], steps[begin:end], values[begin:end], max_points)
        found.append(curve)
        begin = end
    return found


def _curve(
    job_id: str, metric: str, steps: list[int], values: list[float | None], limit: int | None
) -> Curve:
    of, reduced = len(values), limit is not None and len(values) > limit
    if limit is not None and reduced:
        kept = reduce(values, limit)
        steps, values = [steps[i] for i in kept], [values[i] for i in kept]
    gaps = [i for i, value in enumerate(values) if value is None] if None in values else []
    return Curve(job_id, metric, steps, values, gaps, of, reduced)


def reduce(values: Sequence[float | None], limit: int) -> list[int]:
    """Choose at most `limit` positions (but at least four) so that a drawn line looks the same.

    First and last stay. Between them every bucket of equally many points gives its smallest and its
    largest value, in the order in which they come; where none is finite, its first point, so that a
    gap stays one.
    """
    n = len(values)
    if n <= limit:
        return list(range(n))
    buckets = max(1, (limit - 2) // 2)
    kept = [0]
    for b in range(buckets):
        begin, end = 1 + b * (n - 2) // buckets, 1 + (b + 1) * (n - 2) // buckets
        piece = values[begin:end]
        if None in piece:
            finite = [v for v in piece if v is not None]
            if not finite:
                kept.append(begin)
                continue
        else:
            finite = piece  # type: ignore[assignment]
        low, high = piece.index(min(finite)), piece.index(max(finite))
        kept.append(begin + min(low, high))
        if low != high:
            kept.append(begin + max(low, high))
    kept.append(n - 1)
    return kept
