"""The database's clock: the one by which leases are measured.

Workers on several hosts disagree about the time; the database they share does not.
Times are seconds since 1970 (UTC), as floats, on both databases.
"""

from typing import Any

from sqlalchemy import Float, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.functions import FunctionElement


class now(FunctionElement[float]):  # noqa: N801 - reads as the SQL function that it is
    """Give the present moment by the database's clock, as an SQL expression."""

    type = Float()
    inherit_cache = True


@compiles(now, "sqlite")
def _sqlite(_element: now, _compiler: Any, **_: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(now, "postgresql")
def _postgresql(_element: now, _compiler: Any, **_: Any) -> str:
    # Not now(): that one stands still for the length of a transaction.
    return "CAST(extract(epoch FROM clock_timestamp()) AS double precision)"


def read(session: Session) -> float:
    """Ask the database what time it is."""
    return float(session.execute(select(now())).scalar_one())
