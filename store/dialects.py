"""The few statements that SQLite and PostgreSQL spell differently."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Subquery, any_, bindparam, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import QueryableAttribute, Session

from store.tables import Base


def is_sqlite(session: Session) -> bool:
    """Whether the session talks to SQLite."""
    return session.get_bind().dialect.name == "sqlite"


def among(
    session: Session, column: ColumnElement[Any] | QueryableAttribute[Any], values: Iterable[Any]
) -> ColumnElement[bool]:
    """Say that a column has one of these values, texts or integers, however many they are.

    `column.in_(values)` has a parameter for each, of which SQLite takes 32,766 and PostgreSQL
    65,535; here they are one.
    """
    listed = list(values)
    if is_sqlite(session):
        members = func.json_each(json.dumps(listed)).table_valued("value")
        return column.in_(select(members.c.value))
    return column == any_(bindparam(None, listed, postgresql.ARRAY(column.type)))


def table_of(session: Session, **columns: Sequence[int]) -> Subquery:
    """Make a table of columns of whole numbers that goes along in a parameter or two.

    `VALUES` would do, but be compiled anew for every number of rows.
    """
    if is_sqlite(session):
        rows = json.dumps(list(zip(*columns.values(), strict=True)))
        row = func.json_each(rows).table_valued("value").c.value
        taken = (func.json_extract(row, f"$[{i}]").label(name) for i, name in enumerate(columns))
        return select(*taken).subquery()
    arrays = (bindparam(None, list(c), postgresql.ARRAY(BigInteger)) for c in columns.values())
    table = func.unnest(*arrays).table_valued(*columns).render_derived()
    return select(*table.c).subquery()


def _insert(session: Session, table: type[Base]) -> Any:
    return (sqlite.insert if is_sqlite(session) else postgresql.insert)(table.__table__)  # type: ignore[arg-type]


def insert_or_ignore(session: Session, table: type[Base], rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert a few rows, leave out those that break a unique constraint; give how many came in.

    On PostgreSQL this waits for a concurrent transaction that inserted the same and has not ended.
    """
    # Counted by what comes back: psycopg's count of rows is lost on the way.
    statement = _insert(session, table).values([dict(row) for row in rows]).on_conflict_do_nothing()
    made = session.connection().execute(statement.returning(*table.__table__.primary_key))
    return len(made.all())


def upsert(session: Session, table: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows; where the primary key is there already, replace the other columns named."""
    if not rows:
        return
    statement = _insert(session, table)
    keys = [column.name for column in table.__table__.primary_key]
    session.connection().execute(
        statement.on_conflict_do_update(
            index_elements=keys,
            set_={name: statement.excluded[name] for name in rows[0] if name not in keys},
        ),
        [dict(row) for row in rows],
    )


def add_up(session: Session, table: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows; where the primary key is there already, add the other columns to its own."""
    if not rows:
        return
    statement = _insert(session, table)
    keys = [column.name for column in table.__table__.primary_key]
    session.connection().execute(
        statement.on_conflict_do_update(
            index_elements=keys,
            set_={
                name: table.__table__.c[name] + statement.excluded[name]
                for name in rows[0]
                if name not in keys
            },
        ),
        [dict(row) for row in rows],
    )


_POINTS_SQLITE = "INSERT INTO points (job_key, metric_id, step, value) VALUES (?, ?, ?, ?)"
# One statement with three arrays: a list of a thousand rows would be a thousand statements.
_POINTS_POSTGRESQL = (
    "INSERT INTO points (job_key, metric_id, step, value) "
    "SELECT %s, * FROM unnest(%s::smallint[], %s::integer[], %s::double precision[])"
)
_REPLACING = " ON CONFLICT (job_key, metric_id, step) DO UPDATE SET value = excluded.value"
Points = Mapping[tuple[int, int], float | None]
"""Values by (metric, step)."""


def add_points(session: Session, job_key: int, points: Points) -> None:
    """Write points that are not there yet: on PostgreSQL in half the time of `replace_points`."""
    _write_points(session, job_key, points, "")


def replace_points(session: Session, job_key: int, points: Points) -> None:
    """Write points; one that is there already is replaced."""
    _write_points(session, job_key, points, _REPLACING)


def _write_points(session: Session, job_key: int, points: Points, on_conflict: str) -> None:
    rows = sorted(points.items())  # by the key: so they come to lie beside each other
    # Past SQLAlchemy, which takes twice as long over the parameters as SQLite over the rows.
    write = session.connection().exec_driver_sql
    if is_sqlite(session):
        parameters = [(job_key, metric, step, value) for (metric, step), value in rows]
        write(_POINTS_SQLITE + on_conflict, parameters)
    else:
        metrics = _array([metric for (metric, _), _ in rows])
        steps = _array([step for (_, step), _ in rows])
        values = _array([value for _, value in rows])
        write(_POINTS_POSTGRESQL + on_conflict, (job_key, metrics, steps, values))


def _array(numbers: list[Any]) -> str:
    """Write an array as PostgreSQL reads it; psycopg looks at every element twice for that."""
    return "{" + str(numbers)[1:-1].replace("None", "NULL") + "}"
