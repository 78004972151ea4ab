"""Rows of checkpoint files: which may be read, and which are to be deleted."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session


@dataclass(frozen=True)
class StoredCheckpoint:
    """A file that is there. `path` is relative to the service's home: `jobs/<id>/a<n>/step-<m>.pt`."""

    id: int
    attempt: int
    step: int
    name: str
    path: str
    size_bytes: int
    sha256: str
    best: bool
    created_at: float


@dataclass(frozen=True)
class StaleFile:
    """A file that nothing needs any more; `path` is relative to the service's home."""

    id: int
    path: str


def read(session: Session, job_id: str) -> tuple[StoredCheckpoint, ...]:
    """Read a job's current checkpoints, newest first. Raises NotFound."""
    ...


def get(session: Session, job_id: str, checkpoint_id: int) -> StoredCheckpoint:
    """Read one. Raises NotFound."""
    ...


def stale(session: Session, *, limit: int = 1000) -> tuple[StaleFile, ...]:
    """Read the files to be deleted, of jobs that still exist."""
    ...


def forget(session: Session, ids: Sequence[int]) -> None:
    """Remove the rows of stale files, once the files are gone."""
