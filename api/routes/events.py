"""Live events over SSE."""

from collections.abc import AsyncIterator
from functools import lru_cache
from typing import Annotated

from fastapi import APIRouter, Depends, Header
from fastapi.sse import EventSourceResponse, ServerSentEvent

from api.deps import ServiceDep
from api.errors import ParameterError
from api.identity import IdentityDep
from api.live import Mark, Reader, Subscriber
from api.parameters import Jobs, Sweeps
from api.schemas.curves import ChangeEvent
from store import changes
from store.changes import Change

router = APIRouter(tags=["events"])
RECONNECT_MS = 1000
MOST = 1 << 62


def reader(who: IdentityDep) -> Reader:
    """Say whose stream it is."""
    return Reader(who.user, who.token.key if who.token else None)


ReaderDep = Annotated[Reader, Depends(reader)]


async def admitted(service: ServiceDep, whose: ReaderDep) -> AsyncIterator[Subscriber]:
    """Count the stream from here to its end. Raises TooManyStreams, TooManyOwnStreams."""
    each = None if whose.token is None else service.settings.streams_per_user
    with service.hub.admit(whose, most=service.settings.streams, most_each=each) as subscriber:
        yield subscriber


def place(
    service: ServiceDep,
    last_event_id: Annotated[
        str | None,
        Header(description="`id` of the last event seen; the stream goes on after it."),
    ] = None,
) -> int:
    """Say where the stream begins, before the answer does: who reads the state after the headers
    came can miss nothing. Raises ParameterError.
    """
    if not last_event_id:
        with service.read() as session:
            return changes.head(session)
    is_short = last_event_id.isascii() and last_event_id.isdigit() and len(last_event_id) < 20
    if is_short and int(last_event_id) < MOST:
        return int(last_event_id)
    raise ParameterError(
        "Last-Event-ID", f"{last_event_id[:80]!r} is no event id; send the `id` of an event"
    )


@router.get(
    "/events",
    operation_id="streamEvents",
    response_class=EventSourceResponse,
)
async def events(
    service: ServiceDep,
    subscriber: Annotated[Subscriber, Depends(admitted)],
    after: Annotated[int, Depends(place)],
    job: Jobs = (),
    sweep: Sweeps = (),
) -> AsyncIterator[ServerSentEvent]:
    """Follow job states and new points. The `data` of each event is a `ChangeEvent`."""
    jobs, sweeps = frozenset(job), frozenset(sweep)
    async for item in service.hub.follow(after, subscriber):
        if isinstance(item, Mark):
            number = str(item.seq)
            if item.reset:
                yield ServerSentEvent(event="reset", id=number, data=ChangeEvent())
            else:  # no event: only the place to come back to
                yield ServerSentEvent(id=number, retry=RECONNECT_MS)
        elif _is_wanted(item, jobs, sweeps):
            yield _written(item)


@lru_cache(4096)
def _written(change: Change) -> ServerSentEvent:
    """Write an event once for all streams that get it."""
    data = ChangeEvent.model_validate(change).model_dump_json()
    return ServerSentEvent(event=change.kind, id=str(change.seq), raw_data=data)


def _is_wanted(change: Change, jobs: frozenset[str], sweeps: frozenset[str]) -> bool:
    return (not jobs and not sweeps) or change.job_id in jobs or change.sweep_id in sweeps
