"""Jobs: submit, list, read, change, cancel, pause, resume, retry, clone, delete."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Query, Response

from api.answers import job, job_item
from api.deps import Service, ServiceDep
from api.identity import Identity, IdentityDep
from api.parameters import (
    CursorQuery,
    JobPath,
    Jobs,
    Key,
    Limit,
    Names,
    States,
    Sweeps,
    TagsQuery,
    Text,
    allowed_priority,
    known_metrics,
)
from api.plans import plan_of
from api.schemas.base import failures
from api.schemas.jobs import (
    Job,
    JobClone,
    JobList,
    JobPatch,
    JobRetry,
    JobSubmit,
    Plan,
    PlanRequest,
)
from crs_core.planning import plan_job
from crs_core.spec import AnySpec
from store import jobs
from store.grid import changed
from store.jobs import NewJob

router = APIRouter(tags=["jobs"])


@router.post("/plan", operation_id="plan", responses=failures(400, 413))
def plan(body: PlanRequest) -> Plan:
    """Resolve a spec and say what it costs and saves. Runs nothing."""
    return plan_of(body.spec)


@router.post(
    "/jobs", operation_id="submitJob", status_code=201, responses=failures(400, 409, 410, 413)
)
def submit(
    body: JobSubmit,
    service: ServiceDep,
    who: IdentityDep,
    response: Response,
    background: BackgroundTasks,
    key: Key = None,
) -> Job:
    """Queue a job."""
    priority = allowed_priority(body.priority, who, most=service.settings.max_priority)
    new = _new(body.spec, body.name, body.tags, priority, who)
    return _submit(new, service, response, background, key)


def _new(spec: AnySpec, name: str, tags: Sequence[str], priority: int, who: Identity) -> NewJob:
    cost = plan_job(spec)
    return NewJob(
        spec=spec,
        name=name,
        tags=tags,
        priority=priority,
        owner=who.user,
        planned_compute_reduction=cost.reduction,
        total_steps=cost.steps,
        steps_per_epoch=cost.steps_per_epoch,
    )


def _submit(
    new: NewJob,
    service: Service,
    response: Response,
    background: BackgroundTasks,
    key: str | None,
) -> Job:
    with service.write() as session:
        submitted = jobs.submit(
            session, new, idempotency_key=key, max_queued=service.settings.max_queued
        )
    response.headers["Location"] = f"/api/v1/jobs/{submitted.job.id}"
    if submitted.created:
        background.add_task(service.ring)
    else:
        response.headers["Idempotent-Replayed"] = "true"
    return job(submitted.job)


@router.get("/jobs", operation_id="listJobs", responses=failures(404))
def list_jobs(
    service: ServiceDep,
    job_id: Annotated[Jobs, Query(alias="job")] = (),
    state: States = (),
    tag: TagsQuery = (),
    sweep: Sweeps = (),
    owner: Names = (),
    model: Names = (),
    dataset: Names = (),
    policy: Names = (),
    text: Text = "",
    sort: Annotated[
        str,
        Query(
            max_length=100,
            description="`created_at`, `started_at`, `finished_at`, `name`, `state`, `priority`, "
            "`progress`, `planned_compute_reduction` or a metric (`seconds`: its last value, "
            "`train_loss.best`, `test_accuracy.at_best_validation`); a minus turns it round.",
            examples=["-best_test_accuracy"],
        ),
    ] = "-created_at",
    columns: Annotated[
        list[str] | None,
        Query(
            max_length=100,
            description="Heavy columns to include: metric names and `spec`; none given: all.",
            examples=[["best_test_accuracy", "seconds"]],
        ),
    ] = None,
    cursor: CursorQuery = None,
    limit: Limit = 100,
) -> JobList:
    """List jobs, newest first unless `sort` says otherwise. Of those named, the ones there are."""
    where = jobs.JobFilter(
        ids=job_id or None,
        states=state,
        tags=tag,
        owners=owner,
        sweeps=sweep,
        models=model,
        datasets=dataset,
        policies=policy,
        text=text,
    )
    metrics = None
    if columns is not None:
        metrics = known_metrics([c for c in columns if c != "spec"], loc="columns")
    with service.read() as session:
        page = jobs.list_jobs(
            session, where, sort=sort, limit=limit, cursor=cursor, metrics=metrics
        )
    with_spec = columns is None or "spec" in columns
    return JobList(
        items=[job_item(view, with_spec=with_spec) for view in page.items], next=page.next
    )


@router.get("/jobs/{id}", operation_id="getJob", responses=failures(404))
def get(job_id: JobPath, service: ServiceDep) -> Job:
    """Show a job, whole."""
    with service.read() as session:
        return job(jobs.get(session, job_id))


@router.patch("/jobs/{id}", operation_id="changeJob", responses=failures(400, 404, 413))
def change(job_id: JobPath, body: JobPatch, service: ServiceDep, who: IdentityDep) -> Job:
    """Change name, tags, notes or priority."""
    with service.write() as session:
        if body.priority is not None:
            # One that an admin raised may be lowered, or left as it is.
            most = max(service.settings.max_priority, jobs.get(session, job_id).priority)
            allowed_priority(body.priority, who, most=most)
        return job(jobs.edit(session, job_id, **body.model_dump()))


@router.delete(
    "/jobs/{id}", operation_id="deleteJob", status_code=204, responses=failures(404, 409)
)
def delete(job_id: JobPath, service: ServiceDep, background: BackgroundTasks) -> None:
    """Delete a job that is not running, with its curves, log and checkpoints.

    What its webhooks are still to be told is sent.
    """
    with service.write() as session:
        jobs.delete(session, job_id)
    background.add_task(service.remove_deleted)


@router.post(
    "/jobs/{id}/cancel",
    operation_id="cancelJob",
    status_code=202,
    responses=failures(404, 409),
)
def cancel(job_id: JobPath, service: ServiceDep) -> Job:
    """Stop a job. A running one leaves a checkpoint; again is no error."""
    with service.write() as session:
        return job(jobs.request_cancel(session, job_id))


@router.post(
    "/jobs/{id}/pause", operation_id="pauseJob", status_code=202, responses=failures(404, 409)
)
def pause(job_id: JobPath, service: ServiceDep) -> Job:
    """Have a running job save a checkpoint and leave its worker; again is no error."""
    with service.write() as session:
        return job(jobs.request_pause(session, job_id))


@router.post(
    "/jobs/{id}/resume", operation_id="resumeJob", status_code=202, responses=failures(404, 409)
)
def resume(job_id: JobPath, service: ServiceDep, background: BackgroundTasks) -> Job:
    """Queue a paused job, to go on from its checkpoint; again is no error."""
    with service.write() as session:
        view = jobs.resume(session, job_id, max_queued=service.settings.max_queued)
    background.add_task(service.ring)
    return job(view)


@router.post(
    "/jobs/{id}/retry",
    operation_id="retryJob",
    status_code=202,
    responses=failures(400, 404, 409, 413),
)
def retry(
    job_id: JobPath,
    service: ServiceDep,
    background: BackgroundTasks,
    body: JobRetry | None = None,
) -> Job:
    """Queue a failed or cancelled job again; it goes on from its last checkpoint.

    One that has used up its wall time needs more of it.
    """
    with service.write() as session:
        view = jobs.retry(
            session,
            job_id,
            wall_time_s=None if body is None else body.wall_time_s,
            max_queued=service.settings.max_queued,
        )
    background.add_task(service.ring)
    return job(view)


@router.post(
    "/jobs/{id}/clone",
    operation_id="cloneJob",
    status_code=202,
    responses=failures(400, 404, 409, 410, 413),
)
def clone(
    job_id: JobPath,
    service: ServiceDep,
    who: IdentityDep,
    response: Response,
    background: BackgroundTasks,
    body: JobClone | None = None,
    key: Key = None,
) -> Job:
    """Queue a new job of the same spec, name, tags and priority, but for what is said here.

    Of a job whose priority is higher than who asks may give, the clone has the highest they may.
    """
    body, most = body or JobClone(), service.settings.max_priority
    if body.priority is not None:
        allowed_priority(body.priority, who, most=most)
    with service.read() as session:
        first = jobs.get(session, job_id)
    new = _new(
        changed(first.spec, body.changes),
        first.name if body.name is None else body.name,
        first.tags if body.tags is None else body.tags,
        _inherited(first.priority, who, most) if body.priority is None else body.priority,
        who,
    )
    return _submit(new, service, response, background, key)


def _inherited(priority: int, who: Identity, most: int) -> int:
    return priority if who.role == "admin" else min(priority, most)
