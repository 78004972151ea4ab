"""The body of a request, read whole before it is parsed: bounded in size, values and time.

Nothing that we accept is larger, and a client that sends more gets to read its 413, because the
rest is taken in and dropped first. Values are counted because every wrong one is an error of its
own: a megabyte of them would be half a million. Nesting needs no bound here: what is nested deeper
than Python's own JSON reader goes is refused by it, at once.
"""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import problem

DRAINED_BYTES = 64 << 20
MOST_VALUES = 10_000
"""A spec has some hundred."""
FREE = frozenset({"/api/v1/sweeps"})
"""Paths whose bodies hold lists of plain data, as many as fit."""


class Bodies:
    """ASGI middleware that hands a body on in one piece, or refuses it."""

    def __init__(self, app: ASGIApp, *, most_bytes: int, slow_s: float) -> None:
        self.app = app
        self.most_bytes = most_bytes
        self.slow_s = slow_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does, if the body is one."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(self.slow_s):
                body = await self._read(receive)
        except TimeoutError:
            detail = f"the body did not come whole within {self.slow_s:g} s; send it again, faster"
            answer = problem(
                408, "too-slow", "The request is too slow", detail, headers={"connection": "close"}
            )
            await answer(scope, receive, send)
            return
        reason = self._reason(scope["path"], body)
        if reason is not None:
            answer = problem(413, "too-large", "The body is too large", reason)
            await answer(scope, receive, send)
            return
        waiting = [body]

        async def replay() -> Message:
            if waiting:
                return {"type": "http.request", "body": waiting.pop(), "more_body": False}
            return await receive()

        await self.app(scope, replay, send)

    def _reason(self, path: str, body: bytes | None) -> str | None:
        """Say why a body is too large; None: it is not."""
        if body is None:
            most = f"{self.most_bytes:,} bytes"
            return f"the body is larger than {most}; send less, as in several sweeps"
        if path not in FREE and body.count(b",") >= MOST_VALUES:
            return f"the body holds more than {MOST_VALUES:,} values; a spec has some hundred"
        return None

    async def _read(self, receive: Receive) -> bytes | None:
        """Read the body; None if it is too large."""
        body, size = bytearray(), 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return bytes(body)
            piece: bytes = message.get("body", b"")
            size += len(piece)
            if size <= self.most_bytes:
                body += piece
            if not message.get("more_body", False):
                return bytes(body) if size <= self.most_bytes else None
            if size > DRAINED_BYTES:
                return None
