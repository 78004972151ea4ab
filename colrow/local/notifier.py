"""`colrow notifier`: become the process that sends to webhooks, as `colrow up` starts one."""

import os
import sys
from typing import NoReturn

from colrow.local.worker import environment_of
from colrow.settings import Settings


def become(settings: Settings, *, database: str | None, broker: str | None) -> NoReturn:
    """Replace this process by the notifier. Raises LocalError when an address is missing."""
    environment = environment_of(settings, "notifier", database=database, broker=broker)
    os.execve(sys.executable, [sys.executable, "-m", "worker.notifier"], environment)  # noqa: S606
