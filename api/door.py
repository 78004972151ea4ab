"""ASGI middleware: who is it, may they do that, and not too often. Routes find them by IdentityDep.

In this order, so that little is done for a stranger: what the request shows is looked up, a page of
another site is refused, then whoever is not known, comes too often, lacks the role, or would change
what is another's.
"""

from contextlib import suppress
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access import ADMIN, LOOKING, Match, access_to
from api.addresses import is_loopback, name_of
from api.deps import Service
from api.errors import Refusal, answer_to
from api.identity import NOBODY_ELSE, Identity, Shown, address_of, cookie_name, shown
from api.rates import too_often
from api.security import forwarding_header, other_site
from store import owners, signins, tokens
from store.errors import StoreError
from store.owners import Kind
from store.session import UNAVAILABLE
from store.tokens import ROLES, TokenView

CHALLENGE = {"www-authenticate": 'Bearer realm="colrow"'}
SESSION = "/api/v1/session"


class Door:
    """Lets a request through, with its identity in the request's state."""

    def __init__(self, app: ASGIApp, *, service: Service) -> None:
        self.app = app
        self.service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does, to who may ask."""
        if scope["type"] != "http" or not _is_guarded(scope["path"]):
            await self.app(scope, receive, send)
            return
        state: dict[str, Any] = scope.setdefault("state", {})
        try:
            await self._enter(scope, state)
        except (Refusal, StoreError, *UNAVAILABLE) as error:
            answer = answer_to(error)
            await answer(scope, receive, self._forgetting(scope, state, send))
            return
        await self.app(scope, receive, self._forgetting(scope, state, send))

    async def _enter(self, scope: Scope, state: dict[str, Any]) -> None:
        """Find out who it is, and raise what keeps them out."""
        headers, match = Headers(scope=scope), self._match(scope)
        state["is_change"] = match.access.is_change
        show = shown(scope, headers)
        who = None if show is None else await self._look_up(address_of(scope), show)
        if who is None:
            state["stale_cookie"] = show is not None
            if self.service.login is None and _is_from_here(headers):
                who = NOBODY_ELSE
        state["identity"] = who
        reason = other_site(scope["method"], headers)
        if reason is not None:
            raise Refusal(403, "refused", "Refused", reason)
        if match.access.role is None:
            return
        if who is None:
            raise Refusal(401, "login", "A login is needed", _how_to(headers), headers=CHALLENGE)
        self._demand_pace(who)
        await self._demand_right(match, who)

    def _forgetting(self, scope: Scope, state: dict[str, Any], send: Send) -> Send:
        """Have the browser drop a cookie that means nothing any more."""

        async def forgetting(message: Message) -> None:
            if message["type"] == "http.response.start" and state.get("stale_cookie"):
                dropped = Response()
                dropped.delete_cookie(cookie_name(scope), httponly=True, samesite="lax")
                answer = MutableHeaders(scope=message)
                answer.append("set-cookie", dropped.headers["set-cookie"])
            await send(message)

        # Signing in and out say themselves what becomes of the cookie.
        is_told = scope["path"] == SESSION and scope["method"] in ("POST", "DELETE")
        return send if is_told else forgetting

    def _match(self, scope: Scope) -> Match:
        """Find the route's access: of one that nobody assigned, an admin's; of none, a reader's."""
        method, path = scope["method"], scope["path"]
        found = access_to("GET" if method == "HEAD" else method, path)
        if found is not None:
            return found
        templates: dict[str, dict[str, Any]] = scope["app"].openapi()["paths"]
        for template, methods in templates.items():
            if method.lower() in methods and compile_path(template)[0].match(path):
                return Match(ADMIN, {})
        return Match(LOOKING, {})

    async def _look_up(self, address: str, show: Shown) -> Identity | None:
        """Find whose secret it is; None for a cookie that has ended.

        Raises Refusal for a token that is not valid, and for much guessing.
        """
        digest = tokens.digest(show.secret)
        if show.by == "token":
            self.service.guesses.demand_room(address, digest)
        found = None
        if show.by == "cookie" or tokens.looks_like_one(show.secret):
            found = await run_in_threadpool(self._find, show)
        is_valid = found is not None and found.state == "valid"
        if show.by == "token":
            self.service.guesses.told(address, digest, is_valid=is_valid)
            if not is_valid:
                raise Refusal(401, "login", "Not known", no_good(found), headers=CHALLENGE)
        if found is None or not is_valid:
            return None
        return Identity(found.user, found.role, show.by, found)

    def _find(self, show: Shown) -> TokenView | None:
        find = signins.find if show.by == "cookie" else tokens.find
        with self.service.read() as session:
            found = find(session, show.secret)
        if found is not None and found.state == "valid" and _is_unnoted(found):
            with suppress(SQLAlchemyError), self.service.write() as session:
                tokens.touch(session, found.key)
        return found

    def _demand_pace(self, who: Identity) -> None:
        """Raise Refusal when a token comes too often."""
        if who.token is None:
            return
        wait_s = self.service.rates.take(who.token.key)
        if wait_s > 0:
            per_s = self.service.rates.per_s
            raise too_often(wait_s, f"these are more than {per_s:g} requests a second")

    async def _demand_right(self, match: Match, who: Identity) -> None:
        """Raise Refusal unless the role suffices and the thing is theirs. Raises NotFound."""
        needed, own = match.access.role, match.access.own
        if needed is not None and ROLES.index(who.role) < ROLES.index(needed):
            raise Refusal(
                403,
                "role",
                "Not allowed",
                f"this needs the role {needed}, and the token of {who.user} has the role "
                f"{who.role}; ask an admin for another token",
            )
        if own is None or who.role == "admin":
            return
        ident = str(match.params["id"])
        if "\0" in ident:  # the route says what is wrong with it
            return
        owner = await run_in_threadpool(self._owner_of, own, ident)
        if owner != who.user:
            raise Refusal(
                403,
                "owner",
                "Not yours",
                f"{own} {ident} belongs to {owner}; only {owner} or an admin may do this",
            )

    def _owner_of(self, kind: Kind, ident: str) -> str:
        with self.service.read() as session:
            return owners.owner_of(session, kind, ident)


def _is_guarded(path: str) -> bool:
    """Whether a path is the api's: the page itself holds nothing secret."""
    return path.startswith("/api/") or path == "/metrics"


def _is_from_here(headers: Headers) -> bool:
    """Whether a request was made on this machine itself, as far as it says."""
    return is_loopback(name_of(headers.get("host", ""))) and not forwarding_header(headers)


def _is_unnoted(token: TokenView) -> bool:
    """Whether its last use was noted longer ago than need be."""
    used = token.last_used_at
    return used is None or used < token.now - tokens.USED_EVERY_S


def no_good(token: TokenView | None) -> str:
    """Say what is wrong with a token, and what to do."""
    new = "ask an admin for a new one (`colrow token create`)"
    if token is None:
        return f"this is no token of this service; send `Authorization: Bearer colrow_…`, or {new}"
    if token.state == "revoked":
        return f"this token was revoked; {new}"
    return f"this token has expired; {new}"


def _how_to(headers: Headers) -> str:
    how = (
        "show a token: on the page, as `colrow login` or COLROW_TOKEN, or as the header "
        "`Authorization: Bearer colrow_…`; an admin makes one with `colrow token create`"
    )
    header = forwarding_header(headers)
    return f"the request was forwarded (header {header!r}); {how}" if header else how
