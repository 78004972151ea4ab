"""`colrow notifier`: become the process that sends to webhooks, as `colrow up` starts one."""

import os
import sys
from typing import NoReturn

from colrow.local.worker import Wanted, check_broker, check_database, environment_of
from colrow.settings import Settings


def become(settings: Settings, *, database: str | None, broker: str | None) -> NoReturn:
    """Replace this process by the notifier. Raises LocalError when it could not work."""
    environment = environment_of(settings, Wanted(database, broker), of="notifier")
    check_database(environment["COLROW_DATABASE_URL"])
    check_broker(environment["COLROW_BROKER_URL"])
    os.execve(sys.executable, [sys.executable, "-m", "worker.notifier"], environment)  # noqa: S606
