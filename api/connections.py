"""Connections of clients that are slow on purpose, or dead: none is kept for longer than it may be.

Uvicorn gives whoever connects all the time in the world to send the head of a request, and to read
an answer. Here both end: the head must come whole in `slow_s` from its first byte (or from the
connection), what is left of a body after its answer too, and an answer that waits to be read for so
long is cut off. The time of a body that is wanted stands in `api.bodies`, which can answer 408.
"""

import asyncio
import json
from typing import Any, Literal

import h11
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol

Part = Literal["head", "rest"]


def patient(slow_s: float) -> type[H11Protocol]:
    """Make the protocol for a server whose clients have `slow_s` seconds."""

    class Patient(_Patient):
        pass

    Patient.slow_s = slow_s
    return Patient


class _Patient(H11Protocol):
    """HTTP/1.1, for as long as the other side does its part."""

    slow_s: float
    _awaited: Part | None = None
    _late: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a first request, but not for ever."""
        super().connection_made(transport)
        self._await(self._awaits())

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        super().data_received(data)
        self._await(self._awaits())

    def on_response_complete(self) -> None:
        """Go on to the next request; what was not read of this one's body is to come, too."""
        super().on_response_complete()
        self._await(self._awaits())

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._await(None)
        self._read()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Begin to wait for the client to read."""
        super().pause_writing()
        self._read()
        self._unread = self.loop.call_later(self.slow_s, self.transport.abort)

    def resume_writing(self) -> None:
        """It has read."""
        self._read()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, as every failure is answered."""
        self._refuse(400, "bad-request", f"this is no HTTP request that can be read ({msg})")

    def _read(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _awaits(self) -> Part | None:
        """Say what the client has begun, and must end."""
        if self.transport.is_closing():
            return None
        if self.conn.their_state is h11.IDLE:
            # Between two requests the keep-alive has its own, longer time.
            is_first = self.cycle is None
            return "head" if is_first or self.conn.trailing_data[0] else None
        is_answered = self.cycle is not None and self.cycle.response_complete
        return "rest" if is_answered and self.conn.their_state is h11.SEND_BODY else None

    def _await(self, part: Part | None) -> None:
        if part == self._awaited:
            return
        if self._late is not None:
            self._late.cancel()
        self._awaited = part
        self._late = None if part is None else self.loop.call_later(self.slow_s, self._give_up)

    def _give_up(self) -> None:
        if self._awaited == "head" and self.conn.trailing_data[0]:
            detail = f"the head of the request did not come whole within {self.slow_s:g} s"
            self._refuse(408, "too-slow", detail)
        else:
            self.transport.close()

    def _refuse(self, status: int, kind: str, detail: str) -> None:
        """Answer in the place of the application, and close."""
        reason = STATUS_PHRASES[status]
        problem: dict[str, Any] = {
            "type": f"urn:colrow:problem:{kind}",
            "title": reason.decode(),
            "status": status,
            "detail": detail,
            "errors": None,
        }
        body = json.dumps(problem).encode()
        headers = [
            (b"content-type", b"application/problem+json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        events = (
            h11.Response(status_code=status, headers=headers, reason=reason),
            h11.Data(data=body),
            h11.EndOfMessage(),
        )
        for event in events:
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
