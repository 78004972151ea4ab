"""How many of what there are now, for monitoring. Nothing here looks at points."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from store.deliveries import DELIVERY_STATES
from store.tables import Delivery, Job
from store.views import STATES

KINDS = ("any", "cpu", "cuda")
"""Of a device that a job asks for."""


@dataclass(frozen=True)
class Waiting:
    """The queued jobs that ask for one kind of device."""

    kind: str
    count: int
    oldest_queued_at: float | None


def by_state(session: Session) -> dict[str, int]:
    """Count the jobs of every state."""
    found = session.execute(select(Job.state, func.count()).group_by(Job.state))
    return dict.fromkeys(STATES, 0) | {row[0]: row[1] for row in found}


def queued(session: Session) -> tuple[Waiting, ...]:
    """Count the queued jobs by kind of device, with the one that waits longest."""
    rows = session.execute(
        select(Job.kind, func.count(), func.min(Job.queued_at))
        .where(Job.state == "queued")
        .group_by(Job.kind)
    )
    found = {row[0]: Waiting(*row) for row in rows}
    return tuple(found.get(kind, Waiting(kind, 0, None)) for kind in sorted({*KINDS, *found}))


def deliveries_by_state(session: Session) -> dict[str, int]:
    """Count the messages to webhooks of every state."""
    found = session.execute(select(Delivery.state, func.count()).group_by(Delivery.state))
    return dict.fromkeys(DELIVERY_STATES, 0) | {row[0]: row[1] for row in found}
