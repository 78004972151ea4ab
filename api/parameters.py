"""Parameters that several routes share: paths, filters, pages and curves."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Header, Path, Query, Request, params
from fastapi.dependencies.utils import get_flat_params
from fastapi.routing import APIRoute

from api.errors import ParameterError
from api.identity import Identity
from api.schemas.jobs import JobState
from crs_core.events import METRICS

JobPath = Annotated[
    str,
    Path(
        alias="id", description="Id of the job.", examples=["019ab4f2-7c1e-7d3a-9b52-0c6f1d2e3a4b"]
    ),
]
CheckpointPath = Annotated[
    int,
    Path(alias="checkpoint", ge=1, le=(1 << 31) - 1, description="`id` in the job's checkpoints."),
]
SweepPath = Annotated[
    str,
    Path(
        alias="id",
        description="Id of the sweep.",
        examples=["019ab4f1-02aa-7b11-8c0d-5e6f7a8b9c0d"],
    ),
]
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="Sent again with the same body, it gives the same thing; with another, 422; "
        "once that is deleted, 410.",
    ),
]
CursorQuery = Annotated[
    str | None, Query(max_length=4000, description="`next` of the page before.")
]
Limit = Annotated[int, Query(ge=1, le=1000, description="Items in a page, at most.")]
States = Annotated[Sequence[JobState], Query(description="Any of these states.")]
Text = Annotated[str, Query(max_length=200, description="Part of the name, the notes or the id.")]
TagsQuery = Annotated[Sequence[str], Query(max_length=50, description="Any of these tags.")]
Names = Annotated[Sequence[str], Query(max_length=50, description="Any of these.")]
Jobs = Annotated[Sequence[str], Query(max_length=2000, description="These jobs.")]
Sweeps = Annotated[Sequence[str], Query(max_length=100, description="The jobs of these sweeps.")]
Metrics = Annotated[
    Sequence[str],
    Query(
        max_length=100,
        description="These metrics; none given: all. There are: " + ", ".join(METRICS) + ".",
    ),
]
MaxPoints = Annotated[
    int | None,
    Query(
        ge=4,
        le=100_000,
        description="Reduce every curve to about so many points, minimum and maximum kept.",
    ),
]
After = Annotated[int | None, Query(ge=-1, le=1 << 40, description="Only points after this step.")]


def known_metrics(names: Sequence[str], *, loc: str = "metric") -> Sequence[str]:
    """Give the names back, if each is a metric. Raises ParameterError."""
    for name in names:
        if name not in METRICS:
            raise ParameterError(loc, f"{name!r} is no metric; there are: {', '.join(METRICS)}")
    return names


def allowed_priority(said: int, who: Identity, *, most: int) -> int:
    """Give a priority back, if who gives it may: `most` is a user's. Raises ParameterError."""
    if who.role != "admin" and said > most:
        raise ParameterError(
            "priority", f"this must be at most {most}, got {said}; an admin may give a job more"
        )
    return said


async def only_known(request: Request) -> None:
    """Refuse a query parameter that the route does not have: it would be passed over in silence.

    Nor may its text or that of the path hold NUL, which PostgreSQL does not take. Raises
    ParameterError.
    """
    route = request.scope["route"]
    assert isinstance(route, APIRoute)
    fields = get_flat_params(route.dependant)
    known = [f.alias for f in fields if isinstance(f.field_info, params.Query)]
    for name in request.query_params:
        if name not in known:
            there = ", ".join(known) or "none"
            raise ParameterError(
                name, f"{name!r} is no parameter of this route; there are: {there}"
            )
    for name, value in (*request.path_params.items(), *request.query_params.multi_items()):
        if "\0" in value:
            raise ParameterError(name, f"text may not hold the character NUL; got {value[:80]!r}")
