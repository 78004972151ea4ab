"""What the store tells about a job, as frozen data. Times are seconds since 1970, UTC."""

from dataclasses import dataclass, field
from typing import Any, Generic, Literal, NamedTuple, TypeVar

State = Literal["queued", "running", "paused", "succeeded", "failed", "cancelled"]
STATES: tuple[State, ...] = ("queued", "running", "paused", "succeeded", "failed", "cancelled")
AttemptState = Literal["running", "succeeded", "failed", "cancelled", "paused", "lost"]

T = TypeVar("T")


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list. `next` is the cursor of the page after it, None at the end."""

    items: tuple[T, ...]
    next: str | None


@dataclass(frozen=True)
class Reason:
    """Why a job or an attempt ended as it did."""

    kind: str
    message: str


@dataclass(frozen=True)
class Progress:
    """How far a job is. `of` is None where the length is not known yet."""

    step: int
    of: int | None
    epoch: float | None
    steps_per_s: float | None
    eta_s: float | None


class Summary(NamedTuple):
    """One metric of a job. None where there is no such value, or it was not finite.

    A list of a thousand jobs makes ten thousand of these, and a frozen data class is made slowly.
    """

    last: float | None
    best: float | None
    at_best_validation: float | None


@dataclass(frozen=True)
class Attempt:
    """One execution of a job."""

    number: int
    state: AttemptState
    worker: str
    host: str
    started_at: float
    heartbeat_at: float
    lease_until: float
    ended_at: float | None
    reason: Reason | None
    start_step: int | None
    resumed_from: str | None
    device: str | None
    device_name: str | None
    device_count: int | None
    threads: int | None
    versions: dict[str, str] | None
    git_revision: str | None
    environment: dict[str, str] | None
    shared: bool | None
    """Whether another attempt used its device (its host, on a CPU) too; None: not known (yet)."""
    start_s: float | None
    """From the claim to a trainer that has the job."""
    trainer_s: float | None
    """The life of that trainer."""
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Job:
    """A job. `attempts` and `queue_position` are filled by `get`, and left empty in lists."""

    id: str
    name: str
    state: State
    spec: dict[str, Any]
    tags: tuple[str, ...]
    notes: str
    priority: int
    owner: str
    sweep_id: str | None
    created_at: float
    queued_at: float
    started_at: float | None
    finished_at: float | None
    wish: Literal["cancel", "pause", "preempt"] | None
    reason: Reason | None
    planned_compute_reduction: float | None
    progress: Progress
    summary: dict[str, Summary] = field(default_factory=dict)
    attempt_count: int = 0
    device: str | None = None
    """The kind of device that all its attempts ran on, its count and threads."""
    time_caveat: str | None = None
    """Why its times are no measure, as `shared host`."""
    attempts: tuple[Attempt, ...] = ()
    queue_position: int | None = None
    """1 for the job that starts next; None when it is not queued, and in lists."""
