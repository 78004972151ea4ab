"""Numbers for monitoring that only grow: written with what they count, in the same transaction.

Counted from rows they would fall when somebody deletes jobs, and every point would have to be
looked at. A transaction keeps its counts to its end, so that two never wait for each other in a
circle and each holds the rows for the moment of its commit alone.
"""

from collections import Counter as Counts
from collections.abc import Mapping

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from store.tables import Counter

POINTS = "points"
"""Points written."""
ATTEMPTS = "attempts"
"""Attempts ended; the label is `state/reason`."""
WAITS = "waits"
"""First starts of jobs by the time they waited; the label is the bucket's upper bound."""
WAITED_S = "waited_s"
"""Seconds that those waited, together."""
WAIT_BOUNDS_S = (1, 5, 15, 60, 300, 900, 3600, 14_400, 86_400, float("inf"))
_COUNTED = "colrow.counters"
_ADD = text(
    "INSERT INTO counters (name, label, value) VALUES (:name, :label, :value) "
    "ON CONFLICT (name, label) DO UPDATE SET value = counters.value + excluded.value"
)


def add(session: Session, name: str, amount: float = 1, *, label: str = "") -> None:
    """Count, at the end of this transaction."""
    counted: Counts[tuple[str, str]] = session.info.setdefault(_COUNTED, Counts())
    counted[name, label] += amount  # type: ignore[assignment]  # a Counter adds floats as well


def add_wait(session: Session, waited_s: float) -> None:
    """Count a job that starts for the first time, after so long."""
    bound = next(bound for bound in WAIT_BOUNDS_S if waited_s <= bound)
    add(session, WAITS, label=str(bound))
    add(session, WAITED_S, max(0.0, waited_s))


def write(session: Session) -> None:
    """Write what was counted; `Database.write` calls it shortly before the commit."""
    counted: Mapping[tuple[str, str], float] = session.info.pop(_COUNTED, {})
    if counted:
        # In one order for all: each row stays locked until the commit.
        session.connection().execute(
            _ADD,
            [{"name": n, "label": label, "value": v} for (n, label), v in sorted(counted.items())],
        )


def read(session: Session) -> dict[tuple[str, str], float]:
    """Give every counter by (name, label)."""
    rows = session.execute(select(Counter.name, Counter.label, Counter.value))
    return {(row.name, row.label): row.value for row in rows}
