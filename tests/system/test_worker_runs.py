"""A worker runs what is submitted: at once, each job once, whatever the broker does."""

import re
import time
from pathlib import Path

import pytest

from crs_core.data.facts import FACTS
from store import checkpoints, queue, workers
from tests.system.installation import long_spec, tiny_spec, wait_until

pytestmark = pytest.mark.system

NEVER = {"sweep_s": "3600"}
"""Only messages wake such a worker."""


def test_a_submitted_job_runs_to_its_end(either):
    either.start_worker()
    job_id = either.submit(tiny_spec())
    job = either.wait(job_id, "succeeded", "failed")
    assert job.state == "succeeded"
    assert either.steps(job_id) == [5, 10, 15, 20]
    with either.database.read() as session:
        newest = checkpoints.read(session, job_id)[0]
    assert newest.step == 21
    assert (either.home / newest.path).stat().st_size == newest.size_bytes


def test_a_job_starts_within_a_second_under_a_light_supervisor_without_torch(installation):
    worker = installation.start_worker(**NEVER)
    wait_until(lambda: "the spare trainer is ready" in worker.said(), "torch is imported", worker)
    before_s = time.time()
    job_id = installation.submit(long_spec(1000))
    wait_until(lambda: installation.attempts(job_id), "an attempt begins")
    assert installation.attempts(job_id)[0].started_at - before_s < 1
    installation.wait_for_trainer(job_id)
    assert time.time() - before_s < 1.5
    assert installation.wait(job_id, "succeeded", "failed").state == "succeeded"
    # One that has just got free hears as quickly.
    before_s = time.time()
    job_id = installation.submit(long_spec(1000))
    wait_until(lambda: installation.attempts(job_id), "an attempt begins")
    assert installation.attempts(job_id)[0].started_at - before_s < 0.9
    installation.wait_for_trainer(job_id)
    status = Path(f"/proc/{worker.pid}/status").read_text()
    resident_kb = int(re.search(r"VmRSS:\s+(\d+) kB", status)[1])
    assert resident_kb <= 120 * 1024
    assert "torch" not in Path(f"/proc/{worker.pid}/maps").read_text()


def test_a_worker_that_a_sweep_made_busy_takes_no_message_from_an_idle_one(installation):
    first = installation.submit(long_spec(), ring=False)
    installation.start_worker(**NEVER)  # it sweeps once, at its start
    installation.wait(first, "running")
    installation.start_worker(**NEVER)
    for seed in range(4):
        before_s = time.time()
        job_id = installation.submit(tiny_spec(seed=seed))
        wait_until(lambda i=job_id: installation.attempts(i), "an attempt begins", timeout_s=10)
        assert installation.attempts(job_id)[0].started_at - before_s < 1.2
        assert installation.wait(job_id, "succeeded", "failed").state == "succeeded"
    assert installation.job(first).state == "running"


def test_a_message_that_came_to_a_busy_worker_is_heeded_when_it_is_free(installation):
    """Nobody else is there: it waits in the queue, and no sweep comes to help."""
    first = installation.submit(long_spec(1500), ring=False)
    installation.start_worker(**NEVER)
    installation.wait(first, "running")
    second = installation.submit(tiny_spec())
    with installation.broker.client() as client:
        time.sleep(1.0)
        waiting = client.llen("celery")
        assert waiting in (1, 2)  # the sweep that found the first job may have rung too
        time.sleep(0.5)
        assert client.llen("celery") == waiting
    assert installation.job(second).state == "queued"
    assert installation.wait(second, "succeeded", "failed").state == "succeeded"
    assert installation.job(first).state == "succeeded"


def test_two_workers_share_ten_jobs_and_run_none_twice(installation):
    for _ in range(2):
        installation.start_worker()
    job_ids = [installation.submit(tiny_spec(seed=seed)) for seed in range(10)]
    found = [installation.wait(job_id, "succeeded", "failed", timeout_s=120) for job_id in job_ids]
    assert {job.state for job in found} == {"succeeded"}
    attempts = [installation.attempts(job_id) for job_id in job_ids]
    assert [len(of_job) for of_job in attempts] == [1] * 10
    assert len({of_job[0].worker_key for of_job in attempts}) == 2


def test_a_worker_goes_on_to_the_next_job_without_another_message(installation):
    first, second = (installation.submit(tiny_spec(), ring=False) for _ in range(2))
    installation.start_worker(**NEVER)
    # The first sweep of a worker finds what waited before it came; nobody rang.
    for job_id in (first, second):
        assert installation.wait(job_id, "succeeded", "failed").state == "succeeded"


def test_messages_to_a_busy_worker_are_harmless_and_it_still_hears_afterwards(installation):
    installation.start_worker(**NEVER)
    job_id = installation.submit(tiny_spec())
    installation.wait_for_trainer(job_id)
    for _ in range(5):
        queue.ring(installation.broker.url)
    # It takes no message while it is busy: each could wake somebody else.
    with installation.broker.client() as client:
        assert client.llen("celery") == 5
    assert installation.wait(job_id, "succeeded", "failed").state == "succeeded"
    wait_until(lambda: _waiting(installation) == 0, "the messages are taken and dropped")
    assert len(installation.attempts(job_id)) == 1
    again = installation.submit(tiny_spec())
    wait_until(lambda: installation.attempts(again), "the next job begins", timeout_s=5)
    installation.wait(again, "succeeded")


def _waiting(installation):
    with installation.broker.client() as client:
        return client.llen("celery")


def test_emptying_the_broker_loses_no_job(installation):
    installation.start_worker()
    first, second = (installation.submit(tiny_spec()) for _ in range(2))
    installation.wait_for_trainer(first)
    third = installation.submit(tiny_spec())
    with installation.broker.client() as client:
        client.flushall()
    for job_id in (first, second, third):
        assert installation.wait(job_id, "succeeded", "failed").state == "succeeded"


def test_jobs_run_while_there_is_no_broker_and_its_return_is_noticed(installation):
    worker = installation.start_worker()
    installation.broker.stop()
    without = installation.submit(tiny_spec())
    assert installation.wait(without, "succeeded", "failed").state == "succeeded"
    installation.broker.start()
    wait_until(
        lambda: worker.said().count("Connected to redis") == 2, "it is connected again", worker
    )
    assert installation.wait(installation.submit(tiny_spec()), "succeeded").state == "succeeded"


def test_a_broker_that_restarts_during_a_job_harms_neither_it_nor_the_next(installation):
    installation.start_worker(**NEVER)
    job_id = installation.submit(long_spec(300))
    installation.wait_for_step(job_id, 10)
    installation.broker.stop()
    time.sleep(0.5)
    installation.broker.start()
    assert installation.wait(job_id, "succeeded", "failed").state == "succeeded"
    assert len(installation.attempts(job_id)) == 1
    again = installation.submit(tiny_spec())
    wait_until(lambda: installation.attempts(again), "the next job begins", timeout_s=10)


def test_a_damaged_data_set_fails_the_job_with_the_reason_and_is_not_tried_again(installation):
    folder = installation.home / "datasets/mnist"
    folder.mkdir(parents=True)
    for file in FACTS["mnist"].files:
        with (folder / file.name).open("wb") as made:
            made.truncate(file.size)
    installation.start_worker()
    job = installation.wait(
        installation.submit(tiny_spec(**{"dataset.name": "mnist"})), "failed", "succeeded"
    )
    assert (job.state, job.reason.kind) == ("failed", "dataset")
    assert "train-images-idx3-ubyte" in job.reason.message
    assert len(installation.attempts(job.id)) == 1


def test_a_job_whose_data_set_an_offline_worker_lacks_waits(installation):
    installation.start_worker()
    lacking = installation.submit(tiny_spec(**{"dataset.name": "mnist"}))
    after = installation.submit(tiny_spec())
    installation.wait(after, "succeeded")
    assert installation.job(lacking).state == "queued"


def test_a_worker_tells_what_it_does_and_says_goodbye(installation):
    worker = installation.start_worker("left")

    def view():
        with installation.database.read() as session:
            (found,) = workers.list_workers(session)
        return found

    wait_until(lambda: view().memory_used_bytes, "it has beaten once")
    assert (view().name, view().state, view().datasets) == ("left", "idle", ("digits", "pydoc"))
    job_id = installation.submit(tiny_spec())
    installation.wait(job_id, "running")
    assert (view().state, view().job_id) == ("busy", job_id)
    installation.wait(job_id, "succeeded")
    wait_until(lambda: view().state == "idle", "it is idle again", timeout_s=2)
    assert worker.stop() == 0
    assert (view().state, view().alive) == ("stopped", False)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"database_url": "sqlite:////proc/none/colrow.db"}, "waiting for it"),
        ({"devices": "cpu,0"}, "COLROW_DEVICES: devices are `cpu`, or CUDA devices"),
        ({"lease_s": "long"}, "COLROW_LEASE_S: this must be a number; got 'long'"),
        ({"devices": "banana"}, "'banana' is none"),
        ({"home": "/proc/none"}, "the folder of COLROW_HOME cannot be used"),
        ({"home": "/sys/kernel"}, "the folder of COLROW_HOME cannot be used"),
    ],
)
def test_a_worker_that_cannot_start_says_why(installation, settings, words):
    worker = installation.start_worker(wait=False, **settings)
    wait_until(lambda: words in worker.said(), words)
    assert "Traceback" not in worker.said()


def test_a_database_without_tables_is_refused_with_advice(installation):
    worker = installation.start_worker(
        wait=False, database_url=f"sqlite:///{installation.home}/other.db"
    )
    assert worker.process.wait(20) == 2
    assert "run `colrow db upgrade`" in worker.said()
