"""The queue as people see it (its order is `store.order`), and the bell that wakes workers."""

import logging
from dataclasses import dataclass
from functools import lru_cache

from celery import Celery
from kombu.exceptions import OperationalError
from sqlalchemy import select
from sqlalchemy.orm import Session

from store import estimates, order, slots
from store.shares import Share
from store.slots import NEEDS, need_of
from store.tables import Job, Owner, Sweep

TASK = "colrow.wake"
RING_TIMEOUT_S = 1.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Queued:
    """A place in the queue, from 1."""

    position: int
    job_id: str
    name: str
    owner: str
    priority: int
    queued_at: float
    sweep_id: str | None
    waits_for: str | None
    """What has to come about first: a worker that it fits, or the end of a job of its owner."""
    starts_at: float | None
    """As measured speeds make expect; None: nothing that was measured says."""


def read(session: Session, *, limit: int = 100, offset: int = 0) -> tuple[Queued, ...]:
    """Read the queue from its front."""
    seen = order.view(session)
    ahead = session.execute(order.whole(seen).limit(offset + limit)).all()
    page = ahead[offset:]
    if not page:
        return ()
    starts = estimates.starts(session, seen, ahead)
    columns = (Job.key, Job.id, Job.name, Owner.name.label("owner"), Job.priority, Job.queued_at)
    query = (
        select(*columns, Sweep.id.label("sweep_id"), *NEEDS)
        .join(Owner, Owner.key == Job.owner_key)
        .outerjoin(Sweep, Sweep.key == Job.sweep_key)
        .where(Job.key.in_([row.key for row in page]))
    )
    rows = {row.key: row for row in session.execute(query)}
    found = []
    for position, place in enumerate(page, start=offset + 1):
        row = rows[place.key]
        waits_for = slots.lack(seen.slots, need_of(row))
        if waits_for is None and place.is_beyond:
            waits_for = _cap(seen.shares[place.owner_key], row.owner)
        found.append(
            Queued(
                position,
                row.id,
                row.name,
                row.owner,
                row.priority,
                row.queued_at,
                row.sweep_id,
                waits_for,
                starts[position - 1],
            )
        )
    return tuple(found)


def _cap(share: Share, owner: str) -> str:
    return (
        f"the end of a job of {owner}: {share.running} run, and at most {share.max_running} may at "
        "a time"
    )


def position(session: Session, job_key: int) -> int | None:
    """Give a job's place, 1 for the next to start; None when it is not queued."""
    return session.execute(order.place(order.view(session), job_key)).scalar_one_or_none()


def ring(broker: Celery | str, *, task: str = TASK, to: str | None = None) -> bool:
    """Tell a worker that work may be waiting; `broker` is a Celery app or a broker's URL.

    By another `task`, on the queue `to`, others are told to look.

    Give whether the message was sent. A failure is logged and no more: the sweeper rings again.
    """
    app = _app(broker) if isinstance(broker, str) else broker
    try:
        app.send_task(task, queue=to, ignore_result=True, retry=False)
    except (OperationalError, OSError) as error:
        _log.warning("the broker cannot be reached, a sweep will ring later: %s", error)
        return False
    return True


@lru_cache
def _app(url: str) -> Celery:
    app = Celery("colrow", broker=url, set_as_current=False)
    app.conf.update(PUBLISHING)
    return app


PUBLISHING = {
    "task_ignore_result": True,
    "broker_connection_timeout": RING_TIMEOUT_S / 2,
    "broker_transport_options": {
        "socket_connect_timeout": RING_TIMEOUT_S / 2,
        "socket_timeout": RING_TIMEOUT_S / 2,
        "max_retries": 0,
        "retry_policy": {"timeout": RING_TIMEOUT_S},
    },
}
"""Settings of a Celery app under which a broker that is down costs a second at the most."""
