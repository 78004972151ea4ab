"""What a job left behind: curves, layers, log, checkpoints."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Header, Query, Response

from api.answers import curve
from api.deps import ServiceDep
from api.errors import ParameterError
from api.files import Asked, answer
from api.parameters import (
    After,
    CheckpointPath,
    JobPath,
    Jobs,
    MaxPoints,
    Metrics,
    Sweeps,
    known_metrics,
)
from api.schemas.base import failures
from api.schemas.curves import CurveList
from api.schemas.jobs import Checkpoint, CheckpointList, LayerList, LayerState, Log
from api.selection import job_ids
from store import checkpoints as stored_checkpoints
from store import curves as stored_curves
from store import layers as stored_layers
from store import logs

BINARY = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
router = APIRouter(tags=["records"])
MAX_LOG_PIECE = 1 << 20
MAX_POINTS = 2_000_000
"""Of all curves of one answer; some 40 MB."""


@router.get("/jobs/{id}/curves", operation_id="getJobCurves", responses=failures(404))
def job_curves(
    job_id: JobPath,
    service: ServiceDep,
    metric: Metrics = (),
    max_points: MaxPoints = None,
    after: After = None,
) -> CurveList:
    """Read the curves of a job."""
    return _curves(service, [job_id], (), metric, max_points, after)


@router.get("/curves", operation_id="getCurves", responses=failures(404))
def curves(
    service: ServiceDep,
    job: Jobs = (),
    sweep: Sweeps = (),
    metric: Metrics = (),
    max_points: MaxPoints = None,
    after: After = None,
) -> CurveList:
    """Read the curves of many jobs in one answer."""
    if not job and not sweep:
        raise ParameterError("job", "name at least one job or sweep: ?job=… or ?sweep=…")
    return _curves(service, job, sweep, metric, max_points, after)


def _curves(
    service: ServiceDep,
    jobs: Sequence[str],
    sweeps: Sequence[str],
    metrics: Sequence[str],
    max_points: int | None,
    after: int | None,
) -> CurveList:
    known_metrics(metrics)
    with service.read() as session:
        found = stored_curves.read(
            session,
            job_ids(session, jobs, sweeps),
            metrics or None,
            max_points=max_points,
            after=after,
            most=MAX_POINTS,
        )
    return CurveList(items=[curve(c) for c in found], next=None)


@router.get("/jobs/{id}/layers", operation_id="getJobLayers", responses=failures(404))
def layers(job_id: JobPath, service: ServiceDep) -> LayerList:
    """Show what every product of every layer kept, cost and missed."""
    with service.read() as session:
        rows = stored_layers.read(session, job_id)
    return LayerList(
        step=rows[0].step if rows else None,
        items=[LayerState.model_validate(row) for row in rows],
        next=None,
    )


@router.get("/jobs/{id}/log", operation_id="getJobLog", responses=failures(404))
def log(
    job_id: JobPath,
    service: ServiceDep,
    start: Annotated[
        int, Query(ge=-(1 << 40), le=1 << 40, description="Where to begin; below 0: from the end.")
    ] = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_LOG_PIECE, description="Characters, at most.")] = (
        1 << 16
    ),
) -> Log:
    """Read the log by range."""
    with service.read() as session:
        return Log.model_validate(logs.read(session, job_id, start=start, limit=limit))


@router.get("/jobs/{id}/checkpoints", operation_id="listJobCheckpoints", responses=failures(404))
def checkpoints(job_id: JobPath, service: ServiceDep) -> CheckpointList:
    """List the checkpoints that are kept, newest first."""
    with service.read() as session:
        found = stored_checkpoints.read(session, job_id)
    return CheckpointList(items=[Checkpoint.model_validate(c) for c in found], next=None)


@router.get(
    "/jobs/{id}/checkpoints/{checkpoint}",
    operation_id="downloadCheckpoint",
    response_class=Response,
    responses={
        200: {"description": "The file.", "content": BINARY},
        206: {"description": "The part that `Range` asks for.", "content": BINARY},
        304: {"description": "It is the one that `If-None-Match` names."},
        **failures(404, 416),
    },
)
def checkpoint(
    job_id: JobPath,
    checkpoint_id: CheckpointPath,
    service: ServiceDep,
    part: Annotated[
        str | None, Header(alias="Range", max_length=200, description="As `bytes=1000-`.")
    ] = None,
    if_range: Annotated[
        str | None, Header(alias="If-Range", max_length=200, description="An ETag.")
    ] = None,
    if_none_match: Annotated[
        str | None, Header(alias="If-None-Match", max_length=2000, description="ETags.")
    ] = None,
) -> Response:
    """Download a checkpoint, whole or in part."""
    with service.read() as session:
        found = stored_checkpoints.get(session, job_id, checkpoint_id)
    return answer(service.files(), found, Asked(part, if_range, if_none_match))
