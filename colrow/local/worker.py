"""`colrow worker`: become one worker, for a cluster where `colrow up` does not start it."""

import os
import sys
from typing import NoReturn

from colrow.errors import LocalError
from colrow.settings import Settings, inherited


def become(
    settings: Settings, *, database: str | None, broker: str | None, devices: str | None
) -> NoReturn:
    """Replace this process by the worker. Raises LocalError when an address is missing."""
    database, broker = database or settings.database_url, broker or settings.broker_url
    for value, option, variable in (
        (database, "--database", "COLROW_DATABASE_URL"),
        (broker, "--broker", "COLROW_BROKER_URL"),
    ):
        if not value:
            raise LocalError(
                f"a worker needs {option} (or {variable}): the same address as the api's; on one "
                "machine `colrow up` starts workers by itself"
            )
    environment = inherited() | {
        "COLROW_DATABASE_URL": str(database),
        "COLROW_BROKER_URL": str(broker),
        "COLROW_HOME": str(settings.home),
        "COLROW_DATA": str(settings.datasets()),
    }
    if devices:
        environment["COLROW_DEVICES"] = devices
    os.execve(sys.executable, [sys.executable, "-m", "worker"], environment)  # noqa: S606
