"""Workers: the slots there are, their pulse and what they do."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from store import changes, clock
from store.dialects import insert_or_ignore
from store.errors import Conflict, NotFound
from store.slots import ALIVE_S, Device, slot_of
from store.tables import Attempt, Job, Worker

FORGOTTEN_S = 30 * 86_400.0
"""Who was not heard of for so long is listed no more."""
WorkerState = Literal["idle", "busy", "stopped"]


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
    versions: Mapping[str, str] | None = None
    """Of Python, torch and Colrow."""
    hardware: Sequence[Device] = ()
    """What the devices are, in their order; empty: not known."""
    home_id: str | None = None
    """Of the data folder whose lock goes with the name."""
    machine: str | None = None
    """The same in every container of a machine; None: not known."""


@dataclass(frozen=True)
class DeviceUse:
    """What one device said of itself; None where it did not say."""

    device: str
    """As the worker names it."""
    name: str | None = None
    memory_bytes: int | None = None
    memory_used_bytes: int | None = None
    utilization: float | None = None
    """From 0 to 1."""


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
    hardware: tuple[Device, ...] = ()
    versions: dict[str, str] | None = None
    device_use: tuple[DeviceUse, ...] = ()
    """Empty where the devices say nothing."""
    clock_offset_s: float | None = None


@dataclass(frozen=True)
class Process:
    """Of which process a slot's row tells."""

    host: str
    pid: int
    home_id: str | None


def process_of(session: Session, name: str) -> Process | None:
    """Give the process that a slot registered with; None for a name not known."""
    row = session.execute(
        select(Worker.host, Worker.pid, Worker.home_id).where(Worker.name == name)
    ).one_or_none()
    return None if row is None else Process(row.host, row.pid, row.home_id)


def register(session: Session, worker: NewWorker) -> int:
    """Enter a slot, or enter it anew under its old name; give its key.

    Raises Conflict while a living worker of another host or data folder has the name: they would
    share a row, and with it their jobs. In one data folder the lock of the name, which ends with
    the process, says so.
    """
    now = clock.read(session)
    said = asdict(worker) | {
        "devices": list(worker.devices),
        "datasets": None if worker.datasets is None else sorted(worker.datasets),
        "hardware": [asdict(device) for device in worker.hardware] or None,
        "memory_used_bytes": None,
        "versions": None if worker.versions is None else dict(worker.versions),
        "device_use": None,
        "clock_offset_s": None,
        "state": "idle",
        "started_at": now,
        "seen_at": now,
        "state_since": now,
    }
    insert_or_ignore(session, Worker, [said])
    row = session.execute(
        select(Worker)
        .where(Worker.name == worker.name)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one()
    is_living = row.state != "stopped" and row.seen_at > now - ALIVE_S
    if is_living and not _is_same_place(row, worker):
        raise Conflict(
            f"a worker on {row.host} runs under the name {worker.name!r}, from another data "
            f"folder or host; stop it, or give the one on {worker.host} another name with "
            "COLROW_NAME"
        )
    for name, value in said.items():
        setattr(row, name, value)
    changes.note(session, changes.Change("worker", worker=worker.name, state="idle"))
    return row.key


def _is_same_place(row: Worker, worker: NewWorker) -> bool:
    """Whether both are kept apart by locks of one folder; of an older version nothing is known."""
    homes = {row.home_id, worker.home_id} - {None}
    return row.host == worker.host and len(homes) < 2


def beat(
    session: Session,
    worker_key: int,
    state: WorkerState,
    *,
    memory_used_bytes: int | None = None,
    datasets: Sequence[str] | None = None,
    device_use: Sequence[DeviceUse] = (),
) -> None:
    """Say that the slot lives, and what it does; compare the two clocks. Raises NotFound.

    `datasets` replaces what was said before; None leaves it as it is.
    """
    row = session.get(Worker, worker_key, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound(f"there is no worker {worker_key}; register it first")
    before_s = time.time()
    now = clock.read(session)
    row.seen_at = now
    row.clock_offset_s = (before_s + time.time()) / 2 - now
    row.device_use = [asdict(use) for use in device_use] or None
    row.memory_used_bytes = memory_used_bytes
    if datasets is not None:
        row.datasets = sorted(datasets)
    if row.state != state:
        row.state, row.state_since = state, now
        changes.note(session, changes.Change("worker", worker=row.name, state=state))


def forget(session: Session, name: str, *, alive_s: float = ALIVE_S) -> None:
    """List a slot no more, unless it is heard of again.

    Its row stays, which the records of its attempts name. Raises NotFound, and Conflict while it
    lives.
    """
    now = clock.read(session)
    row = session.execute(
        select(Worker)
        .where(Worker.name == name, Worker.seen_at > now - FORGOTTEN_S)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()
    if row is None:
        raise NotFound(f"there is no worker {name!r}")
    if row.state != "stopped" and row.seen_at > now - alive_s:
        raise Conflict(f"worker {name} on {row.host} lives; stop it first, by SIGTERM")
    row.seen_at = 0.0
    changes.note(session, changes.Change("worker", worker=name, state="stopped"))


def list_workers(session: Session, *, alive_s: float = ALIVE_S) -> tuple[WorkerView, ...]:
    """Read every slot that was heard of lately, living ones first."""
    now = clock.read(session)
    rows = session.execute(
        select(Worker, Job.id, Attempt.number)
        .outerjoin(Attempt, and_(Attempt.worker_key == Worker.key, Attempt.ended_at.is_(None)))
        .outerjoin(Job, Job.key == Attempt.job_key)
        .where(Worker.seen_at > now - FORGOTTEN_S)
        .order_by(Worker.name, Attempt.key.desc())
    )
    views: dict[str, WorkerView] = {}
    for worker, job_id, attempt in rows:
        alive = worker.state != "stopped" and worker.seen_at > now - alive_s
        # A slot that came back has its lost attempt beside the new one until a sweep: newest first.
        views.setdefault(worker.name, _view(worker, job_id, attempt, alive=alive))
    return tuple(sorted(views.values(), key=lambda view: not view.alive))


def _view(worker: Worker, job_id: str | None, attempt: int | None, *, alive: bool) -> WorkerView:
    return WorkerView(
        name=worker.name,
        host=worker.host,
        pid=worker.pid,
        kind=worker.kind,
        devices=tuple(worker.devices),
        threads=worker.threads,
        memory_bytes=worker.memory_bytes,
        memory_used_bytes=worker.memory_used_bytes,
        datasets=None if worker.datasets is None else tuple(worker.datasets),
        state=worker.state,  # type: ignore[arg-type]
        alive=alive,
        started_at=worker.started_at,
        seen_at=worker.seen_at,
        state_since=worker.state_since,
        job_id=job_id,
        attempt=attempt,
        hardware=slot_of(worker).devices,
        versions=worker.versions,
        device_use=tuple(DeviceUse(**use) for use in worker.device_use or ()),
        clock_offset_s=worker.clock_offset_s,
    )
