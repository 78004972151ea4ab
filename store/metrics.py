"""Numbers for the names of metrics, so that a point's row is narrow."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from store.dialects import insert_or_ignore
from store.tables import Metric


def numbers(session: Session) -> dict[str, int]:
    """Read the number of every metric that was ever recorded."""
    return dict(session.execute(select(Metric.name, Metric.id)).all())


def names(session: Session) -> dict[int, str]:
    """Read it the other way round."""
    return dict(session.execute(select(Metric.id, Metric.name)).all())


def numbers_for(session: Session, wanted: Iterable[str]) -> dict[str, int]:
    """Give the numbers of all names wanted; a new name gets one."""
    known = numbers(session)
    new = sorted(set(wanted) - known.keys())
    if new:
        insert_or_ignore(session, Metric, [{"name": name} for name in new])
        known = numbers(session)
    return known
