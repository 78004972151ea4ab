"""Browsers that are signed in: a cookie's hash beside the token that was shown for it.

A signed-in browser holds a secret of its own, so that the token is never kept in one.
"""

import secrets

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from store import clock, tokens
from store.tables import BrowserSession, Token
from store.tokens import TokenView

KEPT_PER_TOKEN = 100
"""Browsers that one token signs in at once; the oldest gives way."""


def begin(session: Session, token: TokenView, *, lasts_s: float) -> tuple[str, float]:
    """Sign a browser in; give its cookie's secret and the time when that ends."""
    now = clock.read(session)
    ends = now + lasts_s if token.expires_at is None else min(now + lasts_s, token.expires_at)
    secret = secrets.token_urlsafe(32)
    older = (
        select(BrowserSession.key)
        .where(BrowserSession.token_key == token.key)
        .order_by(BrowserSession.key.desc())
        .offset(KEPT_PER_TOKEN - 1)
    )
    gone = list(session.scalars(older))
    session.execute(
        delete(BrowserSession).where(
            BrowserSession.key.in_(gone) | (BrowserSession.expires_at <= now)
        )
    )
    session.add(
        BrowserSession(
            hash=tokens.digest(secret), token_key=token.key, created_at=now, expires_at=ends
        )
    )
    return secret, ends


def find(session: Session, secret: str) -> TokenView | None:
    """Give the token by which a browser is signed in, valid or not; None where it is not."""
    token_id = session.execute(
        select(Token.id)
        .join(BrowserSession, BrowserSession.token_key == Token.key)
        .where(
            BrowserSession.hash == tokens.digest(secret), BrowserSession.expires_at > clock.now()
        )
    ).scalar_one_or_none()
    return None if token_id is None else tokens.get(session, token_id)


def end(session: Session, secret: str) -> None:
    """Sign a browser out. Again is no error."""
    session.execute(delete(BrowserSession).where(BrowserSession.hash == tokens.digest(secret)))
