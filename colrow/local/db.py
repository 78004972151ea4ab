"""`colrow db`: bring the tables to this program's schema, and give checkpoints up for lost."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

import migrations
from colrow.errors import LocalError
from store import place, slots
from store.errors import StoreError
from store.session import Database, check_schema


def upgrade(url: str) -> str:
    """Upgrade, under a lock, and give the schema there is then. Raises LocalError."""
    with telling(url):
        migrations.upgrade(url)
        database = Database(url)
        try:
            check_schema(database)
        finally:
            database.close()
        return migrations.head()


def abandon_checkpoints(url: str) -> int:
    """Forget every checkpoint, and where they were; give how many. Raises LocalError."""
    with telling(url):
        database = Database(url)
        try:
            check_schema(database)
            with database.write() as session:
                there = slots.living(session)
                if there:
                    raise LocalError(
                        f"worker {there[0].name} runs, and needs the checkpoints; stop it first"
                    )
                return place.abandon(session)
        finally:
            database.close()


def address_of(named: str) -> str:
    """Give the address of a database that is named by its address, or as an SQLite file."""
    if "://" in named or named.startswith("sqlite:"):
        return named
    path = Path(named).expanduser().absolute()
    return URL.create("sqlite", database=str(path)).render_as_string(hide_password=False)


def address_of_one_there(named: str) -> str:
    """Give the address of a database; where it is named as a file, of one that is there.

    Raises LocalError: a name that was mistyped would become a new, empty database.
    """
    address = address_of(named)
    if address != named and not Path(named).expanduser().exists():
        raise LocalError(
            f"the database {named!r} cannot be used: there is no such file, and it is no address; "
            "write it as sqlite:////folder/colrow.db or postgresql+psycopg://user@host/name"
        )
    return address


@contextmanager
def telling(url: str) -> Iterator[None]:
    """Tell what cannot be done with a database in one sentence, as LocalError."""
    try:
        yield
    except StoreError as error:
        raise LocalError(str(error)) from None
    except (SQLAlchemyError, ModuleNotFoundError) as error:
        raise LocalError(explained(url, error)) from None


def explained(url: str, error: SQLAlchemyError | ModuleNotFoundError) -> str:
    """Say why a database cannot be used, and what to do."""
    if isinstance(error, ArgumentError | ModuleNotFoundError):
        return (
            f"the database address cannot be used ({_first_line(error)}); write it as "
            "sqlite:////folder/colrow.db or postgresql+psycopg://user@host/name"
        )
    reason = _first_line(error.orig if isinstance(error, DBAPIError) else error)
    return (
        f"the database {shown(url)} cannot be used: {reason}; mend that, or name another "
        "with COLROW_DATABASE_URL"
    )


def shown(url: str) -> str:
    """Give the address without its password."""
    return make_url(url).render_as_string(hide_password=True)


def _first_line(error: BaseException | None) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
