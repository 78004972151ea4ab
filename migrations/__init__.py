"""Change a database's tables from one schema to the next (Alembic). The URL comes from the caller.

There is no alembic.ini: the configuration is made here, so that an installed package can upgrade.
To write a new migration, add `versions/<next number>_<what>.py` by hand, raise
`store.tables.SCHEMA_VERSION`, and let the test that compares tables and migrations say what is
missing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool, create_engine, event, inspect, text

_LOCK = 0x636F6C726F77  # "colrow" as a number: the key of PostgreSQL's advisory lock


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database to the newest schema; safe when several processes try at once.

    All or nothing: both databases roll back changes of tables. A database that is newer than this
    program is left as it is; `store.session.check_schema` is what refuses it.
    """
    with _connection(url) as connection:
        found = MigrationContext.configure(connection).get_current_revision()
        if found is not None and found > head():
            return
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def head() -> str:
    """Give the newest schema there is, as `0001`."""
    newest = ScriptDirectory.from_config(_config()).get_current_head()
    assert newest is not None
    return newest


def current(url: str) -> str | None:
    """Give the database's schema; None when it has no tables yet."""
    with _connection(url) as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return MigrationContext.configure(connection).get_current_revision()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config


@contextmanager
def _connection(url: str) -> Iterator[Connection]:
    """Open one transaction that keeps every other upgrade waiting until it ends."""
    engine = create_engine(url, poolclass=NullPool)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", lambda c: c.exec_driver_sql("BEGIN IMMEDIATE"))
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        yield connection


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # pysqlite would commit before each change of a table
    connection.execute("PRAGMA busy_timeout = 60000")
    connection.execute("PRAGMA journal_mode = WAL")
