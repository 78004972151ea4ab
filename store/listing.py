"""Read jobs: one by its id, or a page of many. The points are never touched."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from store.views import Job, Page, State


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
    ids: Sequence[str] = ()


def get(session: Session, job_id: str) -> Job:
    """Read one job with its attempts and place in the queue. Raises NotFound."""
    ...


def list_jobs(
    session: Session,
    where: JobFilter = JobFilter(),
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
    last. `metrics` are the summaries to read, None for all. Raises BadQuery.
    """
    ...
