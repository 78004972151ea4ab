"""Workers: the slots there are, their pulse and what they do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy.orm import Session

WorkerState = Literal["idle", "busy", "stopped"]
ALIVE_S = 60.0


@dataclass(frozen=True)
class NewWorker:
    """What a slot says of itself when it starts. `name` is unique and the same after a restart."""

    name: str
    host: str
    pid: int
    kind: Literal["cpu", "cuda"]
    devices: Sequence[str]
    threads: int
    memory_bytes: int | None = None
    datasets: Sequence[str] | None = None
    """None: it can fetch any data set."""


@dataclass(frozen=True)
class WorkerView:
    """A slot as the database knows it."""

    name: str
    host: str
    pid: int
    kind: str
    devices: tuple[str, ...]
    threads: int
    memory_bytes: int | None
    memory_used_bytes: int | None
    datasets: tuple[str, ...] | None
    state: WorkerState
    alive: bool
    started_at: float
    seen_at: float
    state_since: float
    job_id: str | None
    attempt: int | None


def register(session: Session, worker: NewWorker) -> int:
    """Enter a slot, or enter it anew under its old name; give its key."""
    ...


def beat(
    session: Session,
    worker_key: int,
    state: WorkerState,
    *,
    memory_used_bytes: int | None = None,
    datasets: Sequence[str] | None = None,
) -> None:
    """Say that the slot lives, and what it does. Raises NotFound.

    `datasets` replaces what was said before; None leaves it as it is.
    """
    ...


def list_workers(session: Session, *, alive_s: float = ALIVE_S) -> tuple[WorkerView, ...]:
    """Read every slot, living ones first."""
    ...
