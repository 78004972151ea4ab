"""Folders of deleted jobs go, also when who deletes is killed; folders of others stay."""

import os
import time

import pytest

from store import jobs, removal

LEASE_S = 60.0


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


def folder(home, job_id):
    path = home / "jobs" / job_id / "a1"
    path.mkdir(parents=True)
    (path / "step-10.pt").touch()
    return path.parent


def left(bench, home, *, after_s=LEASE_S + 1):
    for path in (home / "deleting").iterdir():
        os.utime(path, (time.time() - after_s,) * 2)
    return bench.read(removal.left, home, older_s=LEASE_S)


def test_a_removed_folder_leaves_no_mark(bench, home):
    job_id = bench.submit()
    path = folder(home, job_id)
    removal.mark(home, job_id)
    removal.remove(home, job_id)
    assert not path.exists()
    assert not list((home / "deleting").iterdir())
    removal.remove(home, job_id)


def test_what_a_killed_api_left_is_found_after_a_lease(bench, home):
    job_id = bench.submit()
    path = folder(home, job_id)
    removal.mark(home, job_id)
    bench.write(jobs.delete, job_id)
    assert left(bench, home, after_s=LEASE_S - 1) == []
    assert left(bench, home) == [job_id]
    removal.remove(home, job_id)
    assert not path.exists()
    assert left(bench, home) == []


def test_a_deletion_that_was_not_committed_removes_nothing(bench, home):
    job_id = bench.submit()
    path = folder(home, job_id)
    removal.mark(home, job_id)
    assert left(bench, home) == []
    assert path.exists()
    assert not list((home / "deleting").iterdir())


def test_folders_that_nobody_deleted_stay(bench, home):
    path = folder(home, "019ab4f2-7c1e-7d3a-9b52-0c6f1d2e3a4b")  # of another database
    assert bench.read(removal.left, home, older_s=0) == []
    removal.mark(home, "notes")
    assert left(bench, home) == []
    assert path.exists()


def test_a_mark_that_cannot_be_made_is_no_error(home, caplog):
    home.parent.mkdir(exist_ok=True)
    home.touch()
    removal.mark(home, "019ab4f2-7c1e-7d3a-9b52-0c6f1d2e3a4b")
    assert "may be left" in caplog.text
