"""What routes are given: the database, the bell, the hub of live events."""

from typing import Annotated

from fastapi import Depends, Request

from api.live import Hub
from api.settings import Settings
from store import queue
from store.session import Database, check_schema


class Service:
    """What one process of the api holds for as long as it lives."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.database = Database(settings.database_url, pool_size=settings.threads)
        self.hub = Hub(self.database, poll_s=settings.events_poll_s, queue=settings.events_queue)
        self.schema_fits = False

    def checked(self) -> Database:
        """Give the database, once it has been seen to have our schema. Raises SchemaError."""
        if not self.schema_fits:
            check_schema(self.database)
            self.schema_fits = True
        return self.database

    def ring(self) -> None:
        """Wake a worker. The broker may be down: the sweeper rings again."""
        if self.settings.broker_url is not None:
            queue.ring(self.settings.broker_url)


def service(request: Request) -> Service:
    """Give the service of the application that the request came to."""
    found: Service = request.app.state.service
    return found


def database(request: Request) -> Database:
    """Give the database."""
    return service(request).checked()


ServiceDep = Annotated[Service, Depends(service)]
DatabaseDep = Annotated[Database, Depends(database)]
