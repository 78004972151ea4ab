"""The order of the queue, one query for all who ask, and the bell that tells workers to look."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select
from sqlalchemy.orm import Session

TASK = "colrow.wake"
RING_TIMEOUT_S = 1.0


@dataclass(frozen=True)
class Slot:
    """What a worker offers. `datasets` None: it can fetch any."""

    kind: str
    devices: int
    datasets: frozenset[str] | None


@dataclass(frozen=True)
class Queued:
    """A place in the queue, from 1. `waits_for` says what no living worker has, if that is so."""

    position: int
    job_id: str
    name: str
    owner: str
    priority: int
    queued_at: float
    sweep_id: str | None
    waits_for: str | None


def ordered() -> Select[Any]:
    """Select the keys of queued jobs in the order in which they start."""
    ...


def fitting(query: Select[Any], slot: Slot) -> Select[Any]:
    """Keep the jobs that the slot can run."""
    ...


def read(session: Session, *, limit: int = 100, offset: int = 0) -> tuple[Queued, ...]:
    """Read the queue from its front."""
    ...


def position(session: Session, job_key: int) -> int | None:
    """Give a job's place, 1 for the next to start; None when it is not queued."""
    ...


def ring(broker: Any) -> bool:
    """Tell a worker that work may be waiting; `broker` is a Celery app or a broker's URL.

    Give whether the message was sent. A failure is logged and no more: the sweeper rings again.
    """
    ...
