"""Whatever is killed, the job goes on: each step once, nothing written by who was superseded."""

import os
import resource
import signal
import sqlite3
import time
from contextlib import closing

import psycopg
import pytest

from store import checkpoints, jobs
from tests.system.installation import POSTGRES, Installation, Worker, long_spec, plain, wait_until

pytestmark = pytest.mark.system
STEPS = 600
EVERY_TENTH = set(range(10, STEPS + 1, 10))
"""The steps that are told, beside some at the ends of epochs."""


def wait_for_checkpoint(installation: Installation, job_id: str, step: int) -> None:
    def is_there() -> bool:
        with installation.database.read() as session:
            found = checkpoints.read(session, job_id)
        return bool(found) and found[0].step >= step

    wait_until(is_there, f"a checkpoint of step {step} or later")


def freeze(worker: Worker, installation: Installation) -> None:
    """Stop a worker, but not in the middle of a transaction: on SQLite that would stop all."""
    path = installation.database_url.removeprefix("sqlite:///")

    def is_between() -> bool:
        worker.process.send_signal(signal.SIGSTOP)
        try:
            with closing(sqlite3.connect(path, timeout=0.2, isolation_level=None)) as connection:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")
        except sqlite3.OperationalError:
            worker.process.send_signal(signal.SIGCONT)
            return False
        return True

    wait_until(is_between, "the worker is stopped between two transactions")


def test_a_job_whose_trainer_and_then_worker_were_killed_is_as_if_nothing_had_been(either):
    """Bit for bit: the training loss of every step is that of a job left in peace."""
    either.start_worker()
    job_id = either.submit(long_spec(STEPS))
    wait_for_checkpoint(either, job_id, 100)
    os.kill(either.wait_for_trainer(job_id), signal.SIGKILL)
    wait_until(lambda: either.attempts(job_id)[-1].start_step, "it goes on")
    wait_for_checkpoint(either, job_id, 200)
    trainer = either.wait_for_trainer(job_id)
    either.workers[0].kill()
    wait_until(lambda: trainer not in either.trainers(job_id), "it dies with its worker", None, 5)
    either.start_worker()
    job = either.wait(job_id, "succeeded", "failed")
    assert job.state == "succeeded"
    first, second, third = either.attempts(job_id)
    assert first.reason_kind == "trainer_lost"
    assert second.reason_kind == "worker_lost"
    assert second.start_step >= 100
    assert third.start_step >= 200
    in_peace = either.submit(long_spec(STEPS))
    either.wait(in_peace, "succeeded")
    assert either.curve(job_id) == either.curve(in_peace)
    assert set(either.steps(job_id)) >= EVERY_TENTH


def test_an_idle_worker_that_is_told_to_stop_many_times_at_once_ends(installation):
    worker = installation.start_worker()
    for _ in range(100):
        os.kill(worker.pid, signal.SIGTERM)
    assert worker.stop() == 0


def test_a_superseded_attempt_writes_nothing(installation):
    slept = installation.start_worker("slept")
    job_id = installation.submit(long_spec(STEPS))
    wait_for_checkpoint(installation, job_id, 100)
    freeze(slept, installation)
    old = installation.trainers(job_id)
    installation.start_worker("awake")
    wait_until(lambda: len(installation.attempts(job_id)) == 2, "the next attempt begins")
    slept.process.send_signal(signal.SIGCONT)
    wait_until(lambda: "fenced" in slept.said(), "the old supervisor is fenced", slept)
    wait_until(lambda: not set(old) & set(installation.trainers(job_id)), "its trainer is gone")
    assert installation.wait(job_id, "succeeded", "failed").state == "succeeded"
    first, second = installation.attempts(job_id)
    assert (first.state, first.reason_kind) == ("lost", "worker_lost")
    assert set(installation.steps(job_id)) >= EVERY_TENTH
    assert second.start_step >= 100
    with installation.database.read() as session:
        newest, *others = checkpoints.read(session, job_id)
    assert newest.attempt == 2
    # The best one may be what the first attempt saved while it was the current one.
    assert all(one.attempt == 2 or one.step <= second.start_step for one in others)
    assert slept.process.poll() is None


def test_a_cancel_takes_effect_within_five_seconds_and_leaves_a_checkpoint(either):
    either.start_worker(heartbeat_s="1", lease_s="60")
    job_id = either.submit(long_spec(**{"report.checkpoint_every_s": 3600}))
    either.wait_for_step(job_id, 50)
    before_s = time.monotonic()
    with either.database.write() as session:
        jobs.request_cancel(session, job_id)
    job = either.wait(job_id, "cancelled", timeout_s=10)
    assert time.monotonic() - before_s < 5
    with either.database.read() as session:
        newest = checkpoints.read(session, job_id)[0]
    assert job.reason.message == f"cancelled at step {newest.step:,}"
    assert (either.home / newest.path).exists()
    assert not either.trainers(job_id)


def test_a_paused_job_goes_on_where_it_was(installation):
    installation.start_worker()
    job_id = installation.submit(long_spec(STEPS))
    installation.wait_for_step(job_id, 50)
    with installation.database.write() as session:
        jobs.request_pause(session, job_id)
    paused = installation.wait(job_id, "paused", "succeeded")
    assert paused.state == "paused"
    with installation.database.write() as session:
        jobs.resume(session, job_id)
    assert installation.wait(job_id, "succeeded", "failed").state == "succeeded"
    _, second = installation.attempts(job_id)
    assert paused.reason.message == f"paused at step {second.start_step:,}"
    assert set(installation.steps(job_id)) >= EVERY_TENTH


def test_a_worker_that_is_told_to_stop_saves_and_another_goes_on(installation):
    worker = installation.start_worker()
    job_id = installation.submit(long_spec(STEPS, **{"report.checkpoint_every_s": 3600}))
    installation.wait_for_step(job_id, 50)
    assert worker.stop() == 0
    assert installation.job(job_id).state == "queued"
    installation.start_worker()
    assert installation.wait(job_id, "succeeded", "failed").state == "succeeded"
    first, second = installation.attempts(job_id)
    assert first.reason_kind == "worker_stopped"
    assert second.start_step >= 50


@pytest.mark.needs("postgresql", "redis")
def test_a_database_that_is_away_for_a_while_costs_no_point(cluster):
    cluster.start_worker(lease_s="30")
    job_id = cluster.submit(long_spec(STEPS))
    cluster.wait_for_step(job_id, 50)
    name = cluster.database_url.rsplit("/", 1)[1]
    with psycopg.connect(plain(POSTGRES), autocommit=True) as server:
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )
        time.sleep(2)
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    assert cluster.wait(job_id, "succeeded", "failed").state == "succeeded"
    assert len(cluster.attempts(job_id)) == 1
    assert set(cluster.steps(job_id)) >= EVERY_TENTH
    assert "the database cannot be written to, trying again" in cluster.workers[0].said()


def test_a_disk_without_room_costs_no_training_and_is_told(installation):
    installation.start_worker()
    job_id = installation.submit(long_spec(3000))
    wait_for_checkpoint(installation, job_id, 20)
    trainer = installation.wait_for_trainer(job_id)
    # No file of the trainer may grow past this: the next checkpoint does not fit.
    before = resource.prlimit(trainer, resource.RLIMIT_FSIZE)
    resource.prlimit(trainer, resource.RLIMIT_FSIZE, (1000, before[1]))

    def told():
        return installation.job(job_id).attempts[0].notes

    wait_until(told, "the job's page tells of it")
    (note,) = told()
    assert "could not be written: File too large. Training goes on" in note
    with installation.database.read() as session:
        kept = checkpoints.read(session, job_id)[0]
    assert (installation.home / kept.path).stat().st_size == kept.size_bytes
    resource.prlimit(trainer, resource.RLIMIT_FSIZE, before)
    wait_for_checkpoint(installation, job_id, kept.step + 1)
    assert installation.wait(job_id, "succeeded", "failed").state == "succeeded"
    assert len(installation.attempts(job_id)) == 1


def test_files_that_are_neither_newest_nor_best_are_deleted(installation):
    installation.start_worker()
    job_id = installation.submit(long_spec(STEPS, **{"report.checkpoint_every_s": 0.05}))
    assert installation.wait(job_id, "succeeded", "failed").state == "succeeded"

    def on_disk():
        return {path.name for path in (installation.home / "jobs" / job_id).rglob("*.pt")}

    with installation.database.read() as session:
        current = {found.name for found in checkpoints.read(session, job_id)}
    assert len(current) <= 3
    wait_until(lambda: on_disk() == current, "only current files are left", timeout_s=10)
