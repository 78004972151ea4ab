"""The feed that `/events` is made of: rows in the order in which they became visible.

A sequence numbers rows when they are written, not when they are committed, so a reader could see 8
before 7 and step over 7 for good. Here the number is taken under a lock just before the commit: who
has seen n has seen everything up to n.
"""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy.orm import Session

Kind = Literal["job", "points", "truncate", "sweep", "worker"]
KEEP = 100_000
READ_LIMIT = 1000


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
    reset: bool


def note(session: Session, change: Change) -> None:
    """Keep a change for the end of this transaction."""


def number(session: Session) -> None:
    """Write the changes noted in this transaction; `Database.write` calls it just before the commit."""


def head(session: Session) -> int:
    """Give the number of the last change."""
    ...


def since(session: Session, seq: int, *, limit: int = READ_LIMIT) -> Feed:
    """Read what came after `seq`, oldest first."""
    ...


def trim(session: Session, *, keep: int = KEEP) -> int:
    """Delete all but the last `keep` changes; give how many went."""
    ...
