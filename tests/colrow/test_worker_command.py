"""`colrow worker` says at once what is wrong with an address, and passes on what it is told."""

import socket
from pathlib import Path

import pytest

import migrations
from colrow import settings
from colrow.durations import seconds
from colrow.errors import ColrowError, LocalError
from colrow.local.worker import Wanted, check_broker, check_database, environment_of
from store.session import Database
from tests.conftest import POSTGRES, REDIS


def test_what_is_asked_for_is_what_the_worker_gets(tmp_path):
    here = settings.read({"COLROW_HOME": str(tmp_path), "COLROW_BROKER_URL": "redis://there"})
    wanted = Wanted(database="sqlite:////c.db", devices="0,1", until_idle_s=600.0)
    made = environment_of(here, wanted)
    assert (made["COLROW_DATABASE_URL"], made["COLROW_BROKER_URL"]) == (
        "sqlite:////c.db",
        "redis://there",
    )
    assert (made["COLROW_DEVICES"], made["COLROW_UNTIL_IDLE_S"]) == ("0,1", "600.0")
    assert made["COLROW_DATA"] == f"{tmp_path}/datasets"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90", 90), ("90s", 90), ("10m", 600), ("1.5h", 5400), (" 2 d ", 172_800)],
)
def test_a_length_of_time_has_a_unit(text, expected):
    assert seconds(text) == expected


@pytest.mark.parametrize(
    "text", ["", "m", "0", "-1m", "1e3", "ten minutes", "5 min", "²s", "9" * 400]
)
def test_what_is_no_length_of_time_is_told(text):
    with pytest.raises(ColrowError, match="is no length of time; write a number above 0"):
        seconds(text)


def test_a_database_that_is_there_will_do(database_url):
    check_database(database_url)


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path):
    path = tmp_path / "colrow.db"
    with pytest.raises(LocalError, match=f"there is no database {path} on this machine; give"):
        check_database(f"sqlite:///{path}")
    assert not path.exists()


def test_a_database_of_something_else_is_told(bare_url):
    database = Database(bare_url)
    database.ping()  # an SQLite file is made by that
    database.close()
    with pytest.raises(LocalError, match="has no tables yet; run `colrow db upgrade`"):
        check_database(bare_url)


def test_an_old_schema_is_told(bare_url):
    migrations.upgrade(bare_url)
    database = Database(bare_url)
    with database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    database.close()
    with pytest.raises(LocalError, match=r"has schema 0001 and this program needs .* db upgrade"):
        check_database(bare_url)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense", "the database address cannot be used"),
        ("oracle://x/y", "the database address cannot be used"),
        ("postgresql+psycopg://u:secret@127.0.0.1:1/colrow", "cannot be used: .*efused"),
    ],
)
def test_an_address_of_no_database_is_told_without_its_password(url, words):
    with pytest.raises(LocalError, match=words) as caught:
        check_database(url)
    assert "secret" not in str(caught.value)


@pytest.mark.needs("postgresql")
def test_a_database_that_the_server_does_not_have_is_told():
    url = f"{POSTGRES.rsplit('/', 1)[0]}/no_such_database"
    with pytest.raises(LocalError, match=r'cannot be used: .*"no_such_database" does not exist'):
        check_database(url)


@pytest.mark.needs("redis")
def test_a_broker_that_answers_will_do():
    check_broker(f"{REDIS}/0")


def test_a_broker_that_does_not_answer_is_told_without_its_password():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(LocalError, match=r"the broker redis://…@127\.0\.0\.1") as caught:
        check_broker(f"redis://:secret@127.0.0.1:{port}/0")
    assert "does not answer" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://host", "ftp://host:1"])
def test_what_is_no_address_of_a_broker_is_told(url):
    with pytest.raises(LocalError, match="is no address of a broker; write it as redis://"):
        check_broker(url)


def test_the_command_refuses_before_it_becomes_a_worker(failing, tmp_path):
    url = f"sqlite:///{tmp_path}/none.db"
    told = failing("worker", "--database", url, "--broker", "redis://127.0.0.1:1/0")
    assert told.startswith(f"colrow: there is no database {tmp_path}/none.db on this machine")
    migrations.upgrade(url)
    told = failing("worker", "--database", url, "--broker", "redis://127.0.0.1:1/0")
    assert "the broker redis://127.0.0.1:1/0 does not answer: " in told
    told = failing("worker", "--database", url, "--until-idle", "soon")
    assert "'soon' is no length of time" in told
