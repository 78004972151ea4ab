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
    environment = environment_of(settings, "worker", database=database, broker=broker)
    if devices:
        environment["COLROW_DEVICES"] = devices
    os.execve(sys.executable, [sys.executable, "-m", "worker"], environment)  # noqa: S606


def environment_of(
    settings: Settings, what: str, *, database: str | None, broker: str | None
) -> dict[str, str]:
    """Give the environment of a process of the cluster. Raises LocalError."""
    database, broker = database or settings.database_url, broker or settings.broker_url
    for value, option, variable in (
        (database, "--database", "COLROW_DATABASE_URL"),
        (broker, "--broker", "COLROW_BROKER_URL"),
    ):
        if not value:
            raise LocalError(
                f"a {what} needs {option} (or {variable}): the same address as the api's; on one "
                "machine `colrow up` starts all of them by itself"
            )
    return inherited() | {
        "COLROW_DATABASE_URL": str(database),
        "COLROW_BROKER_URL": str(broker),
        "COLROW_HOME": str(settings.home),
        "COLROW_DATA": str(settings.datasets()),
    }
