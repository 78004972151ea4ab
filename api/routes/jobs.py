"""Jobs: submit, list, read, change, cancel, retry, delete."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.parameters import CursorQuery, JobPath, Key, Limit, States, Sweeps, TagsQuery
from api.schemas.base import failures
from api.schemas.jobs import Job, JobList, JobPatch, JobSubmit, Plan, PlanRequest

router = APIRouter(tags=["jobs"])


@router.post("/plan", operation_id="plan", responses=failures(400, 403, 413, 422))
def plan(body: PlanRequest) -> Plan:
    """Resolve a spec and say what it costs and saves. Runs nothing."""
    raise RuntimeError(body)


@router.post(
    "/jobs", operation_id="submitJob", status_code=201, responses=failures(400, 403, 413, 422)
)
def submit(body: JobSubmit, response: Response, key: Key = None) -> Job:
    """Queue a job."""
    raise RuntimeError(body)


@router.get("/jobs", operation_id="listJobs", responses=failures(403, 422))
def list_jobs(
    state: States = [],
    tag: TagsQuery = [],
    sweep: Sweeps = [],
    owner: Annotated[str | None, Query(max_length=200)] = None,
    model: Annotated[str | None, Query(max_length=100)] = None,
    dataset: Annotated[str | None, Query(max_length=100)] = None,
    policy: Annotated[str | None, Query(max_length=100)] = None,
    text: Annotated[
        str | None, Query(max_length=200, description="Part of the name, a tag or the id.")
    ] = None,
    sort: Annotated[
        str,
        Query(
            max_length=100,
            description="`created_at`, `name`, `state`, `priority`, `started_at`, `finished_at` or a metric "
            "(its best value); a minus in front turns the order.",
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
    """List jobs, newest first unless `sort` says otherwise."""
    raise RuntimeError


@router.get("/jobs/{id}", operation_id="getJob", responses=failures(403, 404))
def get(id: JobPath) -> Job:
    """Show a job, whole."""
    raise RuntimeError


@router.patch("/jobs/{id}", operation_id="changeJob", responses=failures(400, 403, 404, 413, 422))
def change(id: JobPath, body: JobPatch) -> Job:
    """Change name, tags or priority."""
    raise RuntimeError


@router.delete(
    "/jobs/{id}", operation_id="deleteJob", status_code=204, responses=failures(403, 404, 409)
)
def delete(id: JobPath) -> None:
    """Delete a job that is not running, with its curves, log and checkpoints."""
    raise RuntimeError


@router.post(
    "/jobs/{id}/cancel",
    operation_id="cancelJob",
    status_code=202,
    responses=failures(403, 404, 409),
)
def cancel(id: JobPath) -> Job:
    """Stop a job. A running one leaves a checkpoint; again is no error."""
    raise RuntimeError


@router.post(
    "/jobs/{id}/retry", operation_id="retryJob", status_code=202, responses=failures(403, 404, 409)
)
def retry(id: JobPath) -> Job:
    """Queue a failed or cancelled job again; it goes on from its last checkpoint."""
    raise RuntimeError
