"""The order of the queue, one query for all who ask, and the bell that tells workers to look."""

import logging
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from celery import Celery
from kombu.exceptions import OperationalError
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from crs_core.spec import STUDIED
from store import clock
from store.tables import Job, Owner, Sweep, Worker

TASK = "colrow.wake"
RING_TIMEOUT_S = 1.0
ALIVE_S = 60.0
"""A worker not seen for so long counts as gone."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Slot:
    """What a worker offers. `datasets` None: it can fetch any."""

    kind: str
    devices: int
    datasets: frozenset[str] | None


@dataclass(frozen=True)
class Queued:
    """A place in the queue, from 1. `waits_for` says what no living worker has, if that is so."""

    position: int
    job_id: str
    name: str
    owner: str
    priority: int
    queued_at: float
    sweep_id: str | None
    waits_for: str | None


def ordered(*columns: Any) -> Select[Any]:
    """Select the queued jobs in the order in which they start: their keys, or the columns given."""
    return (
        select(*(columns or (Job.key,)))
        .where(Job.state == "queued")
        .order_by(Job.priority.desc(), Job.queued_at, Job.key)
    )


def fitting(query: Select[Any], slot: Slot) -> Select[Any]:
    """Keep the jobs that the slot can run; a study needs no data set."""
    query = query.where(Job.kind.in_(["any", slot.kind]), Job.devices <= slot.devices)
    if slot.datasets is None:
        return query
    return query.where(Job.dataset.in_(sorted(slot.datasets)) | Job.model.in_(STUDIED))


def slot_of(worker: Worker) -> Slot:
    """Give what a worker's row offers."""
    datasets = None if worker.datasets is None else frozenset(worker.datasets)
    return Slot(worker.kind, len(worker.devices), datasets)


def living(session: Session, *, alive_s: float = ALIVE_S) -> list[Worker]:
    """Read the workers that were seen lately and have not said goodbye."""
    seen = clock.read(session) - alive_s
    query = select(Worker).where(Worker.seen_at > seen, Worker.state != "stopped")
    return list(session.scalars(query))


def read(session: Session, *, limit: int = 100, offset: int = 0) -> tuple[Queued, ...]:
    """Read the queue from its front."""
    columns = (Job.id, Job.name, Owner.name.label("owner"), Job.priority, Job.queued_at)
    needs = (Job.kind, Job.devices, Job.dataset, Job.model)
    query = (
        ordered(*columns, Sweep.id.label("sweep_id"), *needs)
        .join(Owner, Owner.key == Job.owner_key)
        .outerjoin(Sweep, Sweep.key == Job.sweep_key)
        .limit(limit)
        .offset(offset)
    )
    slots = {slot_of(worker) for worker in living(session)}
    return tuple(
        Queued(
            position=place,
            job_id=row.id,
            name=row.name,
            owner=row.owner,
            priority=row.priority,
            queued_at=row.queued_at,
            sweep_id=row.sweep_id,
            waits_for=_lack(slots, row.kind, row.devices, _needed_dataset(row.model, row.dataset)),
        )
        for place, row in enumerate(session.execute(query), start=offset + 1)
    )


def _needed_dataset(model: str, dataset: str) -> str | None:
    return None if model in STUDIED else dataset


def _lack(slots: set[Slot], kind: str, devices: int, dataset: str | None) -> str | None:
    """Say what no slot has, in the order in which a person would look for it."""
    if not slots:
        return "a worker: none is running"
    slots = {s for s in slots if kind in ("any", s.kind)}
    if not slots:
        return f"a worker with a device of kind {kind}"
    slots = {s for s in slots if s.devices >= devices}
    if not slots:
        return f"a worker that owns {devices} devices"
    if dataset is not None and not any(s.datasets is None or dataset in s.datasets for s in slots):
        return f"a worker that has the data set {dataset}"
    return None


def position(session: Session, job_key: int) -> int | None:
    """Give a job's place, 1 for the next to start; None when it is not queued."""
    places = ordered(
        Job.key,
        func.row_number()
        .over(order_by=(Job.priority.desc(), Job.queued_at, Job.key))
        .label("place"),
    ).subquery()
    return session.execute(
        select(places.c.place).where(places.c.key == job_key)
    ).scalar_one_or_none()


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
