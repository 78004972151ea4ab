"""The feed that `/events` is made of: rows in the order in which they became visible.

A sequence numbers rows when they are written, not when they are committed, so a reader could see 8
before 7 and step over 7 for good. Here the number is taken under a lock just before the commit: who
has seen n has seen everything up to n.
"""

from dataclasses import asdict, dataclass, replace
from typing import Literal

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from store import clock
from store.tables import Change as Row
from store.tables import ChangeHead

Kind = Literal["job", "points", "truncate", "sweep", "worker"]
KEEP = 100_000
READ_LIMIT = 1000
_NOTED = "colrow.changes"


@dataclass(frozen=True)
class Change:
    """One line of the feed. `seq` is 0 until the transaction commits."""

    kind: Kind
    job_id: str | None = None
    sweep_id: str | None = None
    worker: str | None = None
    attempt: int | None = None
    state: str | None = None
    """Of a job: its state, or `deleted`."""
    from_step: int | None = None
    to_step: int | None = None
    seq: int = 0
    at: float = 0.0


@dataclass(frozen=True)
class Feed:
    """What came after a cursor. `reset`: the cursor is not known any more, read everything anew."""

    items: tuple[Change, ...]
    head: int
    """The number up to which `items` tells everything: the cursor to go on from."""
    reset: bool


def note(session: Session, change: Change) -> None:
    """Keep a change for the end of this transaction. Equal ones are kept once."""
    session.info.setdefault(_NOTED, {})[change] = None


def number(session: Session) -> None:
    """Write the changes noted in this transaction; `Database.write` calls it before the commit.

    The update locks the one row of `change_head` until the commit, so numbers become visible in
    order. It is the last lock that a transaction takes, so it can be in no circle of waiting.
    """
    noted: dict[Change, None] = session.info.pop(_NOTED, {})
    if not noted:
        return
    connection = session.connection()
    last, at = connection.execute(
        update(ChangeHead)
        .where(ChangeHead.id == 1)
        .values(seq=ChangeHead.seq + len(noted))
        .returning(ChangeHead.seq, clock.now())
    ).one()
    first = last - len(noted) + 1
    connection.execute(
        insert(Row), [asdict(replace(c, seq=first + i, at=at)) for i, c in enumerate(noted)]
    )


def head(session: Session) -> int:
    """Give the number of the last change."""
    return session.execute(select(ChangeHead.seq).where(ChangeHead.id == 1)).scalar_one()


def since(session: Session, seq: int, *, limit: int = READ_LIMIT) -> Feed:
    """Read what came after `seq`, oldest first.

    A cursor older than what was trimmed, or ahead of the head (another database's), gets `reset`.
    """
    last, trimmed = session.execute(
        select(ChangeHead.seq, ChangeHead.trimmed).where(ChangeHead.id == 1)
    ).one()
    if seq < trimmed or seq > last:
        return Feed((), last, reset=True)
    if seq == last:
        return Feed((), last, reset=False)
    table = Row.__table__.c
    rows = session.execute(
        # Up to `last` only: without a snapshot more may have come since it was read.
        select(*table).where(table.seq > seq, table.seq <= last).order_by(table.seq).limit(limit)
    ).mappings()
    items = tuple(Change(**row) for row in rows)
    return Feed(items, items[-1].seq if items else last, reset=False)


def trim(session: Session, *, keep: int = KEEP) -> int:
    """Delete all but the last `keep` changes; give how many went.

    In a transaction of its own: `number` says why.
    """
    floor = head(session) - keep
    if floor <= 0:
        return 0
    gone = session.execute(
        select(ChangeHead.trimmed).where(ChangeHead.id == 1).with_for_update()
    ).scalar_one()
    if floor <= gone:
        return 0
    session.execute(delete(Row).where(Row.seq <= floor))
    session.execute(update(ChangeHead).where(ChangeHead.id == 1).values(trimmed=floor))
    return floor - gone
