"""What routes are given: the service, that is the database, the bell and the hub of live events."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TypeGuard

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
from store import loglines, place, queue, removal, shares
from store.deliveries import Bell
from store.errors import StorageError
from store.files import Storage
from store.objects import open_storage
from store.session import Database, check_schema
from store.shares import Rules

BROKER_S = 1.0
log = logging.getLogger("colrow.api")


class Service:
    """What one process of the api holds for as long as it lives."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.database = Database(settings.database_url, pool_size=settings.threads)
        if settings.broker_url is not None:
            self.database.on_deliveries = Bell(settings.broker_url)
        self.hub = Hub(self.database, poll_s=settings.events_poll_s, queue=settings.events_queue)
        self.meter = Meter()
        self.login = reason_for_login(settings)
        """Why whoever comes must log in; None: nobody has to."""
        self.rates = Buckets(settings.rate_per_s, settings.rate_burst)
        self.guesses = Guesses()
        self._schema_fits = False
        self.storage = _storage(settings)
        """Where the files of jobs lie; None: this process was not told."""

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

    def remove_deleted(self) -> None:
        """Remove the files of deleted jobs; where they are out of reach a worker does."""
        try:
            if self._has_place(self.storage):
                removal.remove(self.database, self.storage)
        except StorageError as error:
            log.warning("the files of deleted jobs are left to the workers: %s", error)

    def files(self) -> Storage:
        """Give where the files of jobs lie. Raises StorageError where this process has not that."""
        if not self._has_place(self.storage):
            raise StorageError(
                "this api does not reach the files of jobs; start it with the COLROW_HOME (or the "
                "COLROW_STORAGE) of the workers"
            )
        return self.storage

    def _has_place(self, storage: Storage | None) -> TypeGuard[Storage]:
        """Whether this process reaches the files of the jobs. Raises StorageError.

        Asked each time: in a folder that is not mounted any more every file seems to be gone.
        """
        return storage is not None and place.is_there(self.database, storage)

    def close(self) -> None:
        """End the streams and the connections."""
        self.hub.join()
        self.database.close()


def _storage(settings: Settings) -> Storage | None:
    if settings.home is None and settings.storage is None:
        return None
    return open_storage(settings.storage, settings.home or Path())


async def tell_subject(request: Request) -> None:
    """Have what is logged for this request tell which job or sweep it is about."""
    template, asked = request.scope["route"].path, request.path_params.get("id", "")
    for word in ("job", "sweep"):
        if f"/{word}s/{{id}}" in template:
            loglines.note(**{word: asked[:40]})


async def service(request: Request) -> Service:
    """Give the service of the application that the request came to."""
    found: Service = request.app.state.service
    return found


ServiceDep = Annotated[Service, Depends(service)]
