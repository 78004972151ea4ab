"""`colrow worker`: become one worker, for a cluster where `colrow up` does not start it.

Whoever calls it by hand wants to know at once what is wrong with an address; a worker that has
started waits for a database or a broker that is away.
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from kombu.connection import Connection
from kombu.exceptions import KombuError
from redis.exceptions import RedisError
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from colrow.errors import LocalError
from colrow.local import db
from colrow.settings import Settings, inherited
from store.errors import StoreError
from store.session import Database, check_schema

BROKER_S = 5.0


@dataclass(frozen=True)
class Wanted:
    """What the command line said; None: as the environment has it."""

    database: str | None = None
    broker: str | None = None
    devices: str | None = None
    name: str | None = None
    until_idle_s: float | None = None


def become(settings: Settings, wanted: Wanted) -> NoReturn:
    """Replace this process by the worker. Raises LocalError when it could not work."""
    environment = environment_of(settings, wanted)
    check_database(environment["COLROW_DATABASE_URL"])
    check_broker(environment["COLROW_BROKER_URL"])
    os.execve(sys.executable, [sys.executable, "-m", "worker"], environment)  # noqa: S606


def environment_of(settings: Settings, wanted: Wanted, *, of: str = "worker") -> dict[str, str]:
    """Give the environment of a process. Raises LocalError when an address is missing."""
    database = wanted.database or settings.database_url
    broker = wanted.broker or settings.broker_url
    for value, option, variable in (
        (database, "--database", "COLROW_DATABASE_URL"),
        (broker, "--broker", "COLROW_BROKER_URL"),
    ):
        if not value:
            raise LocalError(
                f"a {of} needs {option} (or {variable}): the same address as the api's; on one "
                "machine `colrow up` starts all of them by itself"
            )
    said = {
        "COLROW_DATABASE_URL": database,
        "COLROW_BROKER_URL": broker,
        "COLROW_HOME": str(settings.home),
        "COLROW_DATA": str(settings.datasets()),
        "COLROW_DEVICES": wanted.devices,
        "COLROW_NAME": wanted.name,
        "COLROW_UNTIL_IDLE_S": wanted.until_idle_s,
    }
    return inherited() | {name: str(value) for name, value in said.items() if value}


def check_database(url: str) -> None:
    """Raise LocalError unless the database answers and has the tables of this program."""
    try:
        address = make_url(url)
        path = address.database
        if address.get_backend_name() == "sqlite" and path and not Path(path).exists():
            raise LocalError(
                f"there is no database {path} on this machine; give the address of the api's "
                "database with --database (over a network that is PostgreSQL)"
            )
        database = Database(url, pool_size=1)
        try:
            check_schema(database)
        finally:
            database.close()
    except StoreError as error:
        raise LocalError(f"{db.shown(url)}: {error}") from None
    except (SQLAlchemyError, ModuleNotFoundError) as error:
        raise LocalError(db.explained(url, error)) from None


def check_broker(url: str) -> None:
    """Raise LocalError unless the broker answers."""
    limits = {
        "socket_connect_timeout": BROKER_S,
        "socket_timeout": BROKER_S,
        "max_retries": 0,
        "interval_start": 0,
    }
    connect: Any = Connection  # kombu has no types
    try:
        with connect(url, transport_options=limits) as connection:
            connection.default_channel.client.ping()
    except (OSError, RedisError, KombuError) as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise LocalError(
            f"the broker {_shown(url)} does not answer: {reason[0]}; give the api's with --broker, "
            "and see that this machine may reach it"
        ) from None
    except (AttributeError, KeyError, ValueError, ImportError):
        raise LocalError(
            f"{_shown(url)!r} is no address of a broker; write it as redis://:password@host:6379/0"
        ) from None


def _shown(url: str) -> str:
    """Give the address without its password."""
    head, at, tail = url.rpartition("@")
    return f"{head.split('://')[0]}://…@{tail}" if at else tail
