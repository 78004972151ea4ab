"""Start the notifier: `python -m worker.notifier`. What it needs is in the environment."""

import logging
import os
import socket
import sys

from pydantic import ValidationError
from sqlalchemy.exc import ArgumentError

from store.errors import StoreError
from worker.notifier.app import make_app
from worker.notifier.postman import Postman
from worker.settings import NotifierSettings
from worker.starting import explain, open_database, set_up_logging

log = logging.getLogger("worker.notifier")


def main() -> int:
    """Run until told to stop. 2: it cannot be started as it was asked to."""
    try:
        set_up_logging("notifier")
        settings = NotifierSettings()
        database = open_database(settings.database_url, pool_size=settings.webhook_senders + 1)
    except ValidationError as error:
        return _refuse(explain(error))
    except (ArgumentError, ModuleNotFoundError, StoreError) as error:
        return _refuse(str(error))
    app = make_app(settings, Postman(settings, database))
    worker = app.Worker(
        hostname=f"colrow-notifier@{socket.gethostname()}/{os.getpid()}",
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    log.info("the notifier waits for deliveries")
    worker.start()
    database.close()
    return int(worker.exitcode or 0)


def _refuse(why: str) -> int:
    log.error("the notifier cannot start: %s", why)
    return 2


if __name__ == "__main__":
    sys.exit(main())
