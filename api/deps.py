"""What routes are given: the service, that is the database, the bell and the hub of live events."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from fastapi import Depends, Request
from kombu.connection import Connection
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError
from sqlalchemy.orm import Session

from api.live import Hub
from api.login import reason_for_login
from api.metrics import Meter
from api.rates import Buckets, Guesses
from api.settings import Settings
from store import queue, removal, shares
from store.session import Database, check_schema
from store.shares import Rules

BROKER_S = 1.0


class Service:
    """What one process of the api holds for as long as it lives."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.database = Database(settings.database_url, pool_size=settings.threads)
        self.hub = Hub(self.database, poll_s=settings.events_poll_s, queue=settings.events_queue)
        self.meter = Meter()
        self.login = reason_for_login(settings)
        """Why whoever comes must log in; None: nobody has to."""
        self.rates = Buckets(settings.rate_per_s, settings.rate_burst)
        self.guesses = Guesses()
        self._schema_fits = False

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a transaction that only reads. Raises SchemaError."""
        self._check_once()
        with self.database.read() as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open a transaction that commits at the end of the block. Raises SchemaError."""
        self._check_once()
        with self.database.write() as session:
            yield session

    def _check_once(self) -> None:
        if not self._schema_fits:
            check_schema(self.database)
            self._set_rules()
            self._schema_fits = True

    def _set_rules(self) -> None:
        """Write the rules of sharing where workers, who order the queue too, find them."""
        has = self.settings
        wanted = Rules(has.half_life_s, has.max_running, has.preempt_after_s)
        with self.database.read() as session:
            is_so = shares.rules(session) == wanted
        if not is_so:
            with self.database.write() as session:
                shares.set_rules(session, wanted)

    def ring(self, times: int = 1) -> None:
        """Wake workers. The broker may be down: the sweeper rings again later."""
        broker = self.settings.broker_url
        for _ in range(times if broker is not None else 0):
            if not queue.ring(broker):
                return

    def broker_answers(self) -> bool:
        """Ask the broker whether it lives; no longer than a second."""
        broker = self.settings.broker_url
        if broker is None:
            return False
        connect: Callable[..., Any] = Connection  # kombu has no types
        limits = {
            "socket_connect_timeout": BROKER_S,
            "socket_timeout": BROKER_S,
            "max_retries": 0,
            "interval_start": 0,
        }
        try:
            with connect(broker, transport_options=limits) as connection:
                connection.default_channel.client.ping()
        except (OSError, RedisError, OperationalError):
            return False
        return True

    def mark_for_removal(self, job_id: str) -> None:
        """Say that a job's folder is to go, before the commit that deletes the job."""
        if self.settings.home is not None:
            removal.mark(self.settings.home, job_id)

    def remove(self, job_id: str) -> None:
        """Remove the folder of a deleted job."""
        if self.settings.home is not None:
            removal.remove(self.settings.home, job_id)

    def close(self) -> None:
        """End the streams and the connections."""
        self.hub.join()
        self.database.close()


async def service(request: Request) -> Service:
    """Give the service of the application that the request came to."""
    found: Service = request.app.state.service
    return found


ServiceDep = Annotated[Service, Depends(service)]
