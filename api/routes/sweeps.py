"""Sweeps: create, look at, cancel."""

from fastapi import APIRouter, BackgroundTasks, Request, Response

from api.deps import ServiceDep
from api.identity import IdentityDep
from api.parameters import CursorQuery, Key, Limit, SweepPath, allowed_priority
from api.plans import plan_of_sweep
from api.schemas.base import failures
from api.schemas.sweeps import Sweep, SweepList, SweepPlan, SweepSubmit
from crs_core.planning import plan_job
from store import sweeps, workers
from store.grid import expand, told_at
from store.jobs import NewJob

router = APIRouter(tags=["sweeps"])


@router.post(
    "/sweeps",
    operation_id="submitSweep",
    status_code=201,
    response_model=Sweep,
    responses=failures(400, 409, 413)
    | {200: {"model": SweepPlan, "description": "With `dry_run`: what it would make."}},
)
def submit(
    body: SweepSubmit,
    service: ServiceDep,
    who: IdentityDep,
    request: Request,
    response: Response,
    background: BackgroundTasks,
    key: Key = None,
) -> Sweep | Response:
    """Make a job of every variant and every combination of the axes, all or none."""
    priority = allowed_priority(body.priority, who, most=service.settings.max_priority)
    members = expand(body.base, body.axes, body.variants)
    costs = []
    for member in members:
        with told_at(member.at):
            costs.append(plan_job(member.spec))
    if body.dry_run:
        request.state.is_change = False
        plan = plan_of_sweep(members, costs)
        return Response(plan.model_dump_json(), media_type="application/json")
    new = sweeps.NewSweep(
        name=body.name,
        base=body.base,
        axes=body.axes,
        variants=body.variants,
        owner=who.user,
    )
    jobs = [
        NewJob(
            spec=member.spec,
            name=member.label,
            tags=body.tags,
            priority=priority,
            owner=who.user,
            planned_compute_reduction=cost.reduction,
            total_steps=cost.steps,
            steps_per_epoch=cost.steps_per_epoch,
        )
        for member, cost in zip(members, costs, strict=True)
    ]
    with service.write() as session:
        made = sweeps.create(
            session, new, jobs, idempotency_key=key, max_queued=service.settings.max_queued
        )
        idle = sum(w.alive and w.state == "idle" for w in workers.list_workers(session))
    response.headers["Location"] = f"/api/v1/sweeps/{made.sweep.id}"
    if made.created:
        background.add_task(service.ring, min(len(jobs), max(1, idle)))
    else:
        response.headers["Idempotent-Replayed"] = "true"
    return Sweep.model_validate(made.sweep)


@router.get("/sweeps", operation_id="listSweeps")
def list_sweeps(service: ServiceDep, cursor: CursorQuery = None, limit: Limit = 100) -> SweepList:
    """List sweeps, newest first."""
    with service.read() as session:
        page = sweeps.list_sweeps(session, limit=limit, cursor=cursor)
    return SweepList(items=[Sweep.model_validate(s) for s in page.items], next=page.next)


@router.get("/sweeps/{id}", operation_id="getSweep", responses=failures(404))
def get(sweep_id: SweepPath, service: ServiceDep) -> Sweep:
    """Show a sweep and the state of its jobs."""
    with service.read() as session:
        return Sweep.model_validate(sweeps.get(session, sweep_id))


@router.post(
    "/sweeps/{id}/cancel",
    operation_id="cancelSweep",
    status_code=202,
    responses=failures(404),
)
def cancel(sweep_id: SweepPath, service: ServiceDep) -> Sweep:
    """Cancel every job of a sweep that has not ended. Again is no error."""
    with service.write() as session:
        return Sweep.model_validate(sweeps.cancel(session, sweep_id))
