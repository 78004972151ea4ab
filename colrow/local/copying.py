"""`colrow db copy`: all rows of one database into another, empty one, SQLite or PostgreSQL.

The source is locked against writers for the while, and the target is filled in one transaction: it
is whole afterwards, or as empty as before. Keys are kept, and so are the counters that give out the
next ones: the key of a deleted attempt must never be given out again.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import JSON, Table, delete, func, insert, make_url, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

import migrations
from colrow.errors import LocalError
from colrow.local.db import shown, telling
from colrow.local.showing import bar
from store import slots
from store.files import MARK
from store.session import Database, check_schema
from store.tables import Base

BATCH = 5000
FILES = f"`jobs` and `{MARK}`"
"""What of a place of files has to come along where they move too."""
_SEEDED = tuple(Base.metadata.tables[name] for name in ("scheduler", "change_head", "storage"))
"""A migration writes their one row; here it is replaced."""
Row = Sequence[Any]


def copy(source_url: str, target_url: str) -> dict[str, int]:
    """Copy all, and give how many rows each table has. Raises LocalError: nothing was copied."""
    if make_url(source_url) == make_url(target_url):
        raise LocalError(f"{shown(source_url)} is both source and target; name two databases")
    with telling(source_url):
        _demand_file(source_url)
        source = Database(source_url)
        check_schema(source)
    with telling(target_url):
        migrations.upgrade(target_url)
        target = Database(target_url)
        check_schema(target)
    try:
        with telling(source_url), _locked(source) as reading:
            _demand_unused(reading, source_url)
            with telling(target_url), target.write() as writing:
                _demand_empty(writing, target_url)
                counts = {t.name: _copy(reading, writing, t) for t in Base.metadata.sorted_tables}
                _verify(writing, counts)
                for table, last in _counters(reading).items():
                    _set_counter(writing, table, last)
        return counts
    finally:
        source.close()
        target.close()


def _demand_file(url: str) -> None:
    """Raise LocalError for an SQLite file that is not there: opening would make it."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite" and not Path(address.database or "").is_file():
        raise LocalError(f"there is no database {shown(url)} to copy from")


def _locked(source: Database) -> Any:
    """Open a transaction on one snapshot that keeps writers waiting."""
    # A writing transaction of SQLite locks the file; on PostgreSQL the tables are locked below.
    return source.write() if source.dialect == "sqlite" else source.read()


def _demand_unused(session: Session, url: str) -> None:
    if session.get_bind().dialect.name == "postgresql":
        _lock_tables(session, "SHARE")
    there = slots.living(session)
    if there:
        raise LocalError(
            f"the database {shown(url)} is in use by worker {there[0].name}; stop what runs on it "
            f"(of a worker that was killed, that is known after {slots.ALIVE_S:g} s), then copy"
        )


def _demand_empty(session: Session, url: str) -> None:
    if session.get_bind().dialect.name == "postgresql":
        _lock_tables(session, "ACCESS EXCLUSIVE")
    for table in Base.metadata.sorted_tables:
        if table in _SEEDED:
            continue
        if session.execute(select(*table.primary_key).limit(1)).first() is not None:
            raise LocalError(
                f"the database {shown(url)} is not empty (there are {table.name}), and a copy "
                "replaces nothing; name an empty one"
            )
    for seeded in _SEEDED:
        session.execute(delete(seeded))


def _lock_tables(session: Session, mode: str) -> None:
    names = ", ".join(f'"{table.name}"' for table in Base.metadata.sorted_tables)
    session.execute(text(f"LOCK TABLE {names} IN {mode} MODE"))


def _copy(source: Session, target: Session, table: Table) -> int:
    total = source.execute(select(func.count()).select_from(table)).scalar_one()
    with bar(f"{table.name}: {total:,} rows", total, of_bytes=False) as more:
        rows = source.execute(
            select(table).order_by(*table.primary_key).execution_options(yield_per=BATCH)
        )
        write = _via_copy if target.get_bind().dialect.name == "postgresql" else _via_insert
        try:
            write(target, table, (_counted(part, more) for part in rows.partitions(BATCH)))
        except (IntegrityError, psycopg.Error) as error:
            reason = str(error.orig if isinstance(error, IntegrityError) else error)
            raise LocalError(
                f"a row of {table.name} does not fit into the target, so nothing was copied: "
                f"{reason.strip().splitlines()[0]}"
            ) from None
    return total


def _counted(rows: Sequence[Any], more: Callable[[int], None]) -> Sequence[Row]:
    more(len(rows))
    return rows


def _via_insert(target: Session, table: Table, batches: Iterator[Sequence[Row]]) -> None:
    names = [column.name for column in table.columns]
    for rows in batches:
        target.connection().execute(
            insert(table), [dict(zip(names, row, strict=True)) for row in rows]
        )


def _via_copy(target: Session, table: Table, batches: Iterator[Sequence[Row]]) -> None:
    """Send rows as PostgreSQL likes it best; some ten times as fast as inserts."""
    connection: Any = target.connection().connection.driver_connection
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    is_json = [isinstance(column.type, JSON) for column in table.columns]
    with (
        connection.cursor() as cursor,
        cursor.copy(f'COPY "{table.name}" ({names}) FROM STDIN') as pipe,
    ):
        for rows in batches:
            for row in rows:
                pipe.write_row(
                    [
                        json.dumps(value) if as_json and value is not None else value
                        for as_json, value in zip(is_json, row, strict=True)
                    ]
                )


def _verify(target: Session, counts: dict[str, int]) -> None:
    for table in Base.metadata.sorted_tables:
        found = target.execute(select(func.count()).select_from(table)).scalar_one()
        if found != counts[table.name]:
            raise LocalError(
                f"{table.name} has {counts[table.name]:,} rows, and {found:,} arrived; nothing was "
                "copied. Was the source written to? Stop what runs on it, then try again"
            )


def _numbered() -> Iterator[tuple[Table, str]]:
    """Give the tables whose keys a counter gives out, and the key's name."""
    for table in Base.metadata.sorted_tables:
        column = table.autoincrement_column
        if column is not None:
            yield table, column.name


def _counters(source: Session) -> dict[str, int]:
    """Read the last key that was ever given out, by table."""
    if source.get_bind().dialect.name == "sqlite":
        rows = source.execute(text("SELECT name, seq FROM sqlite_sequence"))
        found = {row.name: row.seq for row in rows}
    else:
        found = {}
        for table, key in _numbered():
            name = _sequence(source, table, key)
            if name is not None:
                last = source.execute(text(f"SELECT last_value, is_called FROM {name}")).one()  # noqa: S608
                found[table.name] = last.last_value if last.is_called else 0
    for table, key in _numbered():
        most = source.execute(select(func.max(table.c[key]))).scalar_one() or 0
        found[table.name] = max(found.get(table.name, 0), most)
    return found


def _set_counter(target: Session, name: str, last: int) -> None:
    if target.get_bind().dialect.name == "sqlite":
        # Only tables of AUTOINCREMENT have one; the others go by their largest key.
        made = {row.name for row in target.execute(text("SELECT name FROM sqlite_sequence"))}
        table = Base.metadata.tables[name]
        if table.dialect_options["sqlite"]["autoincrement"]:
            statement = (
                "UPDATE sqlite_sequence SET seq = :last WHERE name = :name"
                if name in made
                else "INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :last)"
            )
            target.execute(text(statement), {"name": name, "last": last})
        return
    keys = {table.name: key for table, key in _numbered()}
    sequence = _sequence(target, Base.metadata.tables[name], keys[name])
    if sequence is not None and last:
        target.execute(
            text("SELECT setval(:sequence, :last)"), {"sequence": sequence, "last": last}
        )


def _sequence(session: Session, table: Table, key: str) -> str | None:
    found = session.execute(
        text("SELECT pg_get_serial_sequence(:table, :key)"), {"table": table.name, "key": key}
    ).scalar_one()
    return None if found is None else str(found)
