"""Tokens: what a user shows to be known. Shown once, kept as a hash, with a role and an end.

A token is `colrow_` and 256 random bits, so its plain SHA-256 cannot be searched for: a slow hash
is for what people choose themselves.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, Select, select, update
from sqlalchemy.orm import Session

from store import clock, owners
from store.cursors import decode_key, encode_cursor
from store.errors import Conflict, NotFound
from store.ids import new_id
from store.tables import Owner, Token
from store.text import clean
from store.views import Page

Role = Literal["viewer", "user", "admin"]
ROLES: tuple[Role, ...] = ("viewer", "user", "admin")
"""Each may do what those before it may."""

PREFIX = "colrow_"
USED_EVERY_S = 60.0
"""How exact `last_used_at` is: reading must not become writing."""

TokenState = Literal["valid", "expired", "revoked"]


@dataclass(frozen=True)
class TokenView:
    """A token without its secret. Times are seconds since 1970, UTC."""

    id: str
    user: str
    name: str
    role: Role
    state: TokenState
    created_at: float
    expires_at: float | None
    """None: it does not end by itself."""
    revoked_at: float | None
    last_used_at: float | None
    key: int
    now: float
    """When this was read, by the database's clock."""


@dataclass(frozen=True)
class Issued:
    """A new token, and its secret, which nobody can be told again."""

    token: TokenView
    secret: str


def digest(secret: str) -> str:
    """Give what is stored of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def looks_like_one(text: str) -> bool:
    """Whether a text has the form of a token: anything else need not be looked up."""
    return re.fullmatch(PREFIX + r"[A-Za-z0-9_-]{43}", text) is not None


def issue(
    session: Session, user: str, role: Role, *, expires_in_s: float | None, name: str = ""
) -> Issued:
    """Make a token; the user is made with the first one. Raises BadQuery for a name that is none.

    `expires_in_s` None: it holds until it is revoked.
    """
    owners.check_name(user)
    now = clock.read(session)
    secret = PREFIX + secrets.token_urlsafe(32)
    row = Token(
        id=new_id(),
        owner_key=owners.key_of(session, user),
        name=clean(name),
        role=role,
        hash=digest(secret),
        created_at=now,
        expires_at=None if expires_in_s is None else now + expires_in_s,
    )
    session.add(row)
    session.flush()
    return Issued(_view(session.execute(_tokens().where(Token.key == row.key)).one(), now), secret)


def find(session: Session, secret: str) -> TokenView | None:
    """Give the token of a secret, valid or not; None where there never was one."""
    row = session.execute(_tokens().where(Token.hash == digest(secret))).one_or_none()
    return None if row is None else _view(row, clock.read(session))


def get(session: Session, token_id: str) -> TokenView:
    """Read a token. Raises NotFound."""
    row = session.execute(_tokens().where(Token.id == token_id)).one_or_none()
    if row is None:
        raise NotFound(f"there is no token {token_id!r}")
    return _view(row, clock.read(session))


def list_tokens(
    session: Session, *, limit: int = 100, cursor: str | None = None
) -> Page[TokenView]:
    """Read a page of all tokens, newest first. Raises BadQuery."""
    query = _tokens().order_by(Token.key.desc()).limit(limit + 1)
    if cursor is not None:
        query = query.where(Token.key < decode_key(cursor))
    now = clock.read(session)
    found = [_view(row, now) for row in session.execute(query)]
    end = encode_cursor([found[limit - 1].key]) if len(found) > limit else None
    return Page(tuple(found[:limit]), end)


def revoke(session: Session, token_id: str, *, keep_an_admin: bool = False) -> TokenView:
    """End a token for good. Again is no error.

    Raises NotFound, and with `keep_an_admin` Conflict for the last admin's token that is valid.
    """
    # All valid admins' tokens, in one order: of two revocations at once the second one waits.
    admins = list(session.scalars(_valid_admins().with_for_update(of=Token)))
    token = get(session, token_id)
    if keep_an_admin and admins == [token.key]:
        raise Conflict(
            "this is the last valid token of an admin, and without it nobody could issue another; "
            "issue one first, then revoke this"
        )
    session.execute(
        update(Token)
        .where(Token.key == token.key, Token.revoked_at.is_(None))
        .values(revoked_at=clock.read(session))
        .execution_options(synchronize_session=False)
    )
    return get(session, token_id)


def touch(session: Session, token_key: int) -> None:
    """Note that a token was used now."""
    session.execute(
        update(Token)
        .where(Token.key == token_key)
        .values(last_used_at=clock.now())
        .execution_options(synchronize_session=False)
    )


def has_admin(session: Session) -> bool:
    """Whether there is a valid token of an admin."""
    return session.execute(_valid_admins().limit(1)).first() is not None


def still_valid(session: Session, keys: set[int]) -> set[int]:
    """Keep the keys of tokens that are neither expired nor revoked."""
    query = select(Token.key).where(Token.key.in_(keys), *_is_valid())
    return set(session.scalars(query))


def _valid_admins() -> Select[int]:
    return select(Token.key).where(Token.role == "admin", *_is_valid()).order_by(Token.key)


def _is_valid() -> tuple[Any, ...]:
    ends = Token.expires_at.is_(None) | (Token.expires_at > clock.now())
    return Token.revoked_at.is_(None), ends


def _tokens() -> Any:
    return select(Token, Owner.name.label("user")).join(Owner, Owner.key == Token.owner_key)


def _view(row: Row[Any], now: float) -> TokenView:
    token = row.Token
    state: TokenState = "valid"
    if token.revoked_at is not None:
        state = "revoked"
    elif token.expires_at is not None and token.expires_at <= now:
        state = "expired"
    return TokenView(
        id=token.id,
        user=row.user,
        name=token.name,
        role=token.role,
        state=state,
        created_at=token.created_at,
        expires_at=token.expires_at,
        revoked_at=token.revoked_at,
        last_used_at=token.last_used_at,
        key=token.key,
        now=now,
    )
