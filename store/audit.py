"""The audit log: every changing call, who made it and what became of it.

Refusals must not push changes out of it: those of one user that are alike share an entry for a
minute, and the log is trimmed of them apart from the changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from store import clock
from store.cursors import decode_key, encode_cursor
from store.tables import Audit
from store.text import clean
from store.views import Page

REFUSED = 400
"""From this status on a call changed nothing."""
SHARED_S = 60.0
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
    times: int = 1
    """How often it was refused within a minute; path, address and detail are the first one's."""


def note(session: Session, call: Call) -> None:
    """Enter a call, or count a refusal in with one that is alike; texts are cut to what is kept."""
    if call.status >= REFUSED and _counted(session, call):
        return
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
            times=1,
        )
    )


def _counted(session: Session, call: Call) -> bool:
    """Count a refusal in with one of the same user, token, method and status; whether there is."""
    alike = select(func.max(Audit.key)).where(
        Audit.at > clock.now() - SHARED_S,
        Audit.owner.is_not_distinct_from(_cut("owner", call.user)),
        Audit.token_id.is_not_distinct_from(call.token_id),
        Audit.method == _cut("method", call.method),
        Audit.status == call.status,
    )
    counted = session.execute(
        update(Audit)
        .where(Audit.key == alike.scalar_subquery())
        .values(times=Audit.times + 1)
        .returning(Audit.key)
        .execution_options(synchronize_session=False)
    )
    return counted.one_or_none() is not None


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
            times=row.times,
        )
        for row in rows[:limit]
    )
    return Page(entries, encode_cursor([rows[limit - 1].key]) if len(rows) > limit else None)


def trim(session: Session, *, kept_s: float, kept_rows: int) -> None:
    """Remove what is older than `kept_s`, and the oldest changes and refusals beyond `kept_rows`.

    Each of the two has so many entries of its own.
    """
    session.execute(delete(Audit).where(Audit.at < clock.now() - kept_s))
    for one_kind in (Audit.status < REFUSED, Audit.status >= REFUSED):
        newest = select(Audit.key).where(one_kind).order_by(Audit.key.desc())
        first_gone = session.scalar(newest.offset(kept_rows).limit(1))
        if first_gone is not None:
            session.execute(delete(Audit).where(one_kind, Audit.key <= first_gone))
