"""Live events of the service (SSE), read again from the last one after every cut."""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from colrow.errors import ColrowError
from colrow.transport import Transport

SILENCE_S = 45.0  # the service says something every 15 s
RETRY_S = 0.5
GIVE_UP_S = 30.0


@dataclass(frozen=True)
class Event:
    """One change; `name` is job, points, truncate, sweep, worker or reset (read all anew)."""

    id: str
    name: str
    data: Mapping[str, Any]


def follow(
    transport: Transport, params: Mapping[str, Any], *, last_event_id: str | None
) -> Iterator[Event | None]:
    """Give every event; None each time the stream was opened, anew too.

    What was read before the None may have changed since: read it again. Raises Unreachable when the
    service has not answered for half a minute, or did not at all.
    """
    connected_s: float | None = None
    while True:
        try:
            headers = {"Accept": "text/event-stream"}
            if last_event_id is not None:
                headers["Last-Event-ID"] = last_event_id
            with transport.http.stream(
                "GET",
                "/events",
                params={key: value for key, value in params.items() if value},
                headers=headers,
                timeout=httpx.Timeout(SILENCE_S, connect=5.0),
            ) as answer:
                if answer.status_code >= 400:
                    answer.read()
                    raise transport.problem(answer)
                yield None
                connected_s = time.monotonic()
                for event in parse(answer.iter_lines()):
                    last_event_id = event.id or last_event_id
                    connected_s = time.monotonic()
                    yield event
        except httpx.TransportError as error:
            if connected_s is None or time.monotonic() - connected_s > GIVE_UP_S + SILENCE_S:
                raise transport.unreachable(error) from None
        except ColrowError as error:
            if error.status not in (502, 503, 504) or connected_s is None:
                raise
            if time.monotonic() - connected_s > GIVE_UP_S + SILENCE_S:
                raise
        time.sleep(RETRY_S)


def parse(lines: Iterator[str]) -> Iterator[Event]:
    """Make events of the lines of a stream; comments and unfinished events are dropped."""
    ident, name, data = "", "", ""
    for line in lines:
        if line == "":
            if data:
                yield Event(ident, name or "message", json.loads(data))
            name, data = "", ""
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match field:
            case "id":
                ident = value
            case "event":
                name = value
            case "data":
                data = f"{data}\n{value}" if data else value
