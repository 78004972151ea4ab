"""Which measured times can be set side by side.

Times are compared only between jobs that ran on the same kind of device and had it to themselves:
the device itself on CUDA, the whole machine on a CPU: two containers on it have two host names, and
the same cores. What else the machine did, outside this service, nobody recorded.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from store.dialects import among
from store.tables import Attempt, Worker

SEVERAL = "several devices"
ANOTHER = "another device"
NOT_RECORDED = "not recorded"


@dataclass(frozen=True)
class RanOn:
    """What the attempts of a job ran on."""

    device: str | None = None
    """Kind, count and threads, the same of all attempts; None: there is none, or there are several.
    """
    caveat: str | None = None
    """Why the job's times are no measure; None: they are, or nothing ran yet."""


NOTHING = RanOn()
"""Of a job that did not begin to train."""


@dataclass(frozen=True)
class Timed:
    """How long a job took, and on what."""

    seconds: float | None
    ran_on: RanOn


@dataclass(frozen=True)
class Against:
    """What the times of some jobs may be set against."""

    seconds: float | None = None
    """Mean of the baseline; None: there is nothing to compare with."""
    of: tuple[bool, ...] = ()
    """Which of the jobs may be compared with it, in their order."""
    caveat: str | None = None
    """Why the comparison is not to be trusted, or there is none; None: it is."""


def was_shared(session: Session, attempt: Attempt, now: float) -> bool:
    """Tell whether another attempt used this one's device, or on a CPU its machine, until now.

    Of a slot with several devices nobody recorded which ones an attempt got: it counts as on all.
    """
    worker = session.get_one(Worker, attempt.worker_key)
    is_here = Attempt.host == attempt.host
    if worker.machine is not None:
        is_here = (Worker.machine == worker.machine) | (Worker.machine.is_(None) & is_here)
    others = session.execute(
        select(Attempt.device, Worker.kind, Worker.devices)
        .join(Worker, Worker.key == Attempt.worker_key)
        .where(
            is_here,
            Attempt.key != attempt.key,
            Attempt.started_at < now,
            or_(Attempt.ended_at.is_(None), Attempt.ended_at > attempt.started_at),
        )
    ).all()
    mine = _devices(attempt.device, worker.kind, worker.devices)
    if mine is None:
        return bool(others)
    return any(mine & (_devices(*other) or frozenset()) for other in others)


def _devices(device: str | None, kind: str, devices: Sequence[str]) -> frozenset[str] | None:
    """Name the devices of an attempt's slot; None: it used the CPU."""
    return None if kind == "cpu" or device == "cpu" else frozenset(devices)


def ran_on(session: Session, job_keys: Sequence[int]) -> dict[int, RanOn]:
    """Tell of each job what its attempts ran on, those that began to train."""
    columns = (
        Attempt.job_key, Attempt.device, Attempt.device_name, Attempt.device_count,
        Attempt.threads, Attempt.shared, Attempt.ended_at,
    )  # fmt: skip
    of_jobs = among(session, Attempt.job_key, job_keys)
    query = select(*columns).where(of_jobs, Attempt.start_step.is_not(None))
    found: dict[int, list[Any]] = defaultdict(list)
    for row in session.execute(query):
        found[row.job_key].append(row)
    return {key: _ran_on(rows) for key, rows in found.items()}


def _ran_on(attempts: Iterable[Any]) -> RanOn:
    attempts = list(attempts)
    devices = {kind_of(a.device, a.device_name, a.device_count, a.threads) for a in attempts}
    if len(devices) > 1:
        return RanOn(None, SEVERAL)
    if any(a.shared for a in attempts):
        return RanOn(devices.pop(), _shared(attempts[0].device))
    if any(a.shared is None and a.ended_at is not None for a in attempts):
        return RanOn(devices.pop(), NOT_RECORDED)
    return RanOn(devices.pop())


def _shared(device: str | None) -> str:
    return "shared host" if device in (None, "cpu") else "shared device"


def kind_of(device: str | None, name: str | None, count: int | None, threads: int | None) -> str:
    """Name what times hang on: `2 x NVIDIA H100`, `AMD EPYC, 1 thread`."""
    if device not in (None, "cpu"):
        return f"{count} x {name or 'cuda'}" if count and count > 1 else name or "cuda"
    each = "" if threads is None else f", {threads} thread{'s' if threads > 1 else ''}"
    many = f"{count} x " if count and count > 1 else ""
    return f"{many}{name or 'cpu'}{each}"


def against(ours: Sequence[Timed], base: Sequence[Timed]) -> Against:
    """Say with what the times of `ours` can be compared, of those of the baseline.

    Best with those of the baseline's jobs that had the same kind of device to themselves; that
    kind, where there are several, of which both have most. Failing that, where all ran on one kind,
    with all of them, and a caveat.
    """
    here = [t for t in ours if t.seconds is not None]
    there = [t for t in base if t.seconds is not None]
    if not here or not there:
        return Against()
    mine, theirs = _clean(here), _clean(there)
    common = sorted(mine.keys() & theirs.keys(), key=lambda d: (-min(mine[d], theirs[d]), d))
    if common:
        is_meant = [t.ran_on == RanOn(common[0]) for t in ours]
        return Against(_mean(t for t in there if t.ran_on == RanOn(common[0])), tuple(is_meant))
    every = {t.ran_on.device for t in (*here, *there)}
    if len(every) > 1:
        return Against(caveat=ANOTHER)
    caveat = next((t.ran_on.caveat for t in (*here, *there) if t.ran_on.caveat), NOT_RECORDED)
    if None in every:
        return Against(caveat=caveat)
    return Against(_mean(there), (True,) * len(ours), caveat)


def _clean(timed: Iterable[Timed]) -> Mapping[str, int]:
    """Count those whose times are a measure, by device."""
    counts: dict[str, int] = defaultdict(int)
    for t in timed:
        if t.ran_on.caveat is None and t.ran_on.device is not None:
            counts[t.ran_on.device] += 1
    return counts


def _mean(timed: Iterable[Timed]) -> float:
    seconds = [t.seconds for t in timed if t.seconds is not None]
    return sum(seconds) / len(seconds)
