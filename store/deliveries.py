"""Deliveries: the messages to webhooks, on their way until they are received or given up.

Which are due stands in the database alone; a Celery message says no more than "look". A try is
claimed like a job is: it is `sending` until a time, after which (its process was killed) it is due
again. So a receiver may get a message twice, with the same id.

waiting -> sending -> delivered | waiting (tried again later, and later) | given_up
"""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

from celery import Celery
from sqlalchemy import ColumnElement, Select, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session

from store import clock, queue
from store.tables import Delivery, Webhook
from store.text import clean

DeliveryState = Literal["waiting", "sending", "delivered", "given_up"]
DELIVERY_STATES: tuple[DeliveryState, ...] = ("waiting", "sending", "delivered", "given_up")
TASK = "colrow.deliver"
QUEUE = "notifications"
"""Of its own in the broker, read by the notifier alone: a slot may be busy for days."""
SENDING_S = 60.0
"""A try that has not ended after so long is taken for lost."""
PER_RECEIVER = 2
"""Tries at one host and port at a time: one that hangs leaves the senders to others."""


@dataclass(frozen=True)
class Sending:
    """A delivery that is now the caller's to try."""

    key: int
    id: str
    tries: int
    """This one counted."""
    url: str
    secret: str
    body: dict[str, Any]
    at: float
    """Now, by the database's clock."""


def _due(*columns: Any) -> Select[Any]:
    busy = (
        select(Webhook.receiver)
        .join(Delivery, Delivery.webhook_key == Webhook.key)
        .where(Delivery.state == "sending", Delivery.next_at > clock.now())
        .group_by(Webhook.receiver)
        .having(func.count() >= PER_RECEIVER)
    )
    return (
        select(*columns)
        .join(Webhook, Webhook.key == Delivery.webhook_key)
        .where(
            # Spelled as two ranges of the index, for SQLite.
            or_(
                (Delivery.state == "waiting") & (Delivery.next_at <= clock.now()),
                (Delivery.state == "sending") & (Delivery.next_at <= clock.now()),
            ),
            Webhook.receiver.not_in(busy),
        )
        .order_by(Delivery.next_at, Delivery.key)
    )


def count_due(session: Session, *, most: int) -> int:
    """Count the deliveries that may be tried now, up to `most`."""
    few = _due(Delivery.key).limit(most).subquery()
    return session.execute(select(func.count()).select_from(few)).scalar_one()


def overdue(session: Session, *, after_s: float) -> int:
    """Count the deliveries that are due for so long: nobody sends."""
    return session.execute(
        select(func.count())
        .select_from(Delivery)
        .where(Delivery.state.in_(("waiting", "sending")), Delivery.next_at < clock.now() - after_s)
    ).scalar_one()


def given_up_since(session: Session, *, before_s: float) -> int:
    """Count the deliveries that were given up in the last so many seconds."""
    return session.execute(
        select(func.count())
        .select_from(Delivery)
        .where(Delivery.state == "given_up", Delivery.ended_at > clock.now() - before_s)
    ).scalar_one()


def claim(session: Session) -> Sending | None:
    """Take the delivery that is due for longest, to be tried once."""
    found = session.execute(
        _due(Delivery, Webhook.url, Webhook.secret)
        .limit(1)
        .with_for_update(of=Delivery, skip_locked=True)
    ).one_or_none()
    if found is None:
        return None
    row, url, secret = found
    now = clock.read(session)
    row.state, row.tries, row.next_at = "sending", row.tries + 1, now + SENDING_S
    return Sending(row.key, row.id, row.tries, url, secret, row.body, now)


def settle(
    session: Session,
    sending: Sending,
    state: DeliveryState,
    *,
    status: int | None = None,
    error: str | None = None,
    again_in_s: float = 0.0,
) -> bool:
    """Say what became of a try; False: another one has begun since, or the webhook is gone.

    The last delivery of a webhook whose job is deleted takes it along.
    """
    webhook = session.scalar(
        select(Webhook)
        .join(Delivery, Delivery.webhook_key == Webhook.key)
        .where(Delivery.key == sending.key)
        .with_for_update(of=Webhook)
    )
    now = clock.read(session)
    written = session.execute(
        update(Delivery)
        .where(
            Delivery.key == sending.key,
            Delivery.tries == sending.tries,
            Delivery.state == "sending",
        )
        .values(
            state=state,
            next_at=now + again_in_s,
            ended_at=now if state in ("delivered", "given_up") else None,
            last_status=status,
            last_error=None if error is None else clean(error),
        )
        .returning(Delivery.key)
        .execution_options(synchronize_session=False)
    )
    is_written = written.one_or_none() is not None
    if webhook is not None and webhook.job_key is None and webhook.sweep_key is None:
        session.execute(delete(Webhook).where(Webhook.key == webhook.key, ~_has_open()))
    return is_written


def outlive(session: Session, job_key: int) -> None:
    """Have what is still to be sent of a job be sent though the job is about to be deleted."""
    # Locked, as by `settle`: of a delivery that ends just now one of the two takes notice.
    hooks = session.scalars(
        select(Webhook.key).where(Webhook.job_key == job_key).with_for_update()
    ).all()
    session.execute(
        update(Webhook)
        .where(Webhook.key.in_(hooks), _has_open())
        .values(job_key=None)
        .execution_options(synchronize_session=False)
    )


def _has_open() -> ColumnElement[bool]:
    return exists().where(
        Delivery.webhook_key == Webhook.key, Delivery.state.in_(("waiting", "sending"))
    )


def ring(broker: Celery | str) -> bool:
    """Tell the notifier that deliveries may be due; whether the message was sent."""
    return queue.ring(broker, task=TASK, to=QUEUE)


class Bell:
    """Rings for whoever wrote deliveries, on a thread: a broker that is down takes a second."""

    def __init__(self, broker: str) -> None:
        self._broker = broker
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="bell")
        self._last: Future[bool] | None = None

    def __call__(self) -> None:
        """Ring soon; once, however often this is called until then."""
        if self._last is not None:
            self._last.cancel()  # if it has not begun
        self._last = self._thread.submit(ring, self._broker)
