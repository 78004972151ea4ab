"""Checkpoints outlive their host: in an object store, or in a folder that hosts share."""

import signal
from pathlib import Path

import pytest

from store import checkpoints, jobs
from store.files import digest
from tests.object_store import Bucket
from tests.system.installation import Installation, long_spec, wait_until
from tests.system.test_worker_losses import EVERY_TENTH, STEPS, wait_for_checkpoint

pytestmark = pytest.mark.system


def step_files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("step-*") if path.is_file()}


def current(installation: Installation, job_id: str) -> set[str]:
    with installation.database.read() as session:
        return {c.path for c in checkpoints.read(session, job_id)}


def test_a_job_whose_host_was_lost_goes_on_elsewhere_from_the_object_store(
    either: Installation, bucket: Bucket
) -> None:
    """Bit for bit as if nothing had been; and nothing is left that nobody needs."""
    homes = [either.home / name for name in ("one", "two")]
    how = {"storage": bucket.address}
    first = either.start_worker(home=str(homes[0]), **how)
    job_id = either.submit(long_spec(STEPS))
    wait_for_checkpoint(either, job_id, 100)
    first.kill()
    either.start_worker(home=str(homes[1]), **how)
    job = either.wait(job_id, "succeeded", "failed", timeout_s=120)
    assert job.state == "succeeded", job.reason
    _, second = either.attempts(job_id)
    assert second.start_step >= 100
    assert set(either.steps(job_id)) >= EVERY_TENTH
    in_peace = either.submit(long_spec(STEPS))
    either.wait(in_peace, "succeeded", timeout_s=120)
    assert either.curve(job_id) == either.curve(in_peace)

    def of(job_id: str) -> set[str]:
        return {key for key in bucket.names() if key.startswith(f"jobs/{job_id}/")}

    for each in (job_id, in_peace):
        wait_until(lambda each=each: of(each) == current(either, each), "stale files are gone")
    assert step_files(homes[1]) == set()
    with either.database.write() as session:
        jobs.delete(session, job_id)
    wait_until(lambda: not of(job_id), "the files of the deleted job are gone")
    assert of(in_peace) == current(either, in_peace) != set()


def test_hosts_that_share_a_folder_take_each_others_jobs(installation: Installation) -> None:
    """Each mounts it at a place of its own."""
    mounted = installation.home / "mnt"
    mounted.symlink_to(installation.home / "lab")
    (installation.home / "lab").mkdir()
    first = installation.start_worker("host-a", home=str(installation.home / "lab"))
    job_id = installation.submit(long_spec(STEPS))
    wait_for_checkpoint(installation, job_id, 100)
    first.kill()
    installation.start_worker("host-b", home=str(mounted))
    assert installation.wait(job_id, "succeeded", "failed").state == "succeeded"
    assert installation.attempts(job_id)[1].start_step >= 100
    with installation.database.read() as session:
        for kept in checkpoints.read(session, job_id):
            assert digest(installation.home / "lab" / kept.path) == kept.sha256


def test_a_worker_that_does_not_reach_the_files_is_refused(installation: Installation) -> None:
    installation.start_worker()
    alone = installation.start_worker(home=str(installation.home / "alone"), wait=False)
    assert alone.process.wait(60) == 2
    assert f"lie in {installation.home}, and {installation.home}/alone is not" in alone.said()
    without = installation.start_worker(storage="gs://bucket/lab", wait=False)
    assert without.process.wait(60) == 2
    assert "COLROW_STORAGE=gs://bucket/lab cannot be used; install" in without.said()


def test_an_object_store_that_is_away_at_the_start_is_waited_for(
    installation: Installation, bucket: Bucket
) -> None:
    bucket.server.freeze()
    worker = installation.start_worker(storage=bucket.address, wait=False)
    wait_until(lambda: "does not answer, waiting for it" in worker.said(), "it waits", worker)
    bucket.server.thaw()
    wait_until(lambda: "Connected to redis" in worker.said(), "it listens", worker)


def test_a_worker_that_stops_while_its_storage_hangs_ends_all_the_same(
    installation: Installation, bucket: Bucket
) -> None:
    worker = installation.start_worker(storage=bucket.address, stop_s="3")
    job_id = installation.submit(long_spec(100_000))
    wait_for_checkpoint(installation, job_id, 50)
    bucket.server.freeze()
    worker.process.send_signal(signal.SIGTERM)
    assert worker.process.wait(60) == 0
    bucket.server.thaw()
    job = installation.job(job_id)
    assert job.state == "queued"
    assert job.attempts[0].reason is not None
    assert "its last checkpoint could not be brought" in job.attempts[0].reason.message
    assert not installation.trainers(job_id)


def test_the_trainer_does_not_learn_where_checkpoints_lie(
    installation: Installation, bucket: Bucket
) -> None:
    installation.start_worker(storage=bucket.address, warm_spare="false")
    job_id = installation.submit(long_spec(100_000))
    trainer = installation.wait_for_trainer(job_id)
    words = Path(f"/proc/{trainer}/environ").read_text()
    assert "COLROW_STORAGE" not in words
    assert "COLROW_DATABASE_URL" not in words
