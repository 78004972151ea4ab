"""Jobs: submit, edit, delete, and every change of state; nothing else changes a state.

Past 300 lines, since that is one idea: whoever asks for a change stands beside the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete as delete_rows
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from crs_core.spec import JobSpec, StudySpec, facets
from store import (
    caps,
    changes,
    clock,
    deliveries,
    durations,
    notices,
    owners,
    removal,
    submissions,
)
from store.dialects import among
from store.errors import Conflict, Gone, NotFound
from store.ids import new_id
from store.listing import JobFilter, get, list_jobs
from store.tables import Job as JobRow
from store.tables import Point, Sweep, Tag
from store.text import clean
from store.views import Job, Page, Reason, State

__all__ = [
    "Job", "JobFilter", "NewJob", "Page", "State", "Submitted", "ask_to_give_way", "delete", "edit",
    "get", "insert_jobs", "list_jobs", "lock", "move", "out_of_time", "request_cancel",
    "request_pause", "resume", "retry", "submit",
]  # fmt: skip

TRANSITIONS: dict[str, frozenset[str]] = {
    "queued": frozenset({"running", "cancelled", "failed"}),
    "running": frozenset({"succeeded", "failed", "cancelled", "paused", "queued"}),
    "paused": frozenset({"queued", "cancelled"}),
    "succeeded": frozenset(),
    "failed": frozenset({"queued"}),
    "cancelled": frozenset({"queued"}),
}


@dataclass(frozen=True)
class NewJob:
    """A job to be made. What planning found out comes with it; the store does not plan."""

    spec: JobSpec | StudySpec
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


def submit(
    session: Session,
    new: NewJob,
    *,
    idempotency_key: str | None = None,
    max_queued: int | None = None,
) -> Submitted:
    """Make a job, queued. A concurrent twin with the same key waits for the first.

    `max_queued` caps the queued jobs of an owner who has no cap of their own. Raises
    IdempotencyMismatch when the key came before with another body, Gone when the job that it made
    was deleted, and CapReached.
    """
    owner_key = owners.key_of(session, new.owner)
    if idempotency_key is not None:
        known = submissions.enter(session, owner_key, idempotency_key, _digest(new))
        if known is not None:
            job_id = session.scalar(select(JobRow.id).where(JobRow.key == known.job_key))
            if job_id is None:
                raise Gone(
                    f"the job that the idempotency key {idempotency_key!r} made was deleted; to "
                    "run the same again, send a new key"
                )
            return Submitted(get(session, job_id), created=False)
    caps.demand_room(session, owner_key, 1, max_queued=max_queued)
    ((key, job_id),) = insert_jobs(session, [new])
    if idempotency_key is not None:
        submissions.settle(session, owner_key, idempotency_key, job_key=key)
    return Submitted(get(session, job_id), created=True)


def _digest(new: NewJob) -> str:
    said = [new.spec.model_dump(mode="json"), new.name, list(new.tags), new.priority, new.notes]
    return submissions.digest(["job", *said])


def insert_jobs(
    session: Session, new: Sequence[NewJob], *, sweep: Sweep | None = None
) -> list[tuple[int, str]]:
    """Write jobs, queued, and give their keys and ids in the same order."""
    now = clock.read(session)
    owner_keys = {name: owners.key_of(session, name) for name in {job.owner for job in new}}
    sweep_key, sweep_id = (sweep.key, sweep.id) if sweep else (None, None)
    rows = [
        _row(job, now) | {"owner_key": owner_keys[job.owner], "sweep_key": sweep_key} for job in new
    ]
    made = session.execute(
        insert(JobRow).returning(JobRow.key, JobRow.id, sort_by_parameter_order=True), rows
    ).all()
    tags = [
        {"job_key": key, "tag": tag}
        for (key, _), job in zip(made, new, strict=True)
        for tag in dict.fromkeys(map(clean, job.tags))
    ]
    if tags:
        session.execute(insert(Tag), tags)
    for _, job_id in made:
        changes.note(session, changes.Change("job", job_id, sweep_id, state="queued"))
    return [(key, job_id) for key, job_id in made]


def _row(new: NewJob, now: float) -> dict[str, Any]:
    written = new.spec.model_dump(mode="json")
    shown, needs = facets(written), new.spec.resources
    return {
        "id": new_id(),
        "name": clean(new.name),
        "notes": clean(new.notes),
        "priority": new.priority,
        "spec": written,
        "model": shown.model,
        "dataset": shown.dataset[:50],
        "policies": f",{','.join(sorted(shown.policies))},",
        "kind": needs.kind,
        "devices": needs.devices,
        "memory_bytes": None if needs.memory_gb is None else int(needs.memory_gb * 1e9),
        "device_name": needs.device_name,
        "preemptible": needs.preemptible,
        "wall_time_s": needs.wall_time_s,
        "planned_compute_reduction": new.planned_compute_reduction,
        "state": "queued",
        "created_at": now,
        "queued_at": now,
        "attempt_count": 0,
        "barren_attempts": 0,
        "step": 0,
        "total_steps": new.total_steps,
        "steps_per_epoch": new.steps_per_epoch,
        "shape": durations.shape_of(written),
    }


def lock(session: Session, job_id: str) -> JobRow:
    """Read a job and keep every other transaction from changing it. Raises NotFound."""
    row = session.execute(
        select(JobRow)
        .where(JobRow.id == job_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()
    if row is None:
        raise NotFound(f"there is no job {job_id!r}")
    return row


def move(
    session: Session,
    job: JobRow,
    to: State,
    *,
    reason: Reason | None = None,
    attempt: int | None = None,
) -> None:
    """Change the state of a job that the caller has locked, and all that goes with it."""
    assert to in TRANSITIONS[job.state], f"{job.state} -> {to} is no transition"
    now = clock.read(session)
    if to == "queued" and job.state != "running":  # asked for by a person: a new wait begins
        job.queued_at, job.barren_attempts = now, 0
    if to == "running":
        job.started_at = job.started_at or now
    job.finished_at = now if to in ("succeeded", "failed", "cancelled") else None
    job.reason_kind = reason.kind if reason else None
    job.reason_message = clean(reason.message) if reason else None
    job.state, job.wish = to, None
    if to in notices.ENDS:
        notices.note_end(session, job)
    _tell(session, job, attempt=attempt)


def _tell(session: Session, job: JobRow, *, attempt: int | None = None, state: str = "") -> None:
    sweep_id = None
    if job.sweep_key is not None:
        sweep_id = session.execute(
            select(Sweep.id).where(Sweep.key == job.sweep_key)
        ).scalar_one_or_none()
    changes.note(
        session,
        changes.Change("job", job.id, sweep_id, attempt=attempt, state=state or job.state),
    )


def request_cancel(session: Session, job_id: str) -> Job:
    """Cancel: at once when queued or paused; a running job is told by the next heartbeat's answer.

    Idempotent. Raises NotFound, and Conflict when the job has succeeded or failed.
    """
    job = lock(session, job_id)
    if job.state in ("succeeded", "failed"):
        raise Conflict(f"the job has {job.state} already; there is nothing to cancel")
    if job.state in ("queued", "paused"):
        move(session, job, "cancelled")
    elif job.state == "running" and job.wish != "cancel":
        job.wish = "cancel"
        _tell(session, job)
    return _changed(session, job)


def cancel_sweep(session: Session, sweep_key: int, sweep_id: str) -> None:
    """Cancel all jobs of a sweep that are not at their ends, in a few statements for all of them.

    While one statement for each job would run, nobody else could write to SQLite, or claim.
    """
    rows = session.execute(
        select(JobRow.key, JobRow.id, JobRow.state, JobRow.wish)
        .where(JobRow.sweep_key == sweep_key, JobRow.state.in_(["queued", "paused", "running"]))
        .order_by(JobRow.key)  # as a sweep for lost workers locks them
        .with_for_update()
    ).all()
    waiting = [row for row in rows if row.state != "running"]
    running = [row for row in rows if row.state == "running" and row.wish != "cancel"]
    waiting_keys = [row.key for row in waiting]
    of_waiting = among(session, JobRow.key, waiting_keys)
    of_running = among(session, JobRow.key, [row.key for row in running])
    now = clock.read(session)
    for statement in (
        update(JobRow)
        .where(of_waiting)
        .values(state="cancelled", finished_at=now, reason_kind=None, reason_message=None),
        update(JobRow).where(of_running).values(wish="cancel"),
    ):
        session.execute(statement.execution_options(synchronize_session=False))
    for row in waiting:
        changes.note(session, changes.Change("job", row.id, sweep_id, state="cancelled"))
    for row in running:
        changes.note(session, changes.Change("job", row.id, sweep_id, state="running"))
    notices.note_ends(session, waiting_keys, sweep_key)
    session.expire_all()


def request_pause(session: Session, job_id: str) -> Job:
    """Ask a running job to save a checkpoint and stop. Idempotent. Raises NotFound, Conflict."""
    job = lock(session, job_id)
    if job.state not in ("running", "paused"):
        raise Conflict(f"the job is {job.state}; only a running job can be paused")
    if job.wish == "cancel":
        raise Conflict("the job is being cancelled; wait for that, then retry it")
    if job.state == "running" and job.wish != "pause":
        job.wish = "pause"  # also of one that is about to give way
        _tell(session, job)
    return _changed(session, job)


def ask_to_give_way(session: Session, job_id: str) -> bool:
    """Ask a running job of which nothing is asked yet to save and queue again; whether it is one.

    Raises NotFound.
    """
    job = lock(session, job_id)
    if job.state != "running" or job.wish is not None:
        return False
    job.wish = "preempt"
    _tell(session, job)
    return True


def resume(session: Session, job_id: str, *, max_queued: int | None = None) -> Job:
    """Queue a paused job again. Idempotent. Raises NotFound, Conflict, CapReached."""
    job = lock(session, job_id)
    if job.state == "running" and job.wish == "pause":
        job.wish = None
        _tell(session, job)
    elif job.state == "paused":
        caps.demand_room(session, job.owner_key, 1, max_queued=max_queued)
        move(session, job, "queued")
    elif job.state not in ("running", "queued"):
        raise Conflict(f"the job is {job.state}, not paused" + _instead(job.state))
    return _changed(session, job)


def retry(
    session: Session,
    job_id: str,
    *,
    wall_time_s: float | None = None,
    max_queued: int | None = None,
) -> Job:
    """Queue a failed or cancelled job again; it goes on from its last checkpoint.

    `wall_time_s` replaces the limit of its spec; more is needed where the job has used it up.
    A job that is queued already stays so, with the limit that it has. Raises NotFound, Conflict,
    CapReached.
    """
    job = lock(session, job_id)
    if job.state in ("running", "paused", "succeeded"):
        raise Conflict(
            f"the job is {job.state}; only a failed or cancelled one can be retried"
            if job.state != "succeeded"
            else "the job has succeeded; to train the same again, submit its spec as a new job"
        )
    if wall_time_s is not None and wall_time_s != job.wall_time_s:
        if job.state == "queued":
            raise Conflict(
                "the job is queued already; to give it another wall_time_s, cancel it, then retry"
            )
        job.wall_time_s = wall_time_s
        resources = job.spec["resources"] | {"wall_time_s": wall_time_s}
        job.spec = job.spec | {"resources": resources}
    if job.state != "queued":
        caps.demand_room(session, job.owner_key, 1, max_queued=max_queued)
        spent_s = durations.spent_s(session, job.key)
        if job.wall_time_s is not None and spent_s >= job.wall_time_s:
            raise Conflict(out_of_time(spent_s, job.wall_time_s).message)
        move(session, job, "queued")
    return _changed(session, job)


def out_of_time(spent_s: float, wall_time_s: float) -> Reason:
    """Say that a job has used up the time it may run, and what to do."""
    return Reason(
        "wall_time",
        f"the job has run for {spent_s:.0f} s, and resources.wall_time_s allows {wall_time_s:g} s; "
        "retry it with a larger wall_time_s, and it goes on from its last checkpoint",
    )


def _instead(state: str) -> str:
    return "; retry it instead" if state in ("failed", "cancelled") else ""


def _changed(session: Session, job: JobRow) -> Job:
    session.flush()
    return get(session, job.id)


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
    job = lock(session, job_id)
    if name is not None:
        job.name = clean(name)
    if notes is not None:
        job.notes = clean(notes)
    if priority is not None:
        job.priority = priority
    if tags is not None:
        session.execute(delete_rows(Tag).where(Tag.job_key == job.key))
        rows = [{"job_key": job.key, "tag": tag} for tag in dict.fromkeys(map(clean, tags))]
        if rows:
            session.execute(insert(Tag), rows)
    _tell(session, job)
    return _changed(session, job)


def delete(session: Session, job_id: str) -> None:
    """Remove a job with its points, logs and rows; its files are for `store.removal`.

    What webhooks are still to be told of it is sent.

    Raises NotFound, and Conflict while the job is running.
    """
    job = lock(session, job_id)
    if job.state == "running":
        raise Conflict("the job is running; cancel it first, then delete it")
    _tell(session, job, state="deleted")
    if job.sweep_key is not None and job.state not in notices.ENDS:
        notices.note_sweep(session, job.sweep_key)
    deliveries.outlive(session, job.key)
    submissions.outlive(session, job.key)
    session.execute(delete_rows(Point).where(Point.job_key == job.key))
    session.execute(delete_rows(JobRow).where(JobRow.key == job.key))
    removal.note(session, job_id)
