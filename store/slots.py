"""What a slot offers, what a job needs, and whether the two fit: for one job, and as SQL."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import QueryableAttribute, Session

from crs_core.spec import STUDIED
from store import clock
from store.tables import Job, Worker

ALIVE_S = 60.0
"""A worker not seen for so long counts as gone."""


@dataclass(frozen=True)
class Device:
    """One device of a slot. None: not known, and then it meets no wish for it.

    The memory of a CPU is the host's.
    """

    name: str | None = None
    memory_bytes: int | None = None


@dataclass(frozen=True)
class Slot:
    """What a worker offers. `datasets` None: it can fetch any."""

    kind: str
    devices: tuple[Device, ...]
    datasets: frozenset[str] | None = None


@dataclass(frozen=True)
class Need:
    """What a job asks of a slot. `dataset` None: of data sets it needs none, as a study."""

    kind: str
    devices: int
    memory_bytes: int | None
    device_name: str | None
    dataset: str | None


NEEDS = (Job.kind, Job.devices, Job.memory_bytes, Job.device_name, Job.dataset, Job.model)
"""The columns that `need_of` reads."""


def need_of(row: Any) -> Need:
    """Give what a job needs, from a row with the columns NEEDS."""
    dataset = None if row.model in STUDIED else row.dataset
    return Need(row.kind, row.devices, row.memory_bytes, row.device_name, dataset)


def slot_of(worker: Worker) -> Slot:
    """Give what a worker's row offers. One of an older version does not know its devices."""
    known = list(worker.hardware or ())
    known += [{}] * (len(worker.devices) - len(known))
    devices = tuple(Device(one.get("name"), one.get("memory_bytes")) for one in known)
    datasets = None if worker.datasets is None else frozenset(worker.datasets)
    return Slot(worker.kind, devices, datasets)


def living(session: Session, *, alive_s: float = ALIVE_S) -> list[Worker]:
    """Read the workers that were seen lately and have not said goodbye."""
    seen = clock.read(session) - alive_s
    query = select(Worker).where(Worker.seen_at > seen, Worker.state != "stopped")
    return list(session.scalars(query))


def chosen(slot: Slot, need: Need) -> tuple[int, ...] | None:
    """Give the places of the slot's devices that such a job gets; None where it does not fit."""
    if need.kind not in ("any", slot.kind):
        return None
    if need.dataset is not None and not (slot.datasets is None or need.dataset in slot.datasets):
        return None
    good = [i for i, device in enumerate(slot.devices) if _is_good(device, need)]
    return tuple(good[: need.devices]) if len(good) >= need.devices else None


def _is_good(device: Device, need: Need) -> bool:
    return _is_named(device, need.device_name) and (
        need.memory_bytes is None or (device.memory_bytes or 0) >= need.memory_bytes
    )


def _is_named(device: Device, pattern: str | None) -> bool:
    """Whether the pattern fits the name, big and small letters being the same."""
    if pattern is None:
        return True
    return device.name is not None and fnmatchcase(device.name.lower(), pattern.lower())


Among = Callable[[ColumnElement[Any] | QueryableAttribute[Any], Iterable[Any]], ColumnElement[bool]]
"""`dialects.among` of a session: however many names jobs ask for, they are one parameter."""


def fits(slot: Slot, patterns: Iterable[str], among: Among) -> ColumnElement[bool]:
    """Say in SQL which rows of `jobs` fit the slot: as `chosen` does.

    `patterns` are the names of devices that jobs ask for. Databases match no patterns alike, so
    those that fit the slot are found here.
    """
    query = and_(Job.kind.in_(["any", slot.kind]), _has_devices(slot, patterns, among))
    if slot.datasets is None:
        return query
    return query & (Job.dataset.in_(sorted(slot.datasets)) | Job.model.in_(sorted(STUDIED)))


def _has_devices(slot: Slot, patterns: Iterable[str], among: Among) -> ColumnElement[bool]:
    """Say which jobs find enough devices, each with enough memory and the right name."""
    of_steps: dict[tuple[tuple[int, int], ...], list[str | None]] = {}
    for pattern in (None, *patterns):
        found = [device for device in slot.devices if _is_named(device, pattern)]
        if found:
            of_steps.setdefault(_steps(found), []).append(pattern)
    return or_(
        *(
            and_(_asks_for(names, among), or_(*(_is_within(*step) for step in steps)))
            for steps, names in of_steps.items()
        ),
        *([] if of_steps else [Job.devices < 0]),  # nothing fits a slot without devices
    )


def _steps(devices: list[Device]) -> tuple[tuple[int, int], ...]:
    """Give how many devices there are with at least so much memory, most memory first."""
    sizes = sorted((device.memory_bytes or 0 for device in devices), reverse=True)
    return tuple((count, size) for size, count in {s: n for n, s in enumerate(sizes, 1)}.items())


def _asks_for(names: list[str | None], among: Among) -> ColumnElement[bool]:
    patterns = [name for name in names if name is not None]
    asked: list[ColumnElement[bool]] = [among(Job.device_name, patterns)] if patterns else []
    return or_(*asked, *([Job.device_name.is_(None)] if None in names else []))


def _is_within(devices: int, memory_bytes: int) -> ColumnElement[bool]:
    has_memory = Job.memory_bytes.is_(None) | (Job.memory_bytes <= memory_bytes)
    return and_(Job.devices <= devices, has_memory)


def lack(slots: Iterable[Slot], need: Need) -> str | None:
    """Say what no slot has, in the order in which a person would look for it; None: nothing."""
    slots = list(slots)
    if not slots:
        return "a worker: none is running"
    slots = [s for s in slots if need.kind in ("any", s.kind)]
    if not slots:
        return f"a worker with a device of kind {need.kind}"
    many = "a device" if need.devices == 1 else f"{need.devices} devices"
    slots = [s for s in slots if len(s.devices) >= need.devices]
    if not slots:
        return f"a worker that owns {many}"
    bare = Need(need.kind, need.devices, None, need.device_name, None)
    slots = [s for s in slots if chosen(s, bare)]
    if not slots:
        return f"a worker with {many} named like {need.device_name}"
    roomy = Need(need.kind, need.devices, need.memory_bytes, need.device_name, None)
    slots = [s for s in slots if chosen(s, roomy)]
    if not slots:
        assert need.memory_bytes is not None
        size = f"{need.memory_bytes / 1e9:g} GB of memory"
        return f"a worker with {size}{'' if need.devices == 1 else f' on each of {many}'}"
    if not any(chosen(s, need) for s in slots):
        return f"a worker that has the data set {need.dataset}"
    return None
