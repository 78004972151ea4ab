"""Files that nobody needs are deleted where they lie, and no others."""

import os
import time

import pytest

from crs_core.events import CheckpointSaved
from store import attempts, checkpoints, jobs, place, recording, removal
from store.attempts import Outcome
from store.errors import StorageError
from store.files import Folder, digest, stays
from store.objects import open_storage
from tests.worker.conftest import wait_until
from worker import folders
from worker.housekeeping import Housekeeping

NEVER_S = 3600.0
AT_ONCE_S = -1.0


class Shelf:
    """A place of files, and jobs whose checkpoints are put there by hand."""

    def __init__(self, bench, storage, home):
        self.bench, self.storage, self.home = bench, storage, home
        place_id = place.settle(bench.database, storage)
        self.scratch = None if stays(storage) else folders.scratch(home, place_id)

    def save(self, claim, step, *, best=False, has_row=True):
        path = f"jobs/{claim.job_id}/a{claim.number}/step-{step}.pt"
        source = self.home / "source"
        source.parent.mkdir(parents=True, exist_ok=True)
        source.write_bytes(str(step).encode())
        sha256 = digest(source)
        self.storage.put(source, path, sha256)
        if has_row:
            event = CheckpointSaved(
                step=step, name=f"step-{step}.pt", size_bytes=2, sha256=sha256, best=best
            )
            self.bench.write(recording.record, claim.attempt_id, [event])
        return path

    def names(self, claim, number=None):
        return self.storage.names(f"jobs/{claim.job_id}/a{number or claim.number}")

    def keep_house(self, *, older_s=AT_ONCE_S):
        Housekeeping(self.bench.database, self.storage, self.scratch, older_s=older_s).run()


@pytest.fixture(params=["home", "folder", "s3"])
def shelf(request, bench, tmp_path):
    home = bench.settings.home
    if request.param == "home":
        return Shelf(bench, open_storage(None, home), home)
    if request.param == "folder":
        return Shelf(bench, open_storage(f"file://{tmp_path}/lab", home), home)
    return Shelf(bench, open_storage(request.getfixturevalue("bucket").address, home), home)


def end(bench, claim):
    bench.write(attempts.release, claim.attempt_id, kind="k", message="m", blameless=True)


def test_stale_files_go_and_current_ones_stay(bench, shelf):
    claim = bench.begin()
    for step in (10, 20, 30, 40):
        shelf.save(claim, step, best=step == 10)
    shelf.keep_house()
    assert shelf.names(claim) == ["step-10.pt", "step-30.pt", "step-40.pt"]
    assert bench.read(checkpoints.stale) == ()


def test_after_success_only_the_best_and_the_latest_stay(bench, shelf):
    claim = bench.begin()
    for step in (10, 20, 30):
        shelf.save(claim, step, best=step == 10)
    bench.write(attempts.finish, claim.attempt_id, Outcome.SUCCEEDED)
    shelf.keep_house()
    assert shelf.names(claim) == ["step-10.pt", "step-30.pt"]


def test_retention_counts_over_all_attempts(bench, shelf):
    first = bench.begin()
    shelf.save(first, 10, best=True)
    shelf.save(first, 20)
    end(bench, first)
    second = bench.claim()
    shelf.save(second, 30)
    shelf.save(second, 40)
    shelf.keep_house()
    assert shelf.names(first) == ["step-10.pt"]
    assert shelf.names(second) == ["step-30.pt", "step-40.pt"]


def test_what_an_ended_attempt_left_without_a_row_goes(bench, shelf):
    first = bench.begin()
    shelf.save(first, 10)
    shelf.save(first, 20, has_row=False)
    shelf.keep_house()
    assert shelf.names(first) == ["step-10.pt", "step-20.pt"]  # it may still be told of
    end(bench, first)
    second = bench.claim()
    shelf.save(second, 30, has_row=False)
    shelf.keep_house(older_s=NEVER_S)
    assert shelf.names(first) == ["step-10.pt", "step-20.pt"]
    shelf.keep_house()
    assert shelf.names(first) == ["step-10.pt"]
    assert shelf.names(second) == ["step-30.pt"]
    assert bench.read(checkpoints.untidy, older_s=AT_ONCE_S) == ()


def test_the_files_of_a_deleted_job_go(bench, shelf):
    claim = bench.begin()
    shelf.save(claim, 10)
    shelf.save(claim, 20, has_row=False)
    bench.write(attempts.finish, claim.attempt_id, Outcome.FAILED)
    bench.write(jobs.delete, claim.job_id)
    shelf.keep_house()
    assert shelf.names(claim) == []
    assert bench.read(removal.due) == []


def test_while_a_backup_reads_files_all_that_had_a_row_stay(bench, shelf):
    claim = bench.begin()
    for step in (10, 20, 30):
        shelf.save(claim, step)
    bench.write(place.hold, 60)
    end(bench, claim)
    shelf.keep_house()
    assert shelf.names(claim) == ["step-10.pt", "step-20.pt", "step-30.pt"]


def test_in_a_place_that_is_not_mounted_nothing_counts_as_deleted(bench, tmp_path):
    home = bench.settings.home
    shelf = Shelf(bench, Folder(home, is_home=True), home)
    claim = bench.begin()
    for step in (10, 20, 30):
        shelf.save(claim, step)
    away = home.rename(home.with_name("away"))
    with pytest.raises(StorageError, match="is it mounted"):
        shelf.keep_house()
    away.rename(home)
    assert [file.path[-10:] for file in bench.read(checkpoints.stale)] == ["step-10.pt"]
    shelf.keep_house()
    assert shelf.names(claim) == ["step-20.pt", "step-30.pt"]


def test_a_file_that_cannot_be_deleted_keeps_its_row(bench, tmp_path, monkeypatch):
    home = bench.settings.home
    shelf = Shelf(bench, Folder(home, is_home=True), home)
    claim = bench.begin()
    for step in (10, 20, 30, 40):
        shelf.save(claim, step)
    delete = Folder.delete

    def refuse(self, path):
        if path.endswith("step-20.pt"):
            raise StorageError("refused")
        delete(self, path)

    monkeypatch.setattr(Folder, "delete", refuse)
    with pytest.raises(StorageError, match="refused"):
        shelf.keep_house()
    assert [file.path[-10:] for file in bench.read(checkpoints.stale)] == ["step-20.pt"]


def test_what_a_killed_worker_left_in_its_scratch_goes_and_what_runs_stays(bench, tmp_path):
    home = bench.settings.home
    shelf = Shelf(bench, open_storage(f"file://{tmp_path}/lab", home), home)
    first = bench.begin()
    end(bench, first)
    second = bench.claim()
    for claim in (first, second):
        folder = folders.attempt_folder(shelf.scratch, claim.job_id, claim.number)
        folder.mkdir(parents=True)
        (folder / "step-5.pt").touch()
        os.utime(folder, (time.time() - 100,) * 2)
    (shelf.scratch / "jobs" / "notes").mkdir()
    shelf.keep_house(older_s=NEVER_S)
    assert len(list(shelf.scratch.glob("jobs/*/a*"))) == 2
    shelf.keep_house(older_s=50)
    assert [f.name for f in shelf.scratch.glob("jobs/*/*")] == ["a2"]
    assert (shelf.scratch / "jobs" / "notes").exists()


def test_files_that_another_service_keeps_in_the_same_home_stay(bench, tmp_path):
    """The home of `colrow up` is the default home of a worker whose files lie elsewhere."""
    home = bench.settings.home
    theirs = home / "jobs" / "of-another-service" / "a1" / "step-10.pt"
    theirs.parent.mkdir(parents=True)
    theirs.touch()
    os.utime(theirs.parent, (time.time() - 1000,) * 2)
    Shelf(bench, open_storage(f"file://{tmp_path}/lab", home), home).keep_house()
    assert theirs.exists()


def test_what_can_never_be_deleted_keeps_no_other_file(bench):
    home = bench.settings.home
    shelf = Shelf(bench, open_storage(None, home), home)
    odd, other = bench.begin(), bench.begin()
    for claim in (odd, other):
        bench.write(attempts.finish, claim.attempt_id, Outcome.FAILED)
        bench.write(jobs.delete, claim.job_id)
    (home / "jobs").mkdir()
    (home / "jobs" / odd.job_id).symlink_to(home)  # is no folder, and is not followed
    (home / "jobs" / other.job_id).mkdir()
    for _ in range(2):
        shelf.keep_house()
    assert not (home / "jobs" / other.job_id).exists()
    assert bench.read(removal.due) == [odd.job_id]


def test_a_round_runs_beside_the_heartbeat_and_says_what_it_could_not_do(bench, tmp_path, caplog):
    home = bench.settings.home
    claim = bench.begin()
    bench.write(attempts.finish, claim.attempt_id, Outcome.FAILED)
    bench.write(jobs.delete, claim.job_id)
    keeper = Housekeeping(bench.database, Folder(home, is_home=True), None, older_s=AT_ONCE_S)
    keeper.run_soon()
    wait_until(lambda: "files that nobody needs stay for now" in caplog.text)
