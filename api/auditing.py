"""ASGI middleware: changing calls of known users go into the audit log, and then are answered.

Who gets an answer finds the call in the log. A call that only looks, as planning, is left out, and
so are strangers, and calls that came too often: they could fill the log.
"""

import json
import logging
import threading
import time
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.deps import Service
from api.identity import Identity, address_of
from api.security import READING
from store import audit
from store.audit import Call
from store.errors import StoreError

log = logging.getLogger("colrow.audit")
TRIM_EVERY_S = 3600.0
DAY_S = 86_400.0
TOO_OFTEN = 429


class Audited:
    """Writes down who changed what."""

    def __init__(self, app: ASGIApp, *, service: Service) -> None:
        self.app = app
        self.service = service
        self._lock = threading.Lock()
        self._trimmed_s: float | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does, and note the call first."""
        if scope["type"] != "http" or scope["method"] in READING:
            await self.app(scope, receive, send)
            return
        held: list[Message] = []
        noted = False

        async def noting(message: Message) -> None:
            nonlocal noted
            if noted:
                await send(message)
                return
            held.append(message)
            # What is wrong stands in the first piece of the body.
            if message["type"] == "http.response.start" and message["status"] >= 400:
                return
            noted = True
            await self._note(scope, held[0]["status"], _detail(held))
            for one in held:
                await send(one)

        try:
            await self.app(scope, receive, noting)
        except Exception:
            if not noted:
                await self._note(scope, 500, None)
            raise

    async def _note(self, scope: Scope, status: int, detail: str | None) -> None:
        state: dict[str, Any] = scope.get("state", {})
        who: Identity | None = state.get("identity")
        if status == TOO_OFTEN or who is None or not state.get("is_change", True):
            return
        call = Call(
            user=who.user,
            token_id=who.token.id if who.token else None,
            address=address_of(scope),
            method=scope["method"],
            path=scope["path"],
            status=status,
            detail=detail,
        )
        await run_in_threadpool(self._write, call)

    def _write(self, call: Call) -> None:
        try:
            with self.service.write() as session:
                audit.note(session, call)
                if self._is_time_to_trim():
                    settings = self.service.settings
                    audit.trim(
                        session,
                        kept_s=settings.audit_days * DAY_S,
                        kept_rows=settings.audit_rows,
                    )
        except (SQLAlchemyError, StoreError) as error:
            # What was asked for is done, or was refused: the answer must say which.
            log.error("%s is not in the audit log: %s", call, error)

    def _is_time_to_trim(self) -> bool:
        with self._lock:
            now = time.monotonic()
            if self._trimmed_s is not None and now - self._trimmed_s < TRIM_EVERY_S:
                return False
            self._trimmed_s = now
            return True


def _detail(answer: list[Message]) -> str | None:
    """Say what became of a call: what was made, or why it was refused."""
    start = answer[0]
    if start["status"] < 400:
        return Headers(raw=start["headers"]).get("location")
    try:
        problem = json.loads(answer[-1].get("body", b""))
        return f"{problem['title']}: {problem['detail']}"
    except (ValueError, KeyError, TypeError):
        return None
