"""Who asks: what a request shows, and whom it makes of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Depends, Request
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import Scope

from store.owners import LOCAL
from store.tokens import Role, TokenView


@dataclass(frozen=True)
class Identity:
    """A user, what they may do, and how that is known."""

    user: str
    role: Role
    by: Literal["loopback", "token", "cookie"]
    token: TokenView | None = None


NOBODY_ELSE = Identity(LOCAL, "admin", "loopback")
"""Who comes where no login is needed."""


@dataclass(frozen=True)
class Shown:
    """The secret that a request came with."""

    by: Literal["token", "cookie"]
    secret: str


def shown(scope: Scope, headers: Headers) -> Shown | None:
    """Find what a request shows: a token before a cookie. A wrong kind of it is an empty token."""
    said = headers.get("authorization")
    if said is not None:
        kind, _, secret = said.partition(" ")
        return Shown("token", secret.strip() if kind.lower() == "bearer" else "")
    cookie = _cookies(headers).get(cookie_name(scope))
    return None if not cookie else Shown("cookie", cookie)


def cookie_name(scope: Scope) -> str:
    """Name the cookie by the port: browsers send cookies to every port of a host."""
    server = scope.get("server")
    return f"colrow_{server[1] if server else 0}"


def _cookies(headers: Headers) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for line in headers.getlist("cookie"):
        found |= cookie_parser(line)
    return found


async def identity(request: Request) -> Identity:
    """Give who asks: where a route needs a role, the door lets nobody through unknown."""
    found: Identity = request.state.identity
    return found


IdentityDep = Annotated[Identity, Depends(identity)]


def address_of(scope: Scope) -> str:
    """Give the address that a request came from; of a trusted proxy's, the one that it names."""
    client = scope.get("client")
    return str(client[0]) if client else ""
