"""Files of deleted jobs go, also when who deletes is killed; files of others stay."""

import pytest

from store import jobs, place, removal
from store.errors import StorageError
from store.files import Folder


@pytest.fixture
def storage(tmp_path):
    return Folder(tmp_path / "home", is_home=True)


def folder(storage, job_id):
    path = storage.root / "jobs" / job_id / "a1"
    path.mkdir(parents=True)
    (path / "step-10.pt").touch()
    return path.parent


def test_the_files_of_a_deleted_job_go_and_those_of_others_stay(bench, storage):
    kept, gone = bench.submit(), bench.submit()
    paths = {job_id: folder(storage, job_id) for job_id in (kept, gone)}
    bench.write(jobs.delete, gone)
    assert removal.remove(bench.database, storage) == 1
    assert paths[kept].exists()
    assert not paths[gone].exists()
    assert removal.remove(bench.database, storage) == 0


def test_a_deletion_that_was_rolled_back_removes_nothing(bench, storage):
    job_id = bench.submit()
    path = folder(storage, job_id)

    def delete_and_fail(session):
        jobs.delete(session, job_id)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        bench.write(delete_and_fail)
    assert removal.remove(bench.database, storage) == 0
    assert path.exists()


def test_folders_that_nobody_deleted_stay(bench, storage):
    path = folder(storage, "019ab4f2-7c1e-7d3a-9b52-0c6f1d2e3a4b")  # of another database
    assert removal.remove(bench.database, storage) == 0
    assert path.exists()


def test_what_cannot_be_removed_is_left_for_the_next_turn(bench, storage, caplog, monkeypatch):
    job_id = bench.submit()
    path = folder(storage, job_id)
    bench.write(jobs.delete, job_id)

    def refuse(_folder):
        raise StorageError("the bucket does not answer")

    with monkeypatch.context() as patch:
        patch.setattr(storage, "delete_folder", refuse)
        assert removal.remove(bench.database, storage) == 0
    assert "the bucket does not answer" in caplog.text
    assert removal.remove(bench.database, storage) == 1
    assert not path.exists()


def test_a_job_that_never_ran_leaves_nothing_to_remove(bench, storage):
    bench.write(jobs.delete, bench.submit())
    assert removal.remove(bench.database, storage) == 1


def test_while_a_backup_reads_files_none_is_removed(bench, storage):
    path = folder(storage, bench.submit())
    bench.write(place.hold, 60)
    bench.write(jobs.delete, path.name)
    assert removal.remove(bench.database, storage) == 0
    assert path.exists()
