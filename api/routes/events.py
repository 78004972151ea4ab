"""Live events over SSE."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header
from fastapi.sse import EventSourceResponse, ServerSentEvent

from api.parameters import Jobs, Sweeps
from api.schemas.base import failures

router = APIRouter(tags=["events"])


@router.get(
    "/events",
    operation_id="streamEvents",
    response_class=EventSourceResponse,
    responses=failures(403, 422),
)
async def events(
    job: Jobs = [],
    sweep: Sweeps = [],
    last_event_id: Annotated[
        str | None,
        Header(description="`id` of the last event seen; the stream goes on after it."),
    ] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Follow job states and new points. The `data` of each event is a `ChangeEvent`."""
    raise RuntimeError
    yield ServerSentEvent()
