"""Curves: one metric over the steps of a job, whole or reduced with every peak kept."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby

from pydantic_core import from_json
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from crs_core.events import METRICS
from store import metrics as metric_names
from store.dialects import among, is_sqlite
from store.errors import BadQuery, NotFound
from store.tables import Job, Point

PART = 2000
"""Points that are fetched at a time."""


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
    only steps beyond it. `max_points`: see `reduce`; it is for drawing, and SQLite then rounds to
    15 digits. `most` is how many points all curves together may have. Raises NotFound, BadQuery.
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
    job_of = {key: job_id for job_id, key in keys.items()}
    found = []
    total = 0
    is_quick = max_points is not None and is_sqlite(session)
    reader = _columns if is_quick else _rows
    with closing(reader(session, job_of, names, after=after)) as columns:
        for (key, number), steps, values in columns:
            curve = _curve(job_of[key], names[number], steps, values, max_points)
            del steps, values  # before the next curve is read
            found.append(curve)
            total += len(curve.steps)
            if most is not None and total > most:
                raise BadQuery(
                    f"the curves that were asked for have more than {most} points together, and "
                    "one answer has at most that; reduce them with max_points (as in "
                    "max_points=320), or ask for fewer jobs or metrics"
                )
    place = {job_id: i for i, job_id in enumerate(ids)}
    shown = {name: i for i, name in enumerate(METRICS)}
    return sorted(found, key=lambda c: (place[c.job_id], shown.get(c.metric, len(shown)), c.metric))


Columns = tuple[tuple[int, int], list[int], list[float | None]]
"""Job and metric by their keys, steps and values."""


def _columns(
    session: Session, job_of: Mapping[int, str], names: Mapping[int, str], *, after: int | None
) -> Generator[Columns]:
    """Read curves by SQLite itself, each as two texts: a fifth of the time that rows take."""
    table = Point.__table__.c
    which = table.job_key, table.metric_id
    columns = func.json_group_array(table.step), func.json_group_array(table.value)
    query = select(*which, *columns).where(*_chosen(session, job_of, names, after))
    rows = session.execute(query.group_by(*which).order_by(*which).execution_options(yield_per=1))
    for key, number, step_text, value_text in rows:
        yield (key, number), *_in_order(from_json(step_text), from_json(value_text))


def _in_order(steps: list[int], values: list[float | None]) -> tuple[list[int], list[float | None]]:
    """Put a curve in the order of its steps; it came by the key, but nothing promises that."""
    if steps == sorted(steps):
        return steps, values
    order = sorted(range(len(steps)), key=steps.__getitem__)
    return [steps[i] for i in order], [values[i] for i in order]


def _rows(
    session: Session, job_of: Mapping[int, str], names: Mapping[int, str], *, after: int | None
) -> Generator[Columns]:
    """Read curves one after the other: only one is here at a time."""
    of: tuple[int, int] | None = None
    steps: list[int] = []
    values: list[float | None] = []
    table = Point.__table__.c
    query = (
        select(table.job_key, table.metric_id, table.step, table.value)
        .where(*_chosen(session, job_of, names, after))
        .order_by(table.job_key, table.metric_id, table.step)
        .execution_options(yield_per=PART)
    )
    with session.execute(query) as rows:
        # In parts, turned into columns: rows that live long set the garbage collector to work.
        for part in rows.partitions():
            jobs, metrics, part_steps, part_values = zip(*part, strict=True)
            begin = 0
            for key, same in groupby(zip(jobs, metrics, strict=True)):
                end = begin + sum(1 for _ in same)
                if key != of:
                    if of is not None:
                        yield of, steps, values
                    of, steps, values = key, [], []
                steps += part_steps[begin:end]
                values += part_values[begin:end]
                begin = end
    if of is not None:
        yield of, steps, values


def _chosen(
    session: Session, job_of: Mapping[int, str], names: Mapping[int, str], after: int | None
) -> list[ColumnElement[bool]]:
    table = Point.__table__.c
    wanted = [among(session, table.job_key, list(job_of)), table.metric_id.in_(names)]
    return wanted if after is None else [*wanted, table.step > after]


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
