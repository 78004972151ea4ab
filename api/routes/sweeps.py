"""Sweeps: create, look at, cancel."""

from fastapi import APIRouter, Response

from api.parameters import CursorQuery, Key, Limit, SweepPath
from api.schemas.base import failures
from api.schemas.sweeps import Sweep, SweepList, SweepPlan, SweepSubmit

router = APIRouter(tags=["sweeps"])


@router.post(
    "/sweeps",
    operation_id="submitSweep",
    status_code=201,
    responses=failures(400, 403, 413, 422)
    | {200: {"model": SweepPlan, "description": "With `dry_run`: what it would make."}},
    response_model=Sweep,
)
def submit(body: SweepSubmit, response: Response, key: Key = None) -> Sweep | SweepPlan:
    """Make a job of every variant and every combination of the axes, all or none."""
    raise RuntimeError


@router.get("/sweeps", operation_id="listSweeps", responses=failures(403, 422))
def list_sweeps(cursor: CursorQuery = None, limit: Limit = 100) -> SweepList:
    """List sweeps, newest first."""
    raise RuntimeError


@router.get("/sweeps/{id}", operation_id="getSweep", responses=failures(403, 404))
def get(id: SweepPath) -> Sweep:
    """Show a sweep and the state of its jobs."""
    raise RuntimeError


@router.post(
    "/sweeps/{id}/cancel", operation_id="cancelSweep", status_code=202, responses=failures(403, 404)
)
def cancel(id: SweepPath) -> Sweep:
    """Cancel every job of a sweep that has not ended. Again is no error."""
    raise RuntimeError
