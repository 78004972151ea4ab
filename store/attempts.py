"""Attempts: claim a job, keep the lease, end. A write by an attempt that is not current is refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from sqlalchemy.orm import Session

from crs_core.spec import JobSpec

LEASE_S = 60.0
HEARTBEAT_S = 10.0
MAX_ATTEMPTS_WITHOUT_CHECKPOINT = 3


class Wish(Enum):
    """What the service wants of an attempt: the answer to a heartbeat."""

    GO_ON = "go_on"
    CANCEL = "cancel"
    PAUSE = "pause"
    FENCED = "fenced"


class Outcome(Enum):
    """How an attempt ended, and so the state of its job."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    PAUSED = "paused"


@dataclass(frozen=True)
class CheckpointFile:
    """A checkpoint to go on from. `path` is relative to the job's folder: `a<attempt>/step-<n>.pt`."""

    path: str
    sha256: str
    step: int


@dataclass(frozen=True)
class Claim:
    """A job that is now this worker's, until the lease runs out."""

    job_id: str
    job_key: int
    attempt_id: int
    number: int
    spec: JobSpec
    checkpoints: Sequence[CheckpointFile]
    """Newest first."""
    lease_until: float


def claim(session: Session, worker_key: int, *, lease_s: float = LEASE_S) -> Claim | None:
    """Take the best job that fits the worker, or None. Raises NotFound for an unknown worker."""
    ...


def heartbeat(session: Session, attempt_id: int, *, lease_s: float = LEASE_S) -> Wish:
    """Extend the lease and hear what is wanted. FENCED: nothing was written, stop at once."""
    ...


def finish(
    session: Session, attempt_id: int, outcome: Outcome, *, kind: str = "", message: str = ""
) -> None:
    """End the attempt and move its job to the outcome's state. `kind` and `message` say why.

    Raises Fenced.
    """
    ...


def release(
    session: Session, attempt_id: int, *, kind: str, message: str, blameless: bool = False
) -> str:
    """Give the job back: queued for the next attempt, and give its new state.

    After MAX_ATTEMPTS_WITHOUT_CHECKPOINT such ends in a row without a new checkpoint it is failed;
    `blameless` (a worker that is told to stop) is not counted. A wish to cancel or pause is granted
    instead. Raises Fenced.
    """
    ...
