"""Which requests are answered at all, and what every answer carries.

Three things could come through a door that knows its users: a page of another site in a user's
own browser (refused by `Origin` and `Sec-Fetch-Site` on changing calls), a foreign name that
resolves to this machine (refused by the `Host` allow-list), and a proxy that lets others in where
no login is needed (its forwarding headers ask for one).
"""

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.addresses import is_loopback, is_same, name_of
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


def foreign_host(scope: Scope, headers: Headers, hosts: frozenset[str]) -> str | None:
    """Say why the request's `Host` is none of this service; None: it is.

    The very address that a connection came to is one: no other site has it for its name.
    """
    host = headers.get("host", "")
    name, server = name_of(host), scope.get("server")
    if is_loopback(name) or name in hosts or (server and is_same(name, str(server[0]))):
        return None
    return (
        f"Host {host!r} is not a name of this service; use http://127.0.0.1 or "
        "http://localhost with its port, or list the name in COLROW_HOSTS"
    )


def other_site(method: str, headers: Headers) -> str | None:
    """Say why a changing call is refused as a page of another site's; None: it is not."""
    if method in READING:
        return None
    site = headers.get("sec-fetch-site")
    if site not in (None, "same-origin", "none"):
        return f"a page of another site (Sec-Fetch-Site {site!r}) may change nothing here"
    origin, host = headers.get("origin"), headers.get("host", "")
    if origin is not None and origin not in (f"http://{host}", f"https://{host}"):
        return f"a page of another site (Origin {origin!r}) may change nothing here"
    return None


def forwarding_header(headers: Headers) -> str | None:
    """Name a header that says that a request was passed on by another machine."""
    for header in headers.keys():  # noqa: SIM118 - it has a type, unlike the headers themselves
        if header in ("forwarded", "x-real-ip") or header.startswith("x-forwarded-"):
            return header
    return None


class Guard:
    """ASGI middleware: refuse what came under a foreign name, set the headers of the answer."""

    def __init__(self, app: ASGIApp, *, hosts: frozenset[str]) -> None:
        self.app = app
        self.hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does, under our own name."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":  # there are no websockets
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    answer.setdefault(name, value)
                if scope["path"].startswith("/api/"):
                    answer.setdefault("cache-control", "no-store")
            await send(message)

        reason = foreign_host(scope, Headers(scope=scope), self.hosts)
        if reason is not None:
            answer = problem(403, "refused", "Refused", reason)
            await answer(scope, receive, send_with_headers)
            return
        await self.app(scope, receive, send_with_headers)
