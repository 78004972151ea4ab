"""Read jobs: one by its id, or a page of many. The points are never touched."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Float, Row, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from crs_core.events import METRICS
from store import history, queue, timing
from store import metrics as number_names
from store.cursors import decode_cursor, encode_cursor
from store.dialects import among
from store.errors import BadQuery, NotFound
from store.tables import Job as JobRow
from store.tables import Metric, Owner, Sweep, Tag
from store.tables import Summary as SummaryRow
from store.timing import NOTHING, RanOn
from store.views import Job, Page, Progress, State, Summary

PART = 500
_FIELDS: dict[str, Any] = {
    "created_at": JobRow.key,
    "started_at": JobRow.started_at,
    "finished_at": JobRow.finished_at,
    "name": JobRow.name,
    "state": JobRow.state,
    "priority": JobRow.priority,
    "progress": func.cast(JobRow.step, Float) / func.nullif(JobRow.total_steps, 0),
    "planned_compute_reduction": JobRow.planned_compute_reduction,
}
_TEXTS = ("name", "state")
_ALWAYS_THERE = ("created_at", "name", "state", "priority")
_SUMMARIES: dict[str, Any] = {
    "last": SummaryRow.last_value,
    "best": SummaryRow.best_value,
    "at_best_validation": SummaryRow.at_best_validation,
}


_SHOWN = (
    "key", "id", "name", "state", "spec", "notes", "priority", "created_at", "queued_at",
    "started_at", "finished_at", "wish", "reason_kind", "reason_message", "attempt_count", "step",
    "total_steps", "steps_per_epoch", "planned_compute_reduction",
)  # fmt: skip
_JOBS: Select[Any] = (
    select(
        *(JobRow.__table__.c[name] for name in _SHOWN),
        Owner.name.label("owner"),
        Sweep.id.label("sweep_id"),
    )
    .join(Owner, Owner.key == JobRow.owner_key)
    .outerjoin(Sweep, Sweep.key == JobRow.sweep_key)
)


@dataclass(frozen=True)
class JobFilter:
    """Which jobs; every field that is given must hold. Inside a field any one value is enough."""

    states: Sequence[State] = ()
    tags: Sequence[str] = ()
    owners: Sequence[str] = ()
    sweeps: Sequence[str] = ()
    models: Sequence[str] = ()
    datasets: Sequence[str] = ()
    policies: Sequence[str] = ()
    text: str = ""
    """Part of the name, the notes or the id; upper and lower case are the same."""
    ids: Sequence[str] | None = None
    """These jobs; an empty one means none of them."""


_EVERY = JobFilter()


def get(session: Session, job_id: str) -> Job:
    """Read one job with its attempts and place in the queue. Raises NotFound."""
    row = session.execute(_JOBS.where(JobRow.id == job_id)).one_or_none()
    if row is None:
        raise NotFound(f"there is no job {job_id!r}")
    (job,) = _views(session, [row], metrics=None)
    place = queue.position(session, row.key) if job.state == "queued" else None
    return replace(job, attempts=history.attempts_of(session, row.key), queue_position=place)


def list_jobs(
    session: Session,
    where: JobFilter = _EVERY,
    *,
    sort: str = "-created_at",
    limit: int = 100,
    cursor: str | None = None,
    metrics: Sequence[str] | None = None,
) -> Page[Job]:
    """Read a page of jobs.

    `sort` is `created_at`, `started_at`, `finished_at`, `name`, `state`, `priority`, `progress`,
    `planned_compute_reduction`, or a metric: `seconds` (its last value), `train_loss.best`,
    `test_accuracy.at_best_validation`; a minus in front turns it round. Jobs without the value come
    last. `metrics` are the summaries to read, None for all. Raises BadQuery, and NotFound for a
    sweep that is not there.
    """
    _demand_sweeps(session, where.sweeps)
    falling, by = sort.startswith("-"), sort.removeprefix("-")
    query, value = _sorted_by(select(JobRow.key).where(*_conditions(session, where)), by)
    # Sorted by an index where that can be: a list of the newest must not read every job there is.
    nulls_last = [] if by in _ALWAYS_THERE else [value.is_(None)]
    order = [*nulls_last, *((c.desc() if falling else c.asc()) for c in (value, JobRow.key))]
    # Chosen by their keys, then read: rows are wide, and most that are sorted are not shown.
    query = query.add_columns(value.label("sort_value")).order_by(*order).limit(limit + 1)
    if cursor is not None:
        query = query.where(_after(cursor, sort, value, falling=falling))
    chosen = session.execute(query).all()
    end = None
    if len(chosen) > limit:
        end = encode_cursor([sort, chosen[limit - 1].sort_value, chosen[limit - 1].key])
    rows = _read(session, [row.key for row in chosen[:limit]])
    return Page(tuple(_views(session, rows, metrics=metrics)), end)


def _read(session: Session, keys: list[int]) -> list[Row[Any]]:
    """Read jobs by their keys, in the order of these."""
    query = _JOBS.where(among(session, JobRow.key, keys))
    found = {row.key: row for row in session.connection().execute(query)}
    return [found[key] for key in keys]


def _demand_sweeps(session: Session, ids: Sequence[str]) -> None:
    """Refuse a sweep that is not there: its empty list would look like a sweep without jobs."""
    if not ids:
        return
    there = set(session.execute(select(Sweep.id).where(Sweep.id.in_(ids))).scalars())
    for sweep_id in ids:
        if sweep_id not in there:
            raise NotFound(f"there is no sweep {sweep_id!r}")


def _conditions(session: Session, where: JobFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [
        column.in_(values)
        for column, values in (
            (JobRow.state, where.states),
            (JobRow.model, where.models),
            (JobRow.dataset, where.datasets),
        )
        if values
    ]
    if where.owners:
        found.append(JobRow.owner_key.in_(select(Owner.key).where(Owner.name.in_(where.owners))))
    if where.sweeps:
        found.append(JobRow.sweep_key.in_(select(Sweep.key).where(Sweep.id.in_(where.sweeps))))
    if where.ids is not None:
        found.append(among(session, JobRow.id, where.ids))
    if where.tags:
        found.append(JobRow.key.in_(select(Tag.job_key).where(Tag.tag.in_(where.tags))))
    if where.policies:
        found.append(
            or_(*(JobRow.policies.contains(f",{p},", autoescape=True) for p in where.policies))
        )
    if where.text:
        columns = (JobRow.name, JobRow.notes, JobRow.id)
        found.append(or_(*(c.icontains(where.text, autoescape=True) for c in columns)))
    return found


def _sorted_by(query: Select[Any], by: str) -> tuple[Select[Any], Any]:
    """Join what the order needs, and give the column to order by."""
    if by in _FIELDS:
        return query, _FIELDS[by]
    metric, _, which = by.partition(".")
    if metric not in METRICS or (which or "last") not in _SUMMARIES:
        raise BadQuery(
            f"cannot sort by {by!r}; there are: {', '.join(_FIELDS)}, and every metric, alone or "
            f"with .{', .'.join(_SUMMARIES)}: {', '.join(METRICS)}"
        )
    number = select(Metric.id).where(Metric.name == metric).scalar_subquery()
    summary = and_(SummaryRow.job_key == JobRow.key, SummaryRow.metric_id == number)
    return query.outerjoin(SummaryRow, summary), _SUMMARIES[which or "last"]


def _after(cursor: str, sort: str, value: Any, *, falling: bool) -> ColumnElement[bool]:
    made_for, last, key = decode_cursor(cursor, length=3)
    is_text = sort.removeprefix("-") in _TEXTS
    if (
        made_for != sort
        or not isinstance(key, int)
        or (last is not None and isinstance(last, str) != is_text)
    ):
        raise BadQuery(f"the cursor was made for sort={made_for!r}, not {sort!r}; start anew")
    beyond_key = JobRow.key < key if falling else JobRow.key > key
    if value is JobRow.key:
        return beyond_key
    if last is None:
        return and_(value.is_(None), beyond_key)
    beyond = value < last if falling else value > last
    return or_(beyond, and_(value == last, beyond_key), value.is_(None))


def _views(
    session: Session, rows: Sequence[Row[Any]], *, metrics: Iterable[str] | None
) -> list[Job]:
    keys = [row.key for row in rows]
    tags = _tags(session, keys)
    summaries = _summaries(session, keys, metrics)
    shown = METRICS if metrics is None else [m for m in METRICS if m in set(metrics)]
    ran_on = timing.ran_on(session, keys)
    return [
        _view(row, tags[row.key], summaries.get(row.key, {}), shown, ran_on.get(row.key, NOTHING))
        for row in rows
    ]


def _view(
    row: Row[Any],
    tags: list[str],
    summary: dict[str, Summary],
    shown: Iterable[str],
    ran_on: RanOn,
) -> Job:
    speed = summary["steps_per_s"].last if "steps_per_s" in summary else None
    left = row.total_steps - row.step if row.total_steps is not None else None
    eta_s = left / speed if row.state == "running" and left is not None and speed else None
    return Job(
        id=row.id,
        name=row.name,
        state=row.state,
        spec=row.spec,
        tags=tuple(tags),
        notes=row.notes,
        priority=row.priority,
        owner=row.owner,
        sweep_id=row.sweep_id,
        created_at=row.created_at,
        queued_at=row.queued_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        wish=row.wish,
        reason=history.reason(row),
        planned_compute_reduction=row.planned_compute_reduction,
        progress=Progress(
            row.step,
            row.total_steps,
            row.step / row.steps_per_epoch if row.steps_per_epoch else None,
            speed,
            eta_s,
        ),
        summary={m: summary[m] for m in shown if m in summary},
        attempt_count=row.attempt_count,
        device=ran_on.device,
        time_caveat=ran_on.caveat,
    )


def _tags(session: Session, keys: list[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    if keys:
        ours = among(session, Tag.job_key, keys)
        query = select(Tag.job_key, Tag.tag).where(ours).order_by(Tag.tag)
        for key, tag in session.execute(query):
            found[key].append(tag)
    return found


def _summaries(
    session: Session, keys: list[int], metrics: Iterable[str] | None
) -> dict[int, dict[str, Summary]]:
    found: dict[int, dict[str, Summary]] = defaultdict(dict)
    if not keys:
        return found
    names = number_names.names(session)
    query = select(SummaryRow.job_key, SummaryRow.metric_id, *_SUMMARIES.values()).where(
        among(session, SummaryRow.job_key, keys)
    )
    if metrics is not None:
        wanted = {*metrics, "steps_per_s"}  # progress shows the speed
        query = query.where(SummaryRow.metric_id.in_([i for i, n in names.items() if n in wanted]))
    # By parts: ten thousand rows that live long would set the garbage collector to work.
    # And by the connection: the session would look at each of them once more.
    for part in session.connection().execute(query).partitions(PART):
        for key, metric, last, best, at_best_validation in part:
            found[key][names[metric]] = Summary(last, best, at_best_validation)
    return found
