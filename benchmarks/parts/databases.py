"""A database of a benchmark's own, migrated and removed at the end."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import make_url, text

import migrations
from store.session import Database

POSTGRESQL = os.environ.get(
    "COLROW_TEST_POSTGRES", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
)
KINDS = ("sqlite", "postgresql")
TITLES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


@contextmanager
def database(kind: str, server: str = POSTGRESQL) -> Iterator[str]:
    """Give the address of a migrated, empty database; `server` is that of PostgreSQL."""
    if kind == "sqlite":
        with tempfile.TemporaryDirectory(prefix="colrow-bench-") as folder:
            url = f"sqlite:///{folder}/colrow.db"
            migrations.upgrade(url)
            yield url
        return
    name = sql.Identifier(f"colrow_bench_{os.getpid()}")
    plain = make_url(server).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
    try:
        url = (
            make_url(server)
            .set(database=f"colrow_bench_{os.getpid()}")
            .render_as_string(hide_password=False)
        )
        migrations.upgrade(url)
        yield url
    finally:
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} (FORCE)").format(name))


def settle(opened: Database) -> None:
    """Do what a database does by itself within minutes: write the log back, count the rows."""
    with opened.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if opened.dialect == "sqlite":
            connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
        else:
            connection.execute(text("VACUUM ANALYZE"))
            connection.execute(text("CHECKPOINT"))


def size_bytes(opened: Database) -> int:
    """Measure the whole database: every table with its indexes."""
    settle(opened)
    if opened.dialect == "sqlite":
        return Path(str(make_url(opened.url).database)).stat().st_size
    with opened.engine.connect() as connection:
        return int(
            connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one()
        )


def backends(opened: Database) -> list[int]:
    """Name the processes of PostgreSQL that serve this database on this machine."""
    if opened.dialect == "sqlite":
        return []
    query = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
    with opened.engine.connect() as connection:
        return list(connection.execute(text(query)).scalars())
