"""Comparison of groups of jobs, and export of everything."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from api import export as exported
from api.answers import compared
from api.deps import ServiceDep
from api.errors import ParameterError
from api.parameters import Jobs, Metrics, States, Sweeps, Text, known_metrics
from api.schemas.base import failures
from api.schemas.curves import Comparison, X
from api.selection import job_ids
from store import comparison as stored
from store import jobs
from store.jobs import JobFilter

router = APIRouter(tags=["comparison"])


@router.get("/comparison", operation_id="compare", responses=failures(404))
def compare(
    service: ServiceDep,
    sweep: Sweeps = (),
    job: Jobs = (),
    x: Annotated[
        X,
        Query(description="Compute reduction performed or planned, or 1 - seconds / baseline's."),
    ] = "compute_reduction",
    y: Annotated[
        str | None,
        Query(
            max_length=100,
            description="A metric; `test_accuracy` and `test_perplexity` mean the one at the best "
            "validation epoch. Left out: whichever of these two the jobs tell.",
        ),
    ] = None,
    group_by: Annotated[
        Sequence[str],
        Query(
            max_length=50,
            description="Spec paths that make a group; left out: all but the seed, and "
            "limits of time and memory.",
            examples=[["approximation.0.policy.name", "model.name"]],
        ),
    ] = (),
    margin: Annotated[
        float | None,
        Query(
            description="How much worse than its baseline a group may be to lose nothing, in per "
            "cent, above 0 and at most 100: points of accuracy (left out: 0.2), or of the "
            "baseline's mean for other metrics (1, as of perplexity).",
        ),
    ] = None,
) -> Comparison:
    """Compare groups: mean, spread, distance to the baseline, and which are on the Pareto front."""
    if not job and not sweep:
        raise ParameterError("sweep", "name at least one sweep or job: ?sweep=… or ?job=…")
    if y is not None:
        known_metrics([y], loc="y")
    with service.read() as session:
        found = stored.compare(
            session,
            job_ids=job,
            sweep_ids=sweep,
            x=x,
            y=y,
            group_by=group_by,
            margin=margin,
        )
    return compared(found)


@router.get(
    "/export",
    operation_id="export",
    response_class=StreamingResponse,
    responses=failures(404)
    | {
        200: {
            "description": "Streamed, never reduced.",
            "content": {"text/csv": {}, "application/json": {}},
        }
    },
)
def export(
    service: ServiceDep,
    job: Jobs = (),
    sweep: Sweeps = (),
    state: States = (),
    text: Text = "",
    metric: Metrics = (),
    form: Annotated[
        Literal["csv", "json"], Query(alias="format", description="Form of the data.")
    ] = "csv",
    table: Annotated[
        Literal["points", "jobs"],
        Query(description="Every point of every curve, or a line per job with its summary."),
    ] = "points",
) -> StreamingResponse:
    """Hand out full data as CSV or JSON. Neither job nor sweep given: of every job.

    Of the jobs meant, `state` and `text` leave those that fit.
    """
    metrics = known_metrics(metric) or None
    with service.read() as session:
        ids = job_ids(session, job, sweep) if job or sweep else None
        for one in job:
            jobs.get(session, one)  # an unknown id is told before the stream begins
    where = JobFilter(ids=ids, states=state, text=text)
    pieces: Iterator[str]
    match form, table:
        case "csv", "points":
            pieces = exported.points_csv(service.read, where, metrics)
        case "json", "points":
            pieces = exported.points_json(service.read, where, metrics)
        case "csv", _:
            pieces = exported.jobs_csv(service.read, where)
        case _:
            pieces = exported.jobs_json(service.read, where)
    media = "text/csv" if form == "csv" else "application/json"
    name = f'attachment; filename="colrow-{table}.{form}"'
    return StreamingResponse(pieces, media_type=media, headers={"content-disposition": name})
