"""What nobody needs is deleted, and nothing else."""

import os

import pytest

from worker import folders


@pytest.fixture
def job(tmp_path):
    for number, names in {
        1: ["step-10.pt", "step-20.pt", ".step-30.pt.17.part", "trainer.json"],
        2: ["step-40.pt"],
        3: ["step-50.pt"],
    }.items():
        folder = folders.attempt_folder(tmp_path, "j", number)
        folder.mkdir(parents=True)
        for name in names:
            (folder / name).write_text("x")
    os.mkfifo(tmp_path / "jobs/j/a1/events.fifo")
    return folders.job_folder(tmp_path, "j")


def files(job):
    return sorted(str(path.relative_to(job)) for path in job.rglob("*") if not path.is_dir())


def test_what_has_no_row_is_deleted_from_the_folders_of_earlier_attempts(job):
    folders.tidy(job, keep={"a1/step-20.pt"}, current=3)
    assert files(job) == ["a1/step-20.pt", "a3/step-50.pt"]


def test_an_emptied_folder_goes_too(job):
    folders.tidy(job, keep={"a1/step-20.pt"}, current=3)
    assert sorted(path.name for path in job.iterdir()) == ["a1", "a3"]


def test_a_stale_file_is_deleted_and_one_that_is_gone_is_no_error(tmp_path, job):
    folders.delete(tmp_path, ["jobs/j/a1/step-10.pt", "jobs/j/a9/step-1.pt"])
    assert "a1/step-10.pt" not in files(job)
    assert "a1/step-20.pt" in files(job)
