"""Webhooks: whom to tell when a job or a whole sweep has ended, and what became of that."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete as delete_rows
from sqlalchemy import select
from sqlalchemy.orm import Session

from store import clock, jobs, notices
from store.deliveries import DeliveryState
from store.errors import Conflict, NotFound
from store.ids import new_id
from store.tables import Delivery as DeliveryRow
from store.tables import Job, Sweep
from store.tables import Webhook as Row

MAX_WEBHOOKS = 10
"""Of one job or sweep."""


@dataclass(frozen=True)
class NewWebhook:
    """Where to send, of one job or one sweep. `secret` None: one is made."""

    url: str
    receiver: str
    secret: str | None = None
    job_id: str | None = None
    sweep_id: str | None = None


@dataclass(frozen=True)
class Delivery:
    """One message, and how far it came."""

    id: str
    event: str
    state: DeliveryState
    tries: int
    created_at: float
    next_at: float | None
    """When it is tried again; None once it has ended."""
    ended_at: float | None
    last_status: int | None
    last_error: str | None


@dataclass(frozen=True)
class Webhook:
    """A webhook without its secret."""

    id: str
    url: str
    created_at: float
    job_id: str | None
    sweep_id: str | None
    deliveries: tuple[Delivery, ...]


@dataclass(frozen=True)
class Added:
    """The webhook, its secret (told this once), and whether it is new."""

    webhook: Webhook
    secret: str
    created: bool


def add(session: Session, new: NewWebhook) -> Added:
    """Enter a webhook; at a URL that the job or sweep has already, replace its secret.

    What has ended is told at once. Raises NotFound, and Conflict past MAX_WEBHOOKS.
    """
    # Locked, so that no end of the job falls between this and what looks for its webhooks.
    job = jobs.lock(session, new.job_id) if new.job_id is not None else None
    sweep = notices.lock_sweep(session, _sweep_key(session, new.sweep_id)) if new.sweep_id else None
    assert (job is None) != (sweep is None), "a webhook is of one job or of one sweep"
    secret = new.secret or f"whsec_{secrets.token_urlsafe(32)}"
    there = session.scalars(
        select(Row)
        .where(
            Row.job_key == (job.key if job else None),
            Row.sweep_key == (sweep.key if sweep else None),
        )
        .with_for_update()
    ).all()
    same = next((row for row in there if row.url == new.url), None)
    if same is not None:
        same.secret = secret
        session.flush()
        return Added(_read(session, [same.key])[0], secret, created=False)
    if len(there) >= MAX_WEBHOOKS:
        raise Conflict(f"there are {MAX_WEBHOOKS} webhooks already; delete one of them first")
    row = Row(
        id=new_id(),
        job_key=job.key if job else None,
        sweep_key=sweep.key if sweep else None,
        url=new.url,
        receiver=new.receiver,
        secret=secret,
        created_at=clock.read(session),
    )
    session.add(row)
    session.flush()
    notices.tell_new(session, row.key, job=job, sweep=sweep)
    return Added(_read(session, [row.key])[0], secret, created=True)


def of_job(session: Session, job_id: str) -> tuple[Webhook, ...]:
    """Give a job's webhooks, oldest first. Raises NotFound."""
    key = session.scalars(select(Job.key).where(Job.id == job_id)).one_or_none()
    if key is None:
        raise NotFound(f"there is no job {job_id!r}")
    return _read(session, session.scalars(select(Row.key).where(Row.job_key == key)).all())


def of_sweep(session: Session, sweep_id: str) -> tuple[Webhook, ...]:
    """Give a sweep's webhooks, oldest first. Raises NotFound."""
    key = _sweep_key(session, sweep_id)
    return _read(session, session.scalars(select(Row.key).where(Row.sweep_key == key)).all())


def delete(session: Session, webhook_id: str) -> None:
    """Remove a webhook with its deliveries, sent or not. Raises NotFound."""
    gone = session.execute(delete_rows(Row).where(Row.id == webhook_id).returning(Row.key))
    if gone.one_or_none() is None:
        raise NotFound(f"there is no webhook {webhook_id!r}")


def get(session: Session, webhook_id: str) -> Webhook:
    """Give one webhook. Raises NotFound."""
    found = _read(session, session.scalars(select(Row.key).where(Row.id == webhook_id)).all())
    if not found:
        raise NotFound(f"there is no webhook {webhook_id!r}")
    return found[0]


def _sweep_key(session: Session, sweep_id: str) -> int:
    key = session.scalars(select(Sweep.key).where(Sweep.id == sweep_id)).one_or_none()
    if key is None:
        raise NotFound(f"there is no sweep {sweep_id!r}")
    return key


def _read(session: Session, keys: Sequence[int]) -> tuple[Webhook, ...]:
    rows = session.execute(
        select(Row, Job.id, Sweep.id)
        .outerjoin(Job, Job.key == Row.job_key)
        .outerjoin(Sweep, Sweep.key == Row.sweep_key)
        .where(Row.key.in_(keys))
        .order_by(Row.key)
    ).all()
    sent: dict[int, list[Delivery]] = {key: [] for key in keys}
    for row in session.scalars(
        select(DeliveryRow).where(DeliveryRow.webhook_key.in_(keys)).order_by(DeliveryRow.key)
    ):
        sent[row.webhook_key].append(_delivery(row))
    return tuple(
        Webhook(row.id, row.url, row.created_at, job_id, sweep_id, tuple(sent[row.key]))
        for row, job_id, sweep_id in rows
    )


def _delivery(row: DeliveryRow) -> Delivery:
    return Delivery(
        id=row.id,
        event=row.body["event"],
        state=row.state,  # type: ignore[arg-type]
        tries=row.tries,
        created_at=row.created_at,
        next_at=row.next_at if row.ended_at is None else None,
        ended_at=row.ended_at,
        last_status=row.last_status,
        last_error=row.last_error,
    )
