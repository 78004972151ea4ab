"""A backup is consistent while others write, whole or not there, and comes back as it was.

Past 300 lines, since it is one idea: what one test packs the next one spoils and unpacks.
"""

import gzip
import io
import json
import os
import re
import sqlite3
import stat
import tarfile
import threading
import time
import uuid
from contextlib import closing

import pytest

import migrations
from colrow.errors import LocalError
from colrow.local import archive, backup, restore
from crs_core.events import CheckpointSaved, Points, Started
from crs_core.spec import parse_spec
from store import attempts, changes, checkpoints, jobs, place, recording, workers
from store.files import Folder, digest
from store.objects import open_storage
from store.session import Database, check_schema
from store.tables import SCHEMA_VERSION
from worker.housekeeping import Housekeeping


class Service:
    """The data folder of a service, with a worker by hand."""

    def __init__(self, home, storage=None):
        self.home, self.storage = home, storage or Folder(home, is_home=True)
        home.mkdir(exist_ok=True)
        self.url = f"sqlite:///{home}/colrow.db"
        migrations.upgrade(self.url)
        self.database = Database(self.url)
        place.settle(self.database, self.storage)
        with self.database.write() as session:
            new = workers.NewWorker("w", "h", 1, "cpu", ["cpu"], 1)
            self.worker = workers.register(session, new)

    def begin(self):
        spec = {"model": {"name": "mlp"}, "dataset": {"name": "digits"}, "training": {"epochs": 1}}
        started = Started(
            step=0, total_steps=9, steps_per_epoch=9, device="cpu", threads=1, versions={}
        )
        with self.database.write() as session:
            jobs.submit(session, jobs.NewJob(parse_spec(spec), name="x"))
            claim = attempts.claim(session, self.worker)
            recording.record(session, claim.attempt_id, [started], log="hello\n")
        return claim

    def save(self, claim, step):
        source = self.home / "source"
        source.write_bytes(os.urandom(5000 + step))
        name = f"step-{step}.pt"
        saved = CheckpointSaved(
            step=step, name=name, size_bytes=source.stat().st_size, sha256=digest(source)
        )
        self.storage.put(source, f"jobs/{claim.job_id}/a{claim.number}/{name}", saved.sha256)
        source.unlink()
        with self.database.write() as session:
            point = Points(step=step, epoch=step / 9, values={"train_loss": 1 / step})
            recording.record(session, claim.attempt_id, [point, saved])

    def keep_house(self):
        Housekeeping(self.database, self.storage, None, older_s=-1).run()

    def current(self, job_id):
        with self.database.read() as session:
            return checkpoints.read(session, job_id)


@pytest.fixture
def service(tmp_path):
    made = Service(tmp_path / "data")
    yield made
    made.database.close()


@pytest.fixture
def back(tmp_path):
    """A backup of a running job and its checkpoints of steps 2 and 3."""

    def make(service, target=tmp_path / "backup.tar.gz", **how):
        return backup.backup(target, service.home, **how)

    return make


def restored(path, home):
    """Restore, and open what came of it."""
    made = restore.restore(path, home)
    database = Database(f"sqlite:///{home}/colrow.db")
    check_schema(database)
    return made, database


def names(path):
    with tarfile.open(path) as tar:
        return tar.getnames()


@pytest.mark.parametrize("end", [".tar.gz", ".tgz", ".tar"])
def test_what_was_backed_up_comes_back(service, back, tmp_path, end):
    claim = service.begin()
    for step in (1, 2, 3):
        service.save(claim, step)
    made = back(service, tmp_path / f"b{end}")
    assert (made.jobs, made.checkpoints, made.missing) == (1, 2, {})
    assert names(made.path) == [
        "about.json", "colrow.db", f"jobs/{claim.job_id}/a1/step-2.pt",
        f"jobs/{claim.job_id}/a1/step-3.pt", "manifest.json",
    ]  # fmt: skip
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    found, database = restored(made.path, tmp_path / "new")
    assert (found.jobs, found.checkpoints, found.requeued) == (1, 2, 1)
    with database.read() as session:
        job = jobs.get(session, claim.job_id)
        kept = checkpoints.read(session, claim.job_id)
    assert job.state == "queued"
    assert job.attempts[0].reason.kind == "restored"
    assert [c.step for c in kept] == [3, 2]
    new = Folder(tmp_path / "new", is_home=True)
    assert all(digest(new.path(c.path)) == c.sha256 for c in kept)
    place.settle(database, new)
    with database.write() as session:
        worker = workers.register(session, workers.NewWorker("v", "h", 2, "cpu", ["cpu"], 1))
        again = attempts.claim(session, worker)
    assert (again.number, [c.step for c in again.checkpoints]) == (2, [3, 2])
    database.close()
    assert sorted(p.name for p in tmp_path.joinpath("new").iterdir()) == [
        "colrow-storage.json", "colrow.db", "jobs",
    ]  # fmt: skip


def test_a_wish_is_granted_and_what_had_ended_stays(service, back, tmp_path):
    cancelled, done = service.begin(), service.begin()
    with service.database.write() as session:
        jobs.request_cancel(session, cancelled.job_id)
        attempts.finish(session, done.attempt_id, attempts.Outcome.SUCCEEDED)
    found, database = restored(back(service).path, tmp_path / "new")
    with database.read() as session:
        assert jobs.get(session, cancelled.job_id).state == "cancelled"
        assert jobs.get(session, done.job_id).state == "succeeded"
    assert found.requeued == 1
    database.close()


def test_a_place_in_the_feed_of_the_original_is_none_in_the_copy(service, back, tmp_path):
    claim = service.begin()
    made = back(service)
    for step in (1, 2, 3, 4, 5):
        service.save(claim, step)
    with service.database.read() as session:
        seen = changes.head(session)
    _, database = restored(made.path, tmp_path / "new")
    with database.read() as session:
        assert changes.since(session, seen).reset
        assert not changes.since(session, changes.head(session)).reset
    database.close()


def test_the_snapshot_is_of_one_moment_while_others_write(tmp_path):
    source = tmp_path / "s.db"
    with closing(sqlite3.connect(source)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE a (n INTEGER PRIMARY KEY, x BLOB)")
        connection.execute("CREATE TABLE b (n INTEGER PRIMARY KEY)")
        connection.executemany(
            "INSERT INTO a VALUES (?, randomblob(1000))", [(-n,) for n in range(20_000)]
        )
        connection.commit()
    ended, written = threading.Event(), [0]

    def write():
        with closing(sqlite3.connect(source, timeout=30)) as connection:
            connection.isolation_level = None
            while not ended.is_set():
                written[0] += 1
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("INSERT INTO a VALUES (?, randomblob(100))", written)
                connection.execute("INSERT INTO b VALUES (?)", written)
                connection.execute("COMMIT")

    thread = threading.Thread(target=write)
    thread.start()
    while written[0] < 20:
        time.sleep(0.001)
    parts, before = [], written[0]
    backup.take_snapshot(
        source, tmp_path / "t.db", told=lambda: (parts.append(1), time.sleep(0.01))
    )
    during = written[0] - before
    ended.set()
    thread.join()
    assert during > 0
    assert len(parts) > 5  # in several parts, and not begun anew with each write
    with closing(sqlite3.connect(tmp_path / "t.db")) as connection:
        (a,) = connection.execute("SELECT max(n) FROM a WHERE n > 0").fetchone()
        (b,) = connection.execute("SELECT count(*) FROM b").fetchone()
    assert a == b
    assert a <= before + 1


def test_files_that_become_stale_meanwhile_are_held_until_they_are_read(
    service, back, tmp_path, monkeypatch
):
    claim = service.begin()
    for step in (2, 3):
        service.save(claim, step)
    take = backup.take_snapshot

    def take_then_train(source, target, **how):
        take(source, target, **how)
        for step in (4, 5):  # now 2 and 3 are stale
            service.save(claim, step)
        service.keep_house()

    monkeypatch.setattr(backup, "take_snapshot", take_then_train)
    made = back(service)
    assert made.missing == {}
    assert sorted(names(made.path))[-3:] == [
        f"jobs/{claim.job_id}/a1/step-2.pt", f"jobs/{claim.job_id}/a1/step-3.pt", "manifest.json",
    ]  # fmt: skip
    with service.database.read() as session:
        assert place.is_held(session)
    _, database = restored(made.path, tmp_path / "new")
    with database.read() as session:
        assert not place.is_held(session)
    database.close()


def test_where_nothing_is_held_a_file_that_went_leads_to_another_snapshot(
    service, back, monkeypatch
):
    claim = service.begin()
    for step in (2, 3):
        service.save(claim, step)
    take, trials = backup.take_snapshot, []

    def take_then_train(source, target, **how):
        take(source, target, **how)
        trials.append(1)
        if len(trials) == 1:
            for step in (4, 5):
                service.save(claim, step)
            service.keep_house()

    monkeypatch.setattr(backup, "take_snapshot", take_then_train)
    monkeypatch.setattr(backup._Backup, "_hold", lambda self: None)
    made = back(service)
    assert (len(trials), made.missing, made.checkpoints) == (2, {}, 2)


def test_a_checkpoint_that_is_lost_or_damaged_is_told_and_the_rest_is_kept(service, back, tmp_path):
    claim, other = service.begin(), service.begin()
    for step in (2, 3):
        service.save(claim, step)
    service.save(other, 2)
    gone, damaged, whole = (
        service.storage.path(c.path)
        for c in (*service.current(claim.job_id), *service.current(other.job_id))
    )
    gone.unlink()
    damaged.write_bytes(b"half")
    made = back(service)
    assert made.checkpoints == 1
    assert {path.rsplit("/", 1)[1]: why for path, why in made.missing.items()} == {
        "step-3.pt": "it is not there",
        "step-2.pt": made.missing[f"jobs/{claim.job_id}/a1/step-2.pt"],
    }
    assert "is damaged" in made.missing[f"jobs/{claim.job_id}/a1/step-2.pt"]
    found, database = restored(made.path, tmp_path / "new")
    assert set(found.missing) == set(made.missing)
    assert (tmp_path / "new" / whole.relative_to(service.home)).exists()
    database.close()


def test_checkpoints_of_an_object_store_are_in_it_too(tmp_path, bucket, back):
    service = Service(tmp_path / "data", open_storage(bucket.address, tmp_path))
    claim = service.begin()
    service.save(claim, 2)
    made = back(service, storage=bucket.address)
    service.database.close()
    assert (made.checkpoints, made.missing) == (1, {})
    _, database = restored(made.path, tmp_path / "new")
    (tmp_path / "new" / f"jobs/{claim.job_id}/a1/step-2.pt").stat()
    # What is restored here does not take part in the bucket, which the original still needs.
    assert not place.is_there(database, open_storage(bucket.address, tmp_path))
    database.close()
    with pytest.raises(LocalError, match=r"none of the 1 .* COLROW_STORAGE"):
        back(service, tmp_path / "other.tar")


def test_an_older_schema_is_backed_up_and_comes_back_as_ours(tmp_path, back):
    home = tmp_path / "old"
    home.mkdir()
    migrations.upgrade(f"sqlite:///{home}/colrow.db", "0001")
    made = backup.backup(tmp_path / "b.tar.gz", home)
    assert migrations.current(f"sqlite:///{home}/colrow.db") == "0001"
    found, database = restored(made.path, tmp_path / "new")
    assert found.schema == "0001"
    assert migrations.current(f"sqlite:///{tmp_path}/new/colrow.db") == SCHEMA_VERSION
    database.close()


def test_into_a_folder_it_gets_a_name_of_its_own_and_no_file_is_replaced(service, tmp_path):
    folder = tmp_path / "backups"
    folder.mkdir()
    made = backup.backup(folder, service.home)
    assert made.path.parent == folder
    assert made.path.name.startswith("colrow-backup-")
    with pytest.raises(LocalError, match="is there already"):
        backup.backup(made.path, service.home)
    assert [p.name for p in folder.iterdir()] == [made.path.name]


@pytest.mark.parametrize(
    ("target", "home", "url", "told"),
    [
        ("b.zip", "data", None, r"is written as \.tar\.gz"),
        ("b.tar", "nowhere", None, "there is no database .*nowhere/colrow.db; .* --data"),
        ("no/b.tar", "data", None, "no.*No such file or directory"),
        ("b.tar", "data", "postgresql+psycopg://u@h/d", "pg_dump"),
    ],
)
def test_what_cannot_be_backed_up_is_told(service, tmp_path, target, home, url, told):
    with pytest.raises(LocalError, match=told):
        backup.backup(tmp_path / target, tmp_path / home, database_url=url)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["data"]


def test_what_is_no_database_is_told(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "colrow.db").write_text("not a database, but long enough to look at it")
    with pytest.raises(LocalError, match="cannot be read: file is not a database"):
        backup.backup(tmp_path / "b.tar", tmp_path / "data")


def test_too_little_room_is_told_before_anything_is_packed(service, back, tmp_path, monkeypatch):
    monkeypatch.setattr(backup, "_ROOM_BYTES", 1 << 60)
    with pytest.raises(LocalError, match="MB free; make room there"):
        back(service)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["data"]


# What is no backup of ours


@pytest.fixture
def good(service, back):
    claim = service.begin()
    service.save(claim, 2)
    return back(service).path


def changed(path, change):
    """Write the archive anew, with its members put through `change`."""
    with tarfile.open(path) as tar:
        members = [(m, tar.extractfile(m).read() if m.isreg() else b"") for m in tar.getmembers()]
    target = path.with_name(f"changed-{uuid.uuid4().hex[:6]}.tar.gz")
    with tarfile.open(target, "w:gz") as tar:
        for member, content in change(members):
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return target


def edited(name, edit):
    def change(members):
        for member, content in members:
            if member.name.endswith(name):
                content = edit(content)
            yield member, content

    return change


def renamed(to, kind=tarfile.REGTYPE):
    def change(members):
        for member, content in members:
            if member.name.endswith(".pt"):
                member.name, member.type, member.linkname = to, kind, "/etc/passwd"
                content = content if kind == tarfile.REGTYPE else b""
            yield member, content

    return change


def json_edit(**said):
    return lambda content: json.dumps(json.loads(content) | said).encode()


def twice(members):
    for member, content in members:
        yield member, content
        if member.name.endswith(".pt"):
            yield member, content


BROKEN = {
    "a checkpoint that differs": (edited(".pt", lambda c: c[:-1] + b"x"), "is damaged"),
    "a database that differs": (edited("colrow.db", lambda c: c + b"x"), "is damaged"),
    "a member too many": (lambda m: [*m[:-1], _member("jobs/x"), m[-1]], "no backup has a member"),
    "a member too few": (lambda m: [*m[:2], m[-1]], "is damaged"),
    "a member twice": (twice, "is in it twice"),
    "no manifest": (lambda m: m[:-1], "incomplete"),
    "no database": (lambda m: [m[0], *m[2:]], "no colrow.db in it"),
    "no about": (lambda m: m[1:], "no backup of Colrow"),
    "nothing": (lambda m: [], "incomplete"),
    "a path that leads out": (renamed("../../evil.pt"), "no backup has a member '../../evil.pt'"),
    "a path inside that leads out": (renamed("jobs/../../evil.pt"), "no backup has a member"),
    "an absolute path": (renamed("/tmp/evil.pt"), "no backup has a member '/tmp/evil.pt'"),
    "a link": (renamed("jobs/l", tarfile.SYMTYPE), "no backup has a member"),
    "a hard link": (renamed("colrow.db", tarfile.LNKTYPE), "no backup has a member"),
    "a device": (renamed("jobs/d", tarfile.CHRTYPE), "no backup has a member"),
    "a newer schema": (edited("about.json", json_edit(schema="9999")), "made by a newer Colrow"),
    "another format": (edited("about.json", json_edit(format=7)), "of format 7, not 1"),
    "no schema": (edited("about.json", json_edit(schema=None)), "does not say its schema"),
    "another schema": (edited("about.json", json_edit(schema="0001")), "of another schema"),
    "no JSON": (edited("manifest.json", lambda _: b"{"), "manifest.json is not what it should be"),
    "a list": (edited("about.json", lambda _: b"[]"), "about.json is not what it should be"),
    "other JSON": (edited("manifest.json", lambda _: b'{"members": 7}'), "manifest.json is not"),
}


def _member(name):
    return tarfile.TarInfo(name), b"x"


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_archive_changes_nothing(good, tmp_path, case):
    change, told = BROKEN[case]
    path = changed(good, change)
    for home in (tmp_path / "new", tmp_path / "there"):
        if home.name == "there":
            home.mkdir()
        with pytest.raises(LocalError, match=told) as error:
            restore.restore(path, home)
        assert "nothing was changed" in str(error.value)
        assert home.exists() == (home.name == "there")
        assert not home.exists() or not list(home.iterdir())
    assert not (tmp_path / "evil.pt").exists()


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_an_archive_that_was_cut_short_changes_nothing(good, tmp_path, share):
    content = good.read_bytes()
    good.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(LocalError, match=r"not whole|incomplete"):
        restore.restore(good, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_flipped_bit_is_found(good, tmp_path):
    content = bytearray(gzip.decompress(good.read_bytes()))
    content[len(content) // 2] ^= 1
    good.write_bytes(gzip.compress(bytes(content)))
    with pytest.raises(LocalError, match="cannot be restored"):
        restore.restore(good, tmp_path / "new")


def test_a_folder_that_holds_something_is_refused(good, service, tmp_path):
    with pytest.raises(LocalError, match=r"is not empty \(there is colrow"):
        restore.restore(good, service.home)
    (tmp_path / "file").touch()
    with pytest.raises(LocalError, match="Not a directory"):
        restore.restore(good, tmp_path / "file")
    with pytest.raises(LocalError, match="No such file"):
        restore.restore(tmp_path / "none.tar.gz", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_after_a_restore_that_was_killed_it_can_be_done_again(good, tmp_path):
    half = tmp_path / "new" / restore.STAGING / "jobs"
    half.mkdir(parents=True)
    (half / "x").touch()
    _, database = restored(good, tmp_path / "new")
    database.close()
    assert not (tmp_path / "new" / restore.STAGING).exists()


def test_the_names_that_are_let_through_are_those_of_checkpoints():
    job = "019ab4f2-7c1e-7d3a-9b52-0c6f1d2e3a4b"
    assert archive.is_checkpoint(f"jobs/{job}/a1/step-10.pt")
    for name in (
        f"jobs/{job}/a1/step-10.pt\n", f"jobs/{job}/a1/../step-1.pt", f"/jobs/{job}/a1/step-1.pt",
        f"jobs/{job}/a١/step-1.pt", f"jobs/{job}/a1/step-.pt", "jobs/x/a1/step-1.pt",
    ):  # fmt: skip
        assert not archive.is_checkpoint(name)


def test_the_commands_say_what_they_did(colrow, service, tmp_path):
    claim = service.begin()
    service.save(claim, 2)
    service.storage.path(f"jobs/{claim.job_id}/a1/step-2.pt").write_bytes(b"half")
    service.save(claim, 3)
    path = tmp_path / "b.tar.gz"
    ended = colrow("backup", path, "--data", service.home)
    assert ended.code == 0, ended.err
    assert ended.out.startswith(f"{path}: 1 job, 1 checkpoint, 0.")
    assert f"not in it: jobs/{claim.job_id}/a1/step-2.pt: " in ended.err
    assert "snapshot of the database" in ended.err
    ended = colrow("restore", path, "--data", tmp_path / "new")
    assert ended.code == 0, ended.err
    assert re.search(
        r"as of \d{4}-\d\d-\d\d \d\d:\d\d UTC, 1 job, 1 checkpoint; 1 job that ran", ended.out
    )
    assert f"colrow up --data {tmp_path / 'new'}" in ended.out
    assert "step-2.pt" in ended.err
    ended = colrow("restore", path, "--data", tmp_path / "new")
    assert (ended.code, "is not empty" in ended.err) == (1, True)
