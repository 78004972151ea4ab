"""Checkpoints are brought to a storage elsewhere, and fetched again, whatever that does."""

import shutil
import threading
import time

import pytest

from store import attempts, checkpoints, jobs, logs, place
from store.errors import StorageError
from store.files import Folder, digest, unheard
from store.objects import open_storage
from tests.worker.conftest import wait_until
from worker import storage as carrying
from worker.tasks import Post, supervise

SAVE = """
import hashlib
def save(step, best=False):
    name, content = f"step-{step}.pt", (str(step) * 1000).encode()
    open(os.path.join(told["folder"], name), "wb").write(content)
    tell(type="checkpoint", step=step, name=name, size_bytes=len(content), best=best,
         sha256=hashlib.sha256(content).hexdigest())
def wait_for(name):
    while not os.path.exists(name): time.sleep(0.01)
"""


class Fragile(Folder):
    """A folder that refuses while it is told to."""

    why = ""
    hangs = False

    def put(self, source, path, sha256, *, told=unheard):
        while self.hangs:
            time.sleep(0.01)
        self._refuse()
        super().put(source, path, sha256, told=told)

    def mark(self):
        self._refuse()
        return super().mark()

    def size(self, path):
        self._refuse()
        return super().size(path)

    def _refuse(self):
        if self.why:
            raise StorageError(f"{self.shown}: {self.why}")


@pytest.fixture
def lab(bench, tmp_path):
    storage = Fragile(tmp_path / "lab")
    place.settle(bench.database, storage)
    return storage


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(carrying, "FIRST_S", 0.05)


@pytest.fixture
def play(bench, lab):
    """Supervise a scripted trainer whose checkpoints go to the lab."""

    def run(script, claim=None, *, storage=lab, **changed):
        claim = claim or bench.begin()
        settings = bench.settings.model_copy(update={"storage_s": 60.0} | changed)
        command = bench.command(SAVE + script)
        post = Post(settings, bench.database, 1, bench.stopping, command=command, storage=storage)
        supervise(claim, post)
        return bench.job(claim.job_id)

    return run


def in_background(play, claim, script, **how):
    thread = threading.Thread(target=play, args=(script, claim), kwargs=how)
    thread.start()
    return thread


def kept(bench, job_id):
    return {c.path for c in bench.read(checkpoints.read, job_id)}


def files(folder):
    return {str(p.relative_to(folder)) for p in folder.rglob("step-*") if p.is_file()}


def give_back(bench, claim):
    bench.write(attempts.release, claim.attempt_id, kind="k", message="m", blameless=True)
    return claim.job_id


def notes(bench, job_id):
    return [note for attempt in bench.job(job_id).attempts for note in attempt.notes]


def test_a_checkpoint_is_in_the_storage_before_it_has_a_row_and_leaves_no_copy(bench, lab, play):
    job = play("start(); save(10); save(20); finish(20)")
    assert job.state == "succeeded"
    found = bench.read(checkpoints.read, job.id)
    assert [c.step for c in found][:1] == [20]
    assert {c.path for c in found} <= files(lab.root)
    assert all(digest(lab.path(c.path)) == c.sha256 for c in found)
    assert not (bench.settings.home / "jobs").exists() or not files(bench.settings.home)


def test_another_host_goes_on_from_what_the_first_one_saved(bench, lab, play, tmp_path):
    first = bench.begin()
    play("start(); save(10); points(12); wait_for(told['folder'] + '/../../../../lab/' + \n"
         "'jobs/' + told['folder'].split('/jobs/')[1] + '/step-10.pt')\n"
         "time.sleep(0.3); os.kill(os.getpid(), 9)", first)  # fmt: skip
    job = play(
        "(point,) = told['resume_from']; start(point['step'])\n"
        "print(open(point['path']).read() == '10' * 1000, point['step']); finish(100)",
        bench.claim(),
        home=tmp_path / "another-home",
    )
    assert job.state == "succeeded"
    assert bench.read(logs.read, job.id).text == "True 10\n"
    assert files(tmp_path / "another-home") == set()


def test_a_storage_that_refuses_stops_no_training_and_gets_the_newest_later(bench, lab, play):
    claim = bench.begin()
    lab.why = "No space left on device"
    go = bench.settings.home / "go"
    thread = in_background(
        play,
        claim,
        "start(); save(10, best=True); save(20); save(30); points(31)\n"
        f"wait_for({str(go)!r}); save(40); points(41); finish(41)",
    )
    wait_until(lambda: notes(bench, claim.job_id))
    wait_until(lambda: bench.job(claim.job_id).progress.step == 31)
    assert kept(bench, claim.job_id) == set()
    lab.why = ""
    go.touch()
    thread.join(20)
    assert bench.job(claim.job_id).state == "succeeded"
    assert {p.rpartition("/")[2] for p in kept(bench, claim.job_id)} == {"step-10.pt", "step-40.pt"}
    told = notes(bench, claim.job_id)
    assert "step-10.pt could not be brought to" in told[0]
    assert "No space left on device. Training goes on, and it is tried again" in told[0]
    assert told[-1].endswith("is in " + lab.shown + " now")
    assert f"colrow: {told[0]}\n" in bench.read(logs.read, claim.job_id).text


def test_a_job_whose_last_checkpoint_cannot_be_brought_is_given_back(bench, lab, play):
    lab.why = "the bucket does not answer"
    job = play("start(); save(10); finish(10)", storage_s=0.2)
    assert job.state == "queued"
    (attempt,) = job.attempts
    assert attempt.reason.kind == "storage"
    assert "training was done, but its last checkpoint could not be brought" in (
        attempt.reason.message
    )
    assert "the bucket does not answer" in attempt.reason.message


def test_a_storage_that_hangs_for_good_does_not_keep_a_job_running(bench, lab, play):
    lab.hangs = True
    job = play("start(); save(10); finish(10)", storage_s=0.3)
    lab.hangs = False
    assert (job.state, job.attempts[0].reason.kind) == ("queued", "storage")
    assert "that takes too long" in job.attempts[0].reason.message


def test_a_cancel_does_not_wait_for_a_storage_that_is_away(bench, lab, play):
    claim = bench.begin()
    lab.why = "away"
    thread = in_background(
        play,
        claim,
        "stop = []; signal.signal(signal.SIGTERM, lambda *_: stop.append(1)); start(); points(5)\n"
        "while not stop: time.sleep(0.01)\n"
        "save(11); finish(11, completed=False)",
    )
    wait_until(lambda: bench.job(claim.job_id).progress.step == 5)
    bench.write(jobs.request_cancel, claim.job_id)
    thread.join(20)
    job = bench.job(claim.job_id)
    assert job.state == "cancelled"
    assert job.reason.message.startswith("cancelled at step 11; its last checkpoint could not be")


def test_what_was_saved_is_waited_for_and_never_begun_without(bench, lab, play):
    play("start(); save(10); finish(10, completed=False)")
    job_id = give_back(bench, bench.claim())
    before = kept(bench, job_id)
    lab.why = "the bucket does not answer"
    job = play("start(); finish(100)", bench.claim(), storage_s=0.2)
    assert job.state == "queued"
    assert job.attempts[-1].reason.kind == "storage"
    assert kept(bench, job_id) == before
    claim = bench.claim()
    thread = in_background(play, claim, "(p,) = told['resume_from']; start(p['step']); finish(100)")
    wait_until(lambda: bench.job(job_id).state == "running")
    lab.why = ""
    thread.join(20)
    assert (bench.job(job_id).state, bench.job(job_id).attempts[-1].start_step) == ("succeeded", 10)


def test_a_home_that_is_not_mounted_is_no_reason_to_begin_anew(bench, play):
    home = Folder(bench.settings.home, is_home=True)
    bench.write(lambda session: place.abandon(session))
    place.settle(bench.database, home)
    play("start(); save(10); finish(10, completed=False)", storage=home)
    (path,) = kept(bench, give_back(bench, bench.claim()))
    away = bench.settings.home.rename(bench.settings.home.with_name("unmounted"))
    job = play("start(); finish(100)", bench.claim(), storage=home, storage_s=0.2)
    assert (job.state, job.attempts[-1].reason.kind) == ("queued", "storage")
    assert "is it mounted?" in job.attempts[-1].reason.message
    assert kept(bench, job.id) == {path}
    shutil.rmtree(bench.settings.home)
    away.rename(bench.settings.home)
    job = play(
        "(p,) = told['resume_from']; start(p['step']); finish(100)", bench.claim(), storage=home
    )
    assert (job.state, job.attempts[-1].start_step) == ("succeeded", 10)


@pytest.mark.parametrize("damage", ["truncate", "remove"])
def test_a_damaged_file_in_the_storage_is_passed_over_for_the_one_before(bench, lab, play, damage):
    play("start(); save(10); points(15); time.sleep(0.2); save(20); finish(20, completed=False)")
    claim = bench.claim()
    newest = lab.path(f"jobs/{claim.job_id}/{claim.checkpoints[0].path}")
    newest.write_bytes(b"half") if damage == "truncate" else newest.unlink()
    job = play("(p,) = told['resume_from']; start(p['step']); finish(100)", claim)
    assert (job.state, job.attempts[1].start_step) == ("succeeded", 10)
    assert any("step-20.pt is not used" in note for note in job.attempts[1].notes)


def test_a_superseded_attempt_that_still_brings_files_leaves_them_to_be_found(bench, lab, play):
    claim = bench.begin()
    go = bench.settings.home / "go"
    thread = in_background(
        play, claim, f"start(); points(5); wait_for({str(go)!r}); save(10); time.sleep(60)"
    )
    wait_until(lambda: bench.job(claim.job_id).progress.step == 5)
    bench.write(attempts.release, claim.attempt_id, kind="worker_lost", message="a sweep")
    bench.write(checkpoints.set_tidied, [claim.attempt_id])
    go.touch()
    thread.join(20)
    assert kept(bench, claim.job_id) == set()
    assert [a.id for a in bench.read(checkpoints.untidy, older_s=-1)] == [claim.attempt_id]


def test_with_a_real_object_store_it_is_the_same(bench, bucket, play, tmp_path):
    storage = open_storage(bucket.address, tmp_path)
    bench.write(lambda session: place.abandon(session))
    place.settle(bench.database, storage)
    # With as much patience as a worker has: on a busy machine the server answers late.
    play("start(); save(10); finish(10, completed=False)", storage=storage, stop_s=60.0)
    claim = bench.claim()
    assert bucket.names() == ["colrow-storage.json", f"jobs/{claim.job_id}/a1/step-10.pt"]
    job = play(
        "(p,) = told['resume_from']; start(p['step']); save(20); finish(20)", claim, storage=storage
    )
    assert job.state == "succeeded"
    assert bucket.names()[-1] == f"jobs/{job.id}/a2/step-20.pt"


def test_a_server_that_hangs_costs_a_wait_and_nothing_else(bench, bucket, play, tmp_path):
    storage = open_storage(bucket.address, tmp_path)
    bench.write(lambda session: place.abandon(session))
    place.settle(bench.database, storage)
    claim = bench.begin()
    bucket.server.freeze()
    thread = in_background(
        play, claim, "start(); save(10); points(11); finish(11)", storage=storage
    )
    wait_until(lambda: bench.job(claim.job_id).progress.step == 11)
    wait_until(lambda: notes(bench, claim.job_id), 60)
    assert bench.job(claim.job_id).state == "running"
    bucket.server.thaw()
    thread.join(60)
    assert bench.job(claim.job_id).state == "succeeded"
    assert [p.rpartition("/")[2] for p in kept(bench, claim.job_id)] == ["step-10.pt"]
