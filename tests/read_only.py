"""A PostgreSQL that takes no writes for a while, as one that is about to take another's place."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import LiteralString

import psycopg
from psycopg import sql
from sqlalchemy import make_url


@contextmanager
def read_only(url: str) -> Iterator[None]:
    """Cut every connection of the database, and let new ones only read until the block ends."""
    _set(url, "SET default_transaction_read_only = on")
    try:
        yield
    finally:
        _set(url, "RESET default_transaction_read_only")


def _set(url: str, change: LiteralString) -> None:
    address = make_url(url).set(drivername="postgresql")
    name = str(address.database)
    server = address.set(database="postgres").render_as_string(hide_password=False)
    alter = sql.SQL("ALTER DATABASE {} ").format(sql.Identifier(name))
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(alter + sql.SQL(change))
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )
