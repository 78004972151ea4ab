"""The database: can it be reached, has it this program's tables, is it sound, can it be written to.

Nothing is kept of what is written: the transaction is rolled back. SQLite is asked without
SQLAlchemy, so that a lock is waited for no longer than a person would.
"""

import sqlite3
from pathlib import Path

import psycopg
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from colrow.local.db import shown
from colrow.local.doctor.finding import Fault, Finding, fault_of
from colrow.local.doctor.place import Place
from store.errors import SchemaError, UnsuitablePlace
from store.session import Database, check_schema, refuse_network_file_system

NAME = "database"
PATIENCE_S = 5
OLDEST_POSTGRESQL = 15
_TRIAL = (
    "UPDATE scheduler SET claims = claims WHERE id = 1",
    "UPDATE change_head SET seq = seq WHERE id = 1",
)
_RESTORE = "restore a back-up, after stopping the service"


def check(place: Place) -> list[Finding]:
    """Look at the database."""
    findings: list[Finding] = []
    with fault_of(NAME, findings):
        url = _address(place.database_url)
        if url.get_backend_name() == "sqlite":
            path = Path(url.database or "")
            if not path.exists() and place.is_embedded and place.up is None:
                told = f"there is none yet in {place.home}"
                return [Finding(NAME, "note", told, "`colrow up` makes it")]
            version = _sqlite(path)
        else:
            version = _postgresql(url)
            found = version.split()[1].split(".")[0]
            if found.isdigit() and int(found) < OLDEST_POSTGRESQL:
                told = f"{version} is older than what Colrow is tested on"
                advice = f"upgrade to PostgreSQL {OLDEST_POSTGRESQL} or later"
                findings.append(Finding(NAME, "warning", told, advice))
        where = shown(place.database_url)
        findings.append(Finding(NAME, "ok", f"{where} ({version}) is sound and can be written to"))
    return findings


def _address(text: str) -> URL:
    advice = (
        "write COLROW_DATABASE_URL as sqlite:////folder/colrow.db or "
        "postgresql+psycopg://user@host/name"
    )
    try:
        url = make_url(text)
    except ArgumentError:
        raise Fault("what names the database is no address of one", advice) from None
    if url.drivername not in ("sqlite", "postgresql+psycopg"):
        raise Fault(f"Colrow knows no database of kind {url.drivername!r}", advice)
    return url


def _sqlite(path: Path) -> str:
    try:
        refuse_network_file_system(path)
    except UnsuitablePlace as error:
        raise Fault(str(error), "choose a local disk, or PostgreSQL") from None
    if not path.is_file():
        raise Fault(f"{path} is not there", "name the right file, or run `colrow db upgrade`")
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=PATIENCE_S,
            isolation_level=None,
        )
        try:
            _check_sqlite(connection, path)
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise Fault(f"{path}: {error}", _sqlite_advice(str(error), path)) from None
    return f"SQLite {sqlite3.sqlite_version}"


def _check_sqlite(connection: sqlite3.Connection, path: Path) -> None:
    wrong = [row[0] for row in connection.execute("PRAGMA quick_check(3)")]
    if wrong != ["ok"]:
        raise Fault(f"{path} is damaged: {'; '.join(wrong)[:300]}", _RESTORE)
    _check_tables(f"sqlite:///{path}")
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in _TRIAL:
            if connection.execute(statement).rowcount != 1:
                raise Fault(f"{path} lacks a row that Colrow needs ({statement})", _RESTORE)
    finally:
        connection.execute("ROLLBACK")


def _sqlite_advice(said: str, path: Path) -> str:
    if "locked" in said or "busy" in said:
        return (
            f"some process has held its lock for {PATIENCE_S} s; `fuser {path}` names those that "
            "use it"
        )
    if "readonly" in said or "unable to open" in said or "permission" in said:
        return (
            f"give this user the right to write {path} and its folder {path.parent} (SQLite keeps "
            "two files beside it)"
        )
    if "full" in said:
        return f"make room on the disk of {path.parent}"
    return _RESTORE


def _check_tables(url: str) -> None:
    database = Database(url)
    try:
        check_schema(database)
    except SchemaError as error:
        found, _, advice = str(error).partition("; ")
        raise Fault(found, advice) from None
    except DBAPIError as error:
        raise error.orig or error from None
    finally:
        database.close()


def _postgresql(url: URL) -> str:
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    where = url.render_as_string(hide_password=True)
    try:
        with psycopg.connect(
            plain, connect_timeout=PATIENCE_S, options=f"-c lock_timeout={PATIENCE_S}s"
        ) as connection:
            version = connection.execute("SHOW server_version").fetchone()
            _check_tables(url.render_as_string(hide_password=False))
            for statement in _TRIAL:
                if connection.execute(statement).rowcount != 1:
                    raise Fault(f"{where} lacks a row that Colrow needs ({statement})", _RESTORE)
            connection.rollback()
    except psycopg.Error as error:
        raise Fault(f"{where}: {_line(error)}", _postgresql_advice(error)) from None
    return f"PostgreSQL {version[0] if version else '?'}"


def _postgresql_advice(error: psycopg.Error) -> str:
    match error:
        case psycopg.errors.LockNotAvailable():
            return (
                f"some transaction has held a lock for {PATIENCE_S} s; pg_stat_activity shows "
                "which (state `idle in transaction`): end it with pg_terminate_backend"
            )
        case psycopg.errors.ReadOnlySqlTransaction():
            return "this is a replica, or set read-only; name the primary in COLROW_DATABASE_URL"
        case psycopg.errors.InsufficientPrivilege():
            return "let the user of COLROW_DATABASE_URL own the tables"
    said = str(error)
    if "password" in said or "authentication" in said or "role" in said:
        return "mend user and password in COLROW_DATABASE_URL"
    if "does not exist" in said:
        return "create the database, then run `colrow db upgrade`"
    return "start it, or mend the address in COLROW_DATABASE_URL; is a firewall in between?"


def _line(error: BaseException | None) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
