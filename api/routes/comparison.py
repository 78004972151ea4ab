"""Comparison of groups of jobs, and export of everything."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from api.parameters import Jobs, Metrics, Sweeps
from api.schemas.base import failures
from api.schemas.curves import Comparison, X

router = APIRouter(tags=["comparison"])


@router.get("/comparison", operation_id="compare", responses=failures(403, 404, 422))
def comparison(
    sweep: Sweeps = [],
    job: Jobs = [],
    x: Annotated[
        X,
        Query(description="Compute reduction performed or planned, or 1 - seconds / baseline's."),
    ] = "compute_reduction",
    y: Annotated[
        str,
        Query(
            max_length=100,
            description="A metric; `test_accuracy` means the one at the best validation epoch.",
        ),
    ] = "best_test_accuracy",
    group_by: Annotated[
        list[str] | None,
        Query(
            max_length=50,
            description="Spec paths that make a group; left out: everything but the seed.",
            examples=[["approximation.0.policy.name", "model.name"]],
        ),
    ] = None,
) -> Comparison:
    """Compare groups: mean, spread, distance to the baseline, and which are on the Pareto front."""
    raise RuntimeError


@router.get(
    "/export",
    operation_id="export",
    response_class=StreamingResponse,
    responses=failures(403, 404, 422)
    | {
        200: {
            "description": "Streamed, never reduced.",
            "content": {"text/csv": {}, "application/json": {}},
        }
    },
)
def export(
    job: Jobs = [],
    sweep: Sweeps = [],
    metric: Metrics = [],
    format: Annotated[Literal["csv", "json"], Query()] = "csv",
    table: Annotated[
        Literal["points", "jobs"],
        Query(description="Every point of every curve, or a line per job with its summary."),
    ] = "points",
) -> StreamingResponse:
    """Hand out full data as CSV or JSON. Neither job nor sweep given: everything."""
    raise RuntimeError
