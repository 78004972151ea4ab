"""`colrow db copy`: everything arrives, in both directions, or nothing does."""

import shutil
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

import migrations
from colrow.errors import LocalError
from colrow.local import copying
from crs_core.spec import parse_spec
from store import attempts, jobs, place, workers
from store.files import Folder
from store.ids import new_id
from store.session import Database
from store.tables import Attempt, Base
from tests import full_database

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.needs("postgresql")


@pytest.fixture
def sqlite_url(tmp_path, _migrated_sqlite):
    shutil.copyfile(_migrated_sqlite, tmp_path / "source.db")
    return f"sqlite:///{tmp_path}/source.db"


@pytest.fixture
def postgresql_url(_own_name):
    from tests.conftest import postgresql_database

    with postgresql_database(f"{_own_name}_copy") as url:
        yield url


@pytest.fixture(params=["to PostgreSQL", "to SQLite", "to another SQLite"])
def way(request, sqlite_url, tmp_path):
    if request.param == "to another SQLite":
        return sqlite_url, f"sqlite:///{tmp_path}/target.db"
    postgresql_url = request.getfixturevalue("postgresql_url")
    migrations.upgrade(postgresql_url)
    if request.param == "to PostgreSQL":
        return sqlite_url, postgresql_url
    return postgresql_url, f"sqlite:///{tmp_path}/target.db"


def with_session(url, act):
    database = Database(url)
    try:
        with database.write() as session:
            return act(session)
    finally:
        database.close()


def stop_workers(session):
    session.execute(text("UPDATE workers SET seen_at = 0"))


def test_every_row_of_every_table_arrives(way):
    source, target = way
    with_session(source, full_database.fill)
    with_session(source, stop_workers)
    counts = copying.copy(source, target)
    assert all(counts[t.name] >= 1 for t in Base.metadata.sorted_tables)
    assert with_session(target, full_database.read) == with_session(source, full_database.read)


def test_files_move_along_as_the_last_line_and_the_docs_say(colrow, sqlite_url, tmp_path):
    here, shared = tmp_path / "home", tmp_path / "shared"
    (here / "jobs").mkdir(parents=True)
    shared.mkdir()
    source = Database(sqlite_url)
    place.settle(source, Folder(here, is_home=True))
    source.close()
    target = f"sqlite:///{tmp_path}/target.db"
    ended = colrow("db", "copy", tmp_path / "source.db", target)
    assert "or copy `jobs` and `colrow-storage.json` from there into an empty folder" in ended.out
    steps = (ROOT / "docs" / "operations.md").read_text()
    assert "cp -r ~/.colrow/jobs ~/.colrow/colrow-storage.json /mnt/colrow/" in steps
    database = Database(target)
    shutil.copytree(here / "jobs", shared / "jobs")
    assert not place.is_there(database, Folder(shared, is_home=True))
    shutil.copy(here / "colrow-storage.json", shared)
    assert place.is_there(database, Folder(shared, is_home=True))
    database.close()


def test_a_service_goes_on_with_the_copy_and_no_key_is_given_out_twice(way):
    source, target = way

    def use(session):
        spec = parse_spec(
            {"model": {"name": "mlp"}, "dataset": {"name": "digits"}, "training": {"epochs": 1}}
        )
        new = workers.NewWorker(
            name=f"w{session.execute(select(func.count()).select_from(Attempt)).scalar_one()}",
            host="h", pid=1, kind="cpu", devices=["cpu"], threads=1,
        )  # fmt: skip
        worker = workers.register(session, new)
        jobs.submit(session, jobs.NewJob(spec), idempotency_key=new_id())
        claim = attempts.claim(session, worker)
        attempts.finish(session, claim.attempt_id, attempts.Outcome.FAILED)
        return claim

    for _ in range(3):
        last = with_session(source, use)
    with_session(source, lambda session: jobs.delete(session, last.job_id))
    with_session(source, stop_workers)
    copying.copy(source, target)
    after = with_session(target, use)
    assert after.attempt_id > last.attempt_id
    assert after.job_key > last.job_key


def test_a_target_that_holds_something_is_refused_and_left_as_it_is(way):
    source, target = way
    with_session(source, full_database.fill)
    with_session(source, stop_workers)
    migrations.upgrade(target)
    insert = "INSERT INTO metrics (id, name) VALUES (5, 'x')"
    with_session(target, lambda session: session.execute(text(insert)))
    with pytest.raises(LocalError, match=r"is not empty \(there are metrics\)"):
        copying.copy(source, target)
    found = with_session(target, full_database.read)
    assert found["metrics"] == [(5, "x")]
    assert found["jobs"] == []
    assert found["scheduler"] == [(1, 0, None, None, None)]


def test_a_source_that_a_worker_uses_is_refused(way):
    source, target = way
    new = workers.NewWorker(name="w1", host="h", pid=1, kind="cpu", devices=["cpu"], threads=1)
    with_session(source, lambda session: workers.register(session, new))
    with pytest.raises(LocalError, match=r"is in use by worker w1; stop what runs on it"):
        copying.copy(source, target)


def test_a_copy_that_fails_leaves_the_target_empty(way, monkeypatch):
    source, target = way
    with_session(source, full_database.fill)
    with_session(source, stop_workers)

    def fail(*_):
        raise LocalError("counted wrongly")

    monkeypatch.setattr(copying, "_verify", fail)
    with pytest.raises(LocalError, match="counted wrongly"):
        copying.copy(source, target)
    monkeypatch.undo()
    assert with_session(target, full_database.read)["jobs"] == []
    copying.copy(source, target)


def test_a_value_that_the_target_cannot_hold_is_told(sqlite_url, postgresql_url):
    def write(session):
        session.execute(text("INSERT INTO points VALUES (1, 70000, 1, 0.5)"))

    with_session(sqlite_url, write)
    with pytest.raises(LocalError, match=r"a row of points does not fit .* out of range"):
        copying.copy(sqlite_url, postgresql_url)


def test_an_older_source_is_refused_with_advice(tmp_path, postgresql_url):
    url = f"sqlite:///{tmp_path}/old.db"
    migrations.upgrade(url, "0001")
    with pytest.raises(LocalError, match="run `colrow db upgrade`"):
        copying.copy(url, postgresql_url)


def test_the_command_says_what_was_copied_and_hides_the_password(
    colrow, sqlite_url, postgresql_url
):
    with_session(sqlite_url, full_database.fill)
    with_session(sqlite_url, stop_workers)
    file = sqlite_url.removeprefix("sqlite:///")
    ended = colrow("db", "copy", file, postgresql_url)
    assert ended.code == 0, ended.err
    assert "7 jobs, 7 points" in ended.out
    assert "points: 7 rows" in ended.err
    again = colrow("db", "copy", file, postgresql_url)
    assert again.code == 1
    assert "is not empty" in again.err
    same = colrow("db", "copy", file, file)
    assert "both source and target" in same.err
    missing = colrow("db", "copy", Path(file).with_name("none.db"), postgresql_url)
    assert missing.code == 1
    assert not Path(file).with_name("none.db").exists()
