"""`colrow db upgrade`: bring the tables to this program's schema."""

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

import migrations
from colrow.errors import LocalError
from store.errors import StoreError
from store.session import Database, check_schema


def upgrade(url: str) -> str:
    """Upgrade, under a lock, and give the schema there is then. Raises LocalError."""
    try:
        migrations.upgrade(url)
        database = Database(url)
        try:
            check_schema(database)
        finally:
            database.close()
        return migrations.head()
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
