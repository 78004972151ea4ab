"""Attempts: claim a job, keep the lease, end. Whoever is not current any more is refused.

An attempt is current while it has not ended. It ends by `finish` or `release`, or when a sweep
finds its lease run out. Until that sweep a late heartbeat still saves it: nobody else has the job.
Past 300 lines, since that is one idea: who is current is decided in this file alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from crs_core.errors import SpecError
from crs_core.spec import JobSpec, StudySpec, parse_any
from store import (
    changes,
    checkpoints,
    clock,
    counters,
    durations,
    jobs,
    order,
    shares,
    slots,
    timing,
    usage,
)
from store.errors import Fenced, NotFound
from store.tables import Attempt, Checkpoint, Job, Scheduler, Worker
from store.text import clean
from store.views import Reason, State

LEASE_S = 60.0
HEARTBEAT_S = 10.0
MAX_ATTEMPTS_WITHOUT_CHECKPOINT = 3


class Wish(Enum):
    """What the service wants of an attempt: the answer to a heartbeat."""

    GO_ON = "go_on"
    CANCEL = "cancel"
    PAUSE = "pause"
    PREEMPT = "preempt"
    """Give way to a job of higher priority: save, and go back into the queue."""
    FENCED = "fenced"

    @classmethod
    def of(cls, stored: str | None) -> "Wish":
        """Read the column `jobs.wish`."""
        return cls.GO_ON if stored is None else cls(stored)


class Outcome(Enum):
    """How an attempt ended, and so the state of its job."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    PAUSED = "paused"


@dataclass(frozen=True)
class CheckpointFile:
    """A file to go on from. `path` is relative to the job's folder: `a<attempt>/step-<n>.pt`."""

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
    spec: JobSpec | StudySpec
    checkpoints: Sequence[CheckpointFile]
    """Newest first."""
    lease_until: float
    devices: tuple[int, ...] = (0,)
    """Which of the slot's devices it gets, by their places."""
    wall_time_left_s: float | None = None
    """So long it may run; None: as long as it likes."""


def claim(session: Session, worker_key: int, *, lease_s: float = LEASE_S) -> Claim | None:
    """Take the best job that fits the worker, or None. Raises NotFound for an unknown worker.

    A job that cannot run any more fails here, and the next is taken: its stored spec is no spec of
    this program, or it has used up its wall time.
    """
    worker = session.get(Worker, worker_key, populate_existing=True)
    if worker is None:
        raise NotFound(f"there is no worker {worker_key}; register it first")
    scheduler = session.execute(
        select(Scheduler).where(Scheduler.id == 1).with_for_update()
    ).scalar_one()
    slot = slots.slot_of(worker)
    # One that is locked is about to be changed: who does that need not be waited for.
    best = order.front(order.view(session), slot).with_for_update(of=Job, skip_locked=True)
    while (key := session.execute(best).scalar_one_or_none()) is not None:
        job = _lock_job(session, key)
        if job is None or job.state != "queued":  # cancelled since it was chosen
            continue
        try:
            spec = parse_any(job.spec, stored=True)
        except SpecError as error:
            jobs.move(session, job, "failed", reason=Reason("spec", _outdated(error)))
            continue
        left_s = _wall_time_left_s(session, job)
        if left_s is not None and left_s <= 0:
            assert job.wall_time_s is not None
            reason = jobs.out_of_time(job.wall_time_s - left_s, job.wall_time_s)
            jobs.move(session, job, "failed", reason=reason)
            continue
        scheduler.claims += 1
        begun = _begin(session, job, spec, worker, lease_s)
        devices = slots.chosen(slot, slots.need_of(job)) or (0,)
        return replace(begun, devices=devices, wall_time_left_s=left_s)
    return None


def _wall_time_left_s(session: Session, job: Job) -> float | None:
    if job.wall_time_s is None:
        return None
    return job.wall_time_s - durations.spent_s(session, job.key)


def _outdated(error: SpecError) -> str:
    return (
        f"this version of Colrow cannot run the spec as it was stored: {error}; submit it anew "
        "with that mended"
    )


def _begin(
    session: Session, job: Job, spec: JobSpec | StudySpec, worker: Worker, lease_s: float
) -> Claim:
    now = clock.read(session)
    job.attempt_count += 1
    number, until = job.attempt_count, now + lease_s
    attempt_id = session.execute(
        insert(Attempt)
        .values(
            job_key=job.key,
            number=number,
            worker_key=worker.key,
            host=worker.host,
            device_count=job.devices,
            state="running",
            started_at=now,
            heartbeat_at=now,
            lease_until=until,
        )
        .returning(Attempt.key)
    ).scalar_one()
    if number == 1:
        counters.add_wait(session, now - job.queued_at)
    jobs.move(session, job, "running", attempt=number)
    _occupy(session, worker, "busy", now)
    return Claim(job.id, job.key, attempt_id, number, spec, _files(session, job.key), until)


def _files(session: Session, job_key: int) -> tuple[CheckpointFile, ...]:
    rows = session.execute(
        select(Attempt.number, Checkpoint.name, Checkpoint.sha256, Checkpoint.step)
        .join(Attempt, Attempt.key == Checkpoint.attempt_key)
        .where(Checkpoint.job_key == job_key, Checkpoint.current)
        .order_by(Checkpoint.step.desc(), Checkpoint.key.desc())
    )
    return tuple(CheckpointFile(f"a{r.number}/{r.name}", r.sha256, r.step) for r in rows)


def heartbeat(session: Session, attempt_id: int, *, lease_s: float = LEASE_S) -> Wish:
    """Extend the lease and hear what is wanted. FENCED: nothing was written, stop at once."""
    job_key = session.execute(
        update(Attempt)
        .where(Attempt.key == attempt_id, Attempt.ended_at.is_(None))
        .values(heartbeat_at=clock.now(), lease_until=clock.now() + lease_s)
        .returning(Attempt.job_key)
        .execution_options(synchronize_session=False)
    ).scalar_one_or_none()
    if job_key is None:
        return Wish.FENCED
    return Wish.of(session.execute(select(Job.wish).where(Job.key == job_key)).scalar_one())


def finish(
    session: Session, attempt_id: int, outcome: Outcome, *, kind: str = "", message: str = ""
) -> None:
    """End the attempt and move its job to the outcome's state. `kind` and `message` say why.

    A job that has paused while somebody resumed it is queued, and one that was cancelled while it
    paused is cancelled. Raises Fenced.
    """
    attempt, job = _current(session, attempt_id)
    if outcome is Outcome.PAUSED and job.wish == "cancel":
        outcome, kind = Outcome.CANCELLED, "cancelled"
        message = f"{message}, and was cancelled meanwhile"
    reason = Reason(kind, message) if kind else None
    _end(session, attempt, job, outcome.value, reason)
    if outcome is Outcome.PAUSED and job.wish is None:
        jobs.move(session, job, "queued", attempt=attempt.number)
        return
    if outcome is Outcome.SUCCEEDED:
        checkpoints.retire(session, job.key)
    jobs.move(session, job, outcome.value, reason=reason, attempt=attempt.number)
    if outcome is Outcome.SUCCEEDED:
        durations.note(session, job)


def release(
    session: Session, attempt_id: int, *, kind: str, message: str, blameless: bool = False
) -> State:
    """Give the job back, queued for the next attempt as a rule, and give its new state.

    After MAX_ATTEMPTS_WITHOUT_CHECKPOINT such ends in a row without a new checkpoint it is failed;
    `blameless` (its worker is told to stop, or it gives way) is not counted. A wish to cancel or
    pause is granted instead. Raises Fenced.
    """
    attempt, job = _current(session, attempt_id)
    reason = Reason(kind, message)
    _end(session, attempt, job, "lost", reason)
    saved = session.execute(
        select(Checkpoint.key).where(Checkpoint.attempt_key == attempt.key).limit(1)
    ).first()
    if saved is not None:
        job.barren_attempts = 0
    elif not blameless:
        job.barren_attempts += 1
    to: State = "queued"
    why: Reason | None = None
    if job.wish in ("cancel", "pause"):
        to = "cancelled" if job.wish == "cancel" else "paused"
    elif job.barren_attempts >= MAX_ATTEMPTS_WITHOUT_CHECKPOINT:
        to = "failed"
        why = Reason(
            kind,
            f"{job.barren_attempts} attempts in a row ended without a new checkpoint; "
            f"the last one: {message}",
        )
    jobs.move(session, job, to, reason=why, attempt=attempt.number)
    return to


def tell_times(session: Session, attempt_id: int, *, start_s: float, trainer_s: float) -> None:
    """Write how long the start of the trainer took, and how long it lived. Raises Fenced."""
    attempt, _ = _current(session, attempt_id)
    attempt.start_s, attempt.trainer_s = start_s, trainer_s


def _current(session: Session, attempt_id: int) -> tuple[Attempt, Job]:
    """Lock a current attempt, then its job; every writer takes the two in this order."""
    attempt = session.execute(
        select(Attempt)
        .where(Attempt.key == attempt_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()
    if attempt is None or attempt.ended_at is not None:
        raise fenced(attempt_id)
    job = _lock_job(session, attempt.job_key)
    assert job is not None, "a running job cannot be deleted"
    return attempt, job


def running(session: Session) -> set[tuple[str, int]]:
    """Name the current attempts: ids of their jobs, and their numbers."""
    query = select(Job.id, Attempt.number).join(Job, Job.key == Attempt.job_key)
    return {
        (row.id, row.number) for row in session.execute(query.where(Attempt.ended_at.is_(None)))
    }


def fenced(attempt_id: int) -> Fenced:
    """Say that an attempt is not current any more."""
    return Fenced(f"attempt {attempt_id} is not current any more; nothing was written")


def _lock_job(session: Session, key: int) -> Job | None:
    return session.execute(
        select(Job)
        .where(Job.key == key)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()


def _end(session: Session, attempt: Attempt, job: Job, state: str, reason: Reason | None) -> None:
    now = clock.read(session)
    counters.add(session, counters.ATTEMPTS, label=f"{state}/{reason.kind if reason else ''}")
    attempt.state, attempt.ended_at = state, now
    attempt.reason_kind = reason.kind if reason else None
    attempt.reason_message = clean(reason.message) if reason else None
    attempt.shared = timing.was_shared(session, attempt, now)
    shares.charge(session, attempt)
    usage.book(session, attempt, job, now)
    worker = session.get(Worker, attempt.worker_key)
    if worker is not None and worker.state == "busy" and state != "lost":
        _occupy(session, worker, "idle", now)


def _occupy(session: Session, worker: Worker, state: str, now: float) -> None:
    worker.state, worker.state_since = state, now
    changes.note(session, changes.Change("worker", worker=worker.name, state=state))
