"""What is wrong with a database, told by a database with which it is wrong."""

import contextlib
import sqlite3
import uuid
from dataclasses import replace
from functools import partial
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url, text

import migrations
from colrow.local.doctor import database as checked
from store.session import Database, refuse_network_file_system
from tests.colrow.doctor.conftest import only

once = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize(
    "database_url",
    [pytest.param("postgresql", marks=pytest.mark.needs("postgresql"))],
    indirect=True,
)


def plain(url):
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def change(url, *statements):
    made = Database(url)
    with made.engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    made.close()


@pytest.fixture
def path(place):
    migrations.upgrade(place.database_url)
    return Path(make_url(place.database_url).database)


def test_a_sound_database_is_sound_and_left_as_it_is(cluster):
    found = only(checked.check(cluster))
    assert found.status == "ok"
    assert "is sound and can be written to" in found.found
    made = Database(cluster.database_url)
    with made.read() as session:
        assert session.execute(text("SELECT claims FROM scheduler")).scalar_one() == 0
    made.close()


def test_where_none_was_made_yet_nothing_is_made(place):
    found = only(checked.check(place))
    assert (found.status, found.advice) == ("note", "`colrow up` makes it")
    assert list(place.home.iterdir()) == []


@pytest.mark.parametrize(
    ("version", "said"), [("9999", "written by a newer Colrow"), ("0000", "colrow db upgrade")]
)
def test_another_schema_is_a_fault(cluster, version, said):
    made = Database(cluster.database_url)
    with made.engine.begin() as connection:
        kept = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        connection.execute(text(f"UPDATE alembic_version SET version_num = '{version}'"))
    try:
        found = only(checked.check(cluster))
    finally:
        change(cluster.database_url, f"UPDATE alembic_version SET version_num = '{kept}'")
        made.close()
    assert found.status == "fault"
    assert said in f"{found.found}; {found.advice}"


def test_a_database_without_tables_is_a_fault(place, bare_url):
    if bare_url.startswith("sqlite"):
        Path(make_url(bare_url).database).touch()
    found = only(checked.check(replace(place, database_url=bare_url, is_embedded=False)))
    assert found.status == "fault"
    assert (found.found, found.advice) == (
        "the database has no tables yet",
        "run `colrow db upgrade`",
    )


def test_a_row_that_is_missing_is_a_fault(cluster):
    change(cluster.database_url, "DELETE FROM scheduler")
    found = only(checked.check(cluster))
    assert (found.status, found.advice) == ("fault", checked._RESTORE)
    assert "lacks a row that Colrow needs" in found.found


def test_a_lock_that_somebody_holds_is_a_fault(cluster, monkeypatch):
    monkeypatch.setattr(checked, "PATIENCE_S", 1)
    if cluster.database_url.startswith("sqlite"):
        holder = sqlite3.connect(make_url(cluster.database_url).database, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
    else:
        holder = psycopg.connect(plain(cluster.database_url))
        holder.execute("LOCK TABLE scheduler IN ACCESS EXCLUSIVE MODE")
    with contextlib.closing(holder):
        found = only(checked.check(cluster))
    assert found.status == "fault"
    assert "lock" in found.found
    assert "has held" in found.advice


@pytest.mark.parametrize("address", ["nonsense", "mysql://host/name", "sqlite+aiosqlite:///x"])
def test_an_address_that_is_none_is_a_fault(place, address):
    found = only(checked.check(replace(place, database_url=address)))
    assert found.status == "fault"
    assert "postgresql+psycopg://user@host/name" in found.advice


def test_a_file_that_is_not_there_is_a_fault_where_it_should_be(place):
    found = only(checked.check(replace(place, is_embedded=False)))
    assert found.status == "fault"
    assert "is not there" in found.found


def test_a_file_that_is_no_database_is_a_fault(place, path):
    path.write_bytes(b"this is a text, and a long one" * 1000)
    found = only(checked.check(place))
    assert found.status == "fault"
    assert "file is not a database" in found.found


def test_a_damaged_file_is_a_fault(place, path):
    change(place.database_url, *(f"INSERT INTO metrics VALUES ({n}, 'm{n}')" for n in range(2000)))
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:
        size = path.stat().st_size
        file.seek(size - 3 * 4096)
        file.write(b"\xff" * 2 * 4096)
    found = only(checked.check(place))
    assert (found.status, found.advice) == ("fault", checked._RESTORE)
    assert "damaged" in found.found or "malformed" in found.found


def test_a_folder_without_the_right_to_write_is_a_fault(place, path, powerless, run_doctor):
    told, status = run_doctor("--data", str(place.home), prefix=powerless)
    found = only([f for f in told["findings"] if f["check"] == "database"])
    assert (status, found["status"]) == (1, "fault")
    assert "right to write" in found["advice"], found


def test_a_network_file_system_is_a_fault(place, path, monkeypatch):
    mounts = "server:/lab / nfs4 rw 0 0\n"
    monkeypatch.setattr(
        checked, "refuse_network_file_system", partial(refuse_network_file_system, mounts=mounts)
    )
    found = only(checked.check(place))
    assert found.status == "fault"
    assert "network file system (nfs4" in found.found


def test_a_server_that_does_not_answer_is_a_fault(place):
    nowhere = "postgresql+psycopg://postgres:hidden@127.0.0.1:9/nothing"
    found = only(checked.check(replace(place, database_url=nowhere)))
    assert found.status == "fault"
    assert found.advice.startswith("start it, or mend the address")
    assert "hidden" not in found.found


@on_postgresql
def test_a_database_that_does_not_exist_and_a_user_who_does_not_are_told_apart(cluster):
    url = make_url(cluster.database_url)
    gone = url.set(database=f"gone_{uuid.uuid4().hex}").render_as_string(hide_password=False)
    assert only(checked.check(replace(cluster, database_url=gone))).advice.startswith("create the")
    who = url.set(username=f"gone_{uuid.uuid4().hex}").render_as_string(hide_password=False)
    found = only(checked.check(replace(cluster, database_url=who)))
    assert found.advice == "mend user and password in COLROW_DATABASE_URL"


@on_postgresql
def test_a_database_that_can_only_be_read_is_a_fault(cluster):
    name = make_url(cluster.database_url).database
    with psycopg.connect(plain(cluster.database_url), autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    try:
        found = only(checked.check(cluster))
    finally:
        with psycopg.connect(
            plain(cluster.database_url), options="-c default_transaction_read_only=off",
            autocommit=True,
        ) as connection:  # fmt: skip
            connection.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
    assert found.status == "fault"
    assert "name the primary" in found.advice


@on_postgresql
def test_a_user_without_rights_on_the_tables_is_a_fault(cluster):
    who = f"weak_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(plain(cluster.database_url), autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {who} LOGIN")
        try:
            url = make_url(cluster.database_url).set(username=who)
            weak = replace(cluster, database_url=url.render_as_string(hide_password=False))
            found = only(checked.check(weak))
        finally:
            connection.execute(f"DROP ROLE {who}")
    assert (found.status, found.advice) == (
        "fault", "let the user of COLROW_DATABASE_URL own the tables",
    )  # fmt: skip
