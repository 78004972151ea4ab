"""Who may talk to the api, and what every answer carries.

There are no logins yet, so loopback is the only door, and three things could still come through
it: a page of another site in the user's own browser (refused by `Origin` and `Sec-Fetch-Site` on
changing calls), a foreign name that resolves to loopback (refused by the `Host` allow-list), and a
proxy that lets others in (refused by its forwarding headers).

The body of a request is read here, whole: nothing that we accept is larger than the limit, and a
client that sends more gets to read its 413, because the rest is taken in and dropped first.
"""

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.addresses import is_loopback, name_of
from api.errors import problem

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data: blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
READING = frozenset({"GET", "HEAD", "OPTIONS"})
DRAINED_BYTES = 64 << 20


def refusal(method: str, headers: Headers, hosts: frozenset[str]) -> str | None:
    """Say why a request is refused; None: it is welcome."""
    host = headers.get("host", "")
    name = name_of(host)
    if not (is_loopback(name) or name in hosts):
        return (
            f"Host {host!r} is not a name of this service; use http://127.0.0.1 or "
            "http://localhost with its port, or list the name in COLROW_HOSTS"
        )
    for header in headers:
        if header in ("forwarded", "x-real-ip") or header.startswith("x-forwarded-"):
            return (
                f"the request was forwarded (header {header!r}); without logins only requests "
                "made on this machine itself are answered"
            )
    if method in READING:
        return None
    site = headers.get("sec-fetch-site")
    if site not in (None, "same-origin", "none"):
        return f"a page of another site (Sec-Fetch-Site {site!r}) may change nothing here"
    origin = headers.get("origin")
    if origin is not None and origin not in (f"http://{host}", f"https://{host}"):
        return f"a page of another site (Origin {origin!r}) may change nothing here"
    return None


class Guard:
    """ASGI middleware: refuse strangers, bound the body, set the headers of the answer."""

    def __init__(self, app: ASGIApp, *, hosts: frozenset[str], body_limit_bytes: int) -> None:
        self.app = app
        self.hosts = hosts
        self.body_limit_bytes = body_limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does, if the request is welcome."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":  # there are no websockets
            return
        headers = Headers(scope=scope)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    answer.setdefault(name, value)
                if scope["path"].startswith("/api/"):
                    answer.setdefault("cache-control", "no-store")
            await send(message)

        body = await self._body(receive)
        if body is None:
            limit = self.body_limit_bytes
            detail = f"the body is larger than {limit:,} bytes; send less, as in several sweeps"
            answer = problem(413, "too-large", "The body is too large", detail)
            await answer(scope, receive, send_with_headers)
            return
        reason = refusal(scope["method"], headers, self.hosts)
        if reason is not None:
            answer = problem(403, "refused", "Refused", reason)
            await answer(scope, receive, send_with_headers)
            return
        waiting = [body]

        async def replay() -> Message:
            if waiting:
                return {"type": "http.request", "body": waiting.pop(), "more_body": False}
            return await receive()

        await self.app(scope, replay, send_with_headers)

    async def _body(self, receive: Receive) -> bytes | None:
        """Read the body; None if it is too large."""
        body, size = bytearray(), 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return bytes(body)
            piece: bytes = message.get("body", b"")
            size += len(piece)
            if size <= self.body_limit_bytes:
                body += piece
            if not message.get("more_body", False):
                return bytes(body) if size <= self.body_limit_bytes else None
            if size > DRAINED_BYTES:
                return None
