"""Full data as a stream of text, job by job, so that memory holds one job at a time."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from api.answers import job_item
from crs_core.spec import facets, flatten
from store import curves, jobs, views
from store.jobs import JobFilter
from store.policies import policy_of

Reading = Callable[[], AbstractContextManager[Session]]
PAGE = 200
SUMMARY_PARTS = ("last", "best", "at_best_validation")
POINT_COLUMNS = ("job", "name", "model", "dataset", "policy", "seed", "metric", "step", "value")
JOB_COLUMNS = (
    "job", "name", "state", "sweep", "owner", "tags", "created_at", "started_at", "finished_at",
    "model", "dataset", "policy", "planned_compute_reduction",
)  # fmt: skip


def selected(read: Reading, where: JobFilter) -> Iterator[views.Job]:
    """Give the jobs, oldest first."""
    cursor = None
    while True:
        with read() as session:
            page = jobs.list_jobs(session, where, sort="created_at", limit=PAGE, cursor=cursor)
        yield from page.items
        cursor = page.next
        if cursor is None:
            return


def points_csv(read: Reading, where: JobFilter, metrics: Sequence[str] | None) -> Iterator[str]:
    """Write a line per point; a value that is not finite is left empty."""
    yield _line(POINT_COLUMNS)
    for job in selected(read, where):
        spec = job.spec
        shown = facets(spec)
        head = (
            job.id,
            job.name,
            shown.model,
            shown.dataset,
            policy_of(spec),
            spec["seed"],
        )
        for curve in _curves(read, job, metrics):
            points = zip(curve.steps, curve.values, strict=True)
            yield _lines((*head, curve.metric, step, value) for step, value in points)


def points_json(read: Reading, where: JobFilter, metrics: Sequence[str] | None) -> Iterator[str]:
    """Write every job with its spec, its summary and its curves."""
    return _json_list(
        {
            **_as_json(job),
            "curves": {
                c.metric: {"steps": c.steps, "values": c.values, "non_finite": c.non_finite}
                for c in _curves(read, job, metrics)
            },
        }
        for job in selected(read, where)
    )


def jobs_json(read: Reading, where: JobFilter) -> Iterator[str]:
    """Write every job with its spec and its summary."""
    return _json_list(_as_json(job) for job in selected(read, where))


def jobs_csv(read: Reading, where: JobFilter) -> Iterator[str]:
    """Write a line per job: its spec by path, and its summary."""
    paths: dict[str, None] = {}
    metrics: dict[str, None] = {}
    for job in selected(read, where):
        paths |= dict.fromkeys(f"spec.{path}" for path in _flat(job.spec))
        metrics |= dict.fromkeys(job.summary)
    names = [f"{m}.{part}" for m in metrics for part in SUMMARY_PARTS]
    yield _line((*JOB_COLUMNS, *paths, *names))
    for job in selected(read, where):
        values: dict[str, Any] = {f"spec.{path}": v for path, v in _flat(job.spec).items()}
        for metric, summary in job.summary.items():
            values |= {f"{metric}.{part}": getattr(summary, part) for part in SUMMARY_PARTS}
        yield _line((*_job_cells(job), *(values.get(name) for name in (*paths, *names))))


def _curves(read: Reading, job: views.Job, metrics: Sequence[str] | None) -> Sequence[curves.Curve]:
    with read() as session:
        return curves.read(session, [job.id], metrics)


def _as_json(job: views.Job) -> dict[str, Any]:
    return job_item(job, with_spec=True).model_dump(mode="json")


def _job_cells(job: views.Job) -> tuple[Any, ...]:
    shown = facets(job.spec)
    return (
        job.id,
        job.name,
        job.state,
        job.sweep_id,
        job.owner,
        " ".join(job.tags),
        *(_time(t) for t in (job.created_at, job.started_at, job.finished_at)),
        shown.model,
        shown.dataset,
        policy_of(job.spec),
        job.planned_compute_reduction,
    )


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()


def _flat(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Give the cells of a spec by path; a list is one cell."""
    return {
        path: json.dumps(value) if isinstance(value, list) else value
        for path, value in flatten(spec).items()
    }


def _line(cells: Iterable[Any]) -> str:
    return _lines([cells])


def _lines(rows: Iterable[Iterable[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _json_list(items: Iterable[dict[str, Any]]) -> Iterator[str]:
    yield '{"items": ['
    for place, item in enumerate(items):
        yield (",\n" if place else "\n") + json.dumps(item, allow_nan=False)
    yield '\n], "next": null}\n'
