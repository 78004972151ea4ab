"""The audit log: every changing call, who made it and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from store import clock
from store.cursors import decode_key, encode_cursor
from store.tables import Audit
from store.text import clean
from store.views import Page

_LENGTHS = {"owner": 100, "address": 64, "method": 10, "path": 500, "detail": 300}


@dataclass(frozen=True)
class Call:
    """A changing call. `user` None: nobody that is known."""

    user: str | None
    token_id: str | None
    address: str | None
    method: str
    path: str
    status: int
    detail: str | None = None


@dataclass(frozen=True)
class Entry(Call):
    """A call as it stands in the log."""

    at: float = 0.0
    """Seconds since 1970, UTC."""


def note(session: Session, call: Call) -> None:
    """Enter a call; texts are cut to what the log keeps."""
    session.add(
        Audit(
            at=clock.read(session),
            owner=_cut("owner", call.user),
            token_id=call.token_id,
            address=_cut("address", call.address),
            method=_cut("method", call.method),
            path=_cut("path", call.path),
            status=call.status,
            detail=_cut("detail", call.detail),
        )
    )


def _cut(field: str, text: str | None) -> str | None:
    return None if text is None else clean(text)[: _LENGTHS[field]]


def read(
    session: Session,
    *,
    users: Sequence[str] = (),
    since: float | None = None,
    until: float | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> Page[Entry]:
    """Read a page, newest first: of these users, from `since` on, before `until`.

    Raises BadQuery.
    """
    query = select(Audit).order_by(Audit.key.desc()).limit(limit + 1)
    if users:
        query = query.where(Audit.owner.in_(users))
    if since is not None:
        query = query.where(Audit.at >= since)
    if until is not None:
        query = query.where(Audit.at < until)
    if cursor is not None:
        query = query.where(Audit.key < decode_key(cursor))
    rows = session.scalars(query).all()
    entries = tuple(
        Entry(
            at=row.at,
            user=row.owner,
            token_id=row.token_id,
            address=row.address,
            method=row.method,
            path=row.path,
            status=row.status,
            detail=row.detail,
        )
        for row in rows[:limit]
    )
    return Page(entries, encode_cursor([rows[limit - 1].key]) if len(rows) > limit else None)


def trim(session: Session, *, kept_s: float, kept_rows: int) -> None:
    """Remove what is older than `kept_s`, and the oldest beyond `kept_rows`."""
    session.execute(delete(Audit).where(Audit.at < clock.now() - kept_s))
    newest = session.execute(select(func.max(Audit.key))).scalar_one()
    if newest is not None:
        session.execute(delete(Audit).where(Audit.key <= newest - kept_rows))
