"""Jobs: submit, change, delete, and every transition between states; nothing else changes a state."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy.orm import Session

from crs_core.spec import JobSpec
from store.listing import JobFilter, get, list_jobs
from store.views import Job, Page, State

__all__ = [
    "Deleted", "Job", "JobFilter", "NewJob", "Page", "State", "Submitted", "delete",
    "edit", "get", "list_jobs", "request_cancel", "request_pause", "resume", "retry", "submit",
]  # fmt: skip


@dataclass(frozen=True)
class NewJob:
    """A job to be made. What planning found out comes with it; the store does not plan."""

    spec: JobSpec
    name: str = ""
    tags: Sequence[str] = ()
    priority: int = 0
    owner: str = "local"
    notes: str = ""
    planned_compute_reduction: float | None = None
    total_steps: int | None = None
    steps_per_epoch: int | None = None


@dataclass(frozen=True)
class Submitted:
    """The job, and whether this call made it (False: the idempotency key was known)."""

    job: Job
    created: bool


@dataclass(frozen=True)
class Deleted:
    """`folders` are relative to the service's home: `jobs/<job id>`."""

    job_id: str
    folders: tuple[str, ...]


def submit(session: Session, new: NewJob, *, idempotency_key: str | None = None) -> Submitted:
    """Make a job, queued. A concurrent twin with the same key waits for the first.

    Raises IdempotencyMismatch when the key came before with another body.
    """
    ...


def request_cancel(session: Session, job_id: str) -> Job:
    """Cancel: at once when queued or paused; a running job is told by the next heartbeat's answer.

    Idempotent. Raises NotFound, and Conflict when the job has succeeded or failed.
    """
    ...


def request_pause(session: Session, job_id: str) -> Job:
    """Ask a running job to save a checkpoint and stop. Idempotent. Raises NotFound, Conflict."""
    ...


def resume(session: Session, job_id: str) -> Job:
    """Queue a paused job again. Idempotent. Raises NotFound, Conflict."""
    ...


def retry(session: Session, job_id: str) -> Job:
    """Queue a failed or cancelled job again; it goes on from its last checkpoint.

    Raises NotFound, Conflict.
    """
    ...


def edit(
    session: Session,
    job_id: str,
    *,
    name: str | None = None,
    tags: Sequence[str] | None = None,
    notes: str | None = None,
    priority: int | None = None,
) -> Job:
    """Change what is said about a job; None leaves as it is. Raises NotFound."""
    ...


def delete(session: Session, job_id: str) -> Deleted:
    """Remove a job with its points, logs and rows; the caller then deletes the folders.

    Raises NotFound, and Conflict while the job is running.
    """
    ...
