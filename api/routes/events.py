"""Live events over SSE."""

import time
from collections.abc import AsyncIterator, Iterable
from functools import lru_cache
from typing import Annotated

from fastapi import APIRouter, Depends, Header
from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

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
PING_S = 15.0
"""A stream is silent for no longer."""
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


class EventStream(StreamingResponse):
    """Text of events. FastAPI's own takes each one through two queues and three tasks."""

    media_type = "text/event-stream"


@router.get(
    "/events",
    operation_id="streamEvents",
    response_class=EventStream,
)
async def events(
    service: ServiceDep,
    subscriber: Annotated[Subscriber, Depends(admitted)],
    after: Annotated[int, Depends(place)],
    job: Jobs = (),
    sweep: Sweeps = (),
) -> EventStream:
    """Follow job states and new points. The `data` of each event is a `ChangeEvent`."""
    news = service.hub.follow(after, subscriber, patience_s=PING_S)
    return EventStream(
        _text(news, frozenset(job), frozenset(sweep)),
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},  # nginx keeps none back
    )


async def _text(
    news: AsyncIterator[Iterable[Change | Mark]], jobs: frozenset[str], sweeps: frozenset[str]
) -> AsyncIterator[bytes]:
    """Write a stream: what came together in one piece, and a sign of life where nothing comes."""
    told_s = time.monotonic()
    async for items in news:
        text = b"".join(_written(item) for item in items if _is_wanted(item, jobs, sweeps))
        if text or time.monotonic() - told_s >= PING_S:
            told_s = time.monotonic()
            yield text or KEEPALIVE_COMMENT


@lru_cache(4096)
def _written(item: Change | Mark) -> bytes:
    """Write an event once for all streams that get it."""
    number = str(item.seq)
    if isinstance(item, Change):
        data = ChangeEvent.model_validate(item).model_dump_json()
        return format_sse_event(event=item.kind, id=number, data_str=data)
    if item.reset:
        data = ChangeEvent().model_dump_json()
        return format_sse_event(event="reset", id=number, data_str=data)
    return format_sse_event(id=number, retry=RECONNECT_MS)  # only the place to come back to


def _is_wanted(item: Change | Mark, jobs: frozenset[str], sweeps: frozenset[str]) -> bool:
    if isinstance(item, Mark) or (not jobs and not sweeps):
        return True
    return item.job_id in jobs or item.sweep_id in sweeps
