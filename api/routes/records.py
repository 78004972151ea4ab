"""What a job left behind: curves, layers, log, checkpoints."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.parameters import After, JobPath, Jobs, MaxPoints, Metrics, Sweeps
from api.schemas.base import failures
from api.schemas.curves import CurveList
from api.schemas.jobs import CheckpointList, LayerList, Log

router = APIRouter(tags=["records"])


@router.get("/jobs/{id}/curves", operation_id="getJobCurves", responses=failures(403, 404, 422))
def job_curves(
    id: JobPath, metric: Metrics = [], max_points: MaxPoints = None, after: After = None
) -> CurveList:
    """Read the curves of a job."""
    raise RuntimeError


@router.get("/curves", operation_id="getCurves", responses=failures(403, 404, 422))
def curves(
    job: Jobs = [],
    sweep: Sweeps = [],
    metric: Metrics = [],
    max_points: MaxPoints = None,
    after: After = None,
) -> CurveList:
    """Read the curves of many jobs in one answer."""
    raise RuntimeError


@router.get("/jobs/{id}/layers", operation_id="getJobLayers", responses=failures(403, 404))
def layers(id: JobPath) -> LayerList:
    """Show what every product of every layer kept, cost and missed."""
    raise RuntimeError


@router.get("/jobs/{id}/log", operation_id="getJobLog", responses=failures(403, 404, 422))
def log(
    id: JobPath,
    start: Annotated[
        int, Query(ge=-(1 << 40), le=1 << 40, description="Where to begin; below 0: from the end.")
    ] = 0,
    limit: Annotated[int, Query(ge=1, le=1 << 20, description="Characters, at most.")] = 1 << 16,
) -> Log:
    """Read the log by range."""
    raise RuntimeError


@router.get(
    "/jobs/{id}/checkpoints", operation_id="listJobCheckpoints", responses=failures(403, 404)
)
def checkpoints(id: JobPath) -> CheckpointList:
    """List the checkpoints that are kept, newest first."""
    raise RuntimeError
