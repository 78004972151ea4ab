"""Workers that share: who gives way, who waits for how long, who is who, and when a worker ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import select

from store import checkpoints, jobs, queue, shares, workers
from store.shares import Rules
from store.tables import Attempt
from tests.system.installation import Installation, Worker, long_spec, tiny_spec, wait_until

pytestmark = pytest.mark.system
STEPS = 4000
"""Of a job that must not end before it is asked to give way."""
RARELY = {"report.checkpoint_every_s": 3600}
"""Such a job has no checkpoint but those of an epoch's end and of a stop."""


def living(installation: Installation) -> list[workers.WorkerView]:
    with installation.database.read() as session:
        return [view for view in workers.list_workers(session) if view.alive]


def newest_step(installation: Installation, job_id: str) -> int:
    with installation.database.read() as session:
        return checkpoints.read(session, job_id)[0].step


def test_a_preemptible_job_gives_way_and_goes_on_where_it_was(either):
    with either.database.write() as session:
        shares.set_rules(session, Rules(preempt_after_s=0))
    either.start_worker()
    gives_way = either.submit(long_spec(STEPS, **RARELY, **{"resources.preemptible": True}))
    either.wait_for_step(gives_way, 50)
    urgent = either.submit(tiny_spec(), priority=5)
    assert either.wait(urgent, "succeeded", "failed").state == "succeeded"
    assert either.job(gives_way).state in ("queued", "running")
    assert either.wait(gives_way, "succeeded", "failed").state == "succeeded"
    first, second = either.attempts(gives_way)
    assert first.reason_kind == "preempted"
    assert first.reason_message == (
        f"gave way to a job of higher priority at step {second.start_step:,}"
    )
    assert second.start_step >= 50
    assert first.ended_at <= either.attempts(urgent)[0].started_at
    assert either.job(urgent).finished_at <= second.started_at
    in_peace = either.submit(long_spec(STEPS, **RARELY, **{"resources.preemptible": True}))
    either.wait(in_peace, "succeeded")
    assert either.curve(gives_way) == either.curve(in_peace)


def test_a_pause_takes_effect_within_five_seconds_and_leaves_a_checkpoint(either):
    either.start_worker(heartbeat_s="1", lease_s="60")
    job_id = either.submit(long_spec(**RARELY))
    either.wait_for_step(job_id, 50)
    before_s = time.monotonic()
    with either.database.write() as session:
        jobs.request_pause(session, job_id)
    job = either.wait(job_id, "paused", timeout_s=30)
    took_s = time.monotonic() - before_s
    step = newest_step(either, job_id)
    assert job.reason.message == f"paused at step {step:,}"
    assert not either.trainers(job_id)
    with either.database.write() as session:
        jobs.resume(session, job_id)
    either.wait_for_step(job_id, step + 20)
    assert either.attempts(job_id)[1].start_step == step
    assert took_s < 5


def test_a_job_stops_when_it_has_run_for_as_long_as_it_may_and_goes_on_with_more(either):
    """The time of both attempts counts."""
    worker = either.start_worker()
    job_id = either.submit(long_spec(**{"resources.wall_time_s": 3600}))
    either.wait_for_step(job_id, 10)
    worker.stop()
    assert either.job(job_id).state == "queued"
    with either.database.write() as session:
        attempt = session.scalars(select(Attempt)).one()
        attempt.started_at = attempt.ended_at - 3590
    either.start_worker()
    job = either.wait(job_id, "failed", "succeeded")
    assert (job.state, job.reason.kind) == ("failed", "wall_time")
    assert "retry it with a larger wall_time_s" in job.reason.message
    step = newest_step(either, job_id)
    assert f"stopped at step {step:,}: the job has run for" in job.reason.message
    with either.database.write() as session:
        jobs.retry(session, job_id, wall_time_s=86_400)
    queue.ring(either.broker.url)
    either.wait_for_step(job_id, step + 10)
    assert either.attempts(job_id)[-1].start_step == step


def test_a_job_that_needs_two_devices_waits_for_a_slot_that_has_them(installation):
    installation.start_worker()
    job_id = installation.submit(tiny_spec(**{"resources.devices": 2}))

    def waits_for() -> str | None:
        with installation.database.read() as session:
            return queue.read(session)[0].waits_for

    assert waits_for() == "a worker that owns 2 devices"
    installation.start_worker(devices="cpu,cpu")
    assert installation.wait(job_id, "succeeded", "failed").state == "succeeded"
    assert installation.attempts(job_id)[0].device_count == 2


@contextmanager
def nameless(installation: Installation, home: Path) -> Iterator[Worker]:
    """Run a worker that finds a name for itself."""
    shared = f"file://{installation.home}/files"
    environment = installation.environment(home=str(home), storage=shared)
    environment.pop("COLROW_NAME", None)
    log = installation.home / f"{home.name}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "worker"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
    worker = Worker(home.name, process, log)
    try:
        wait_until(
            lambda: process.pid in {view.pid for view in living(installation)}, "it enters", worker
        )
        yield worker
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


@pytest.mark.needs("postgresql", "redis")
def test_workers_of_two_homes_on_one_host_have_rows_of_their_own(cluster):
    here, there = cluster.home / "here", cluster.home / "there"
    with nameless(cluster, here) as first, nameless(cluster, there) as second:
        of = {view.pid: view.name for view in living(cluster)}
        assert set(of) == {first.pid, second.pid}
        assert len(set(of.values())) == 2
        ids = [cluster.submit(tiny_spec(seed=seed)) for seed in range(4)]
        for job_id in ids:
            assert cluster.wait(job_id, "succeeded", "failed").state == "succeeded"
            assert len(cluster.attempts(job_id)) == 1
        second.kill()
        with nameless(cluster, there) as again:
            assert {view.pid: view.name for view in living(cluster)} == {
                first.pid: of[first.pid],
                again.pid: of[second.pid],
            }


def test_a_worker_ends_by_itself_when_nothing_was_to_be_done_for_long_enough(either):
    worker = either.start_worker(until_idle_s="4")
    ids = [either.submit(tiny_spec(seed=seed)) for seed in range(2)]
    assert worker.process.wait(60) == 0
    assert [either.job(job_id).state for job_id in ids] == ["succeeded"] * 2
    assert "no job for 4 s, so the worker ends" in worker.said()
    assert living(either) == []
    with either.database.read() as session:
        assert [view.state for view in workers.list_workers(session)] == ["stopped"]
    assert either.job(ids[1]).finished_at + 4 <= time.time()


def test_a_job_that_waits_but_does_not_fit_keeps_no_worker(installation):
    lacking = installation.submit(tiny_spec(**{"resources.devices": 8}))
    worker = installation.start_worker(until_idle_s="2")
    assert worker.process.wait(60) == 0
    assert installation.job(lacking).state == "queued"


@pytest.mark.needs("postgresql", "redis")
def test_a_second_machine_joins_with_one_command_and_leaves(cluster, tmp_path):
    """As on a Slurm cluster: the command ends when nothing is left to do."""
    job_id = cluster.submit(tiny_spec(), ring=False)
    environment = {n: v for n, v in os.environ.items() if not n.startswith("COLROW_")}
    environment |= {"COLROW_HOME": str(cluster.home), "COLROW_OFFLINE": "true"}
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "colrow", "worker", "--until-idle", "3s"),
            *("--database", cluster.database_url, "--broker", cluster.broker.url),
        ],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert cluster.job(job_id).state == "succeeded"
    assert living(cluster) == []
    with cluster.database.read() as session:
        (view,) = workers.list_workers(session)
    assert view.name.endswith("/cpu/1")
    assert view.hardware[0].memory_bytes


def test_an_owner_at_the_cap_lets_others_pass(installation):
    with installation.database.write() as session:
        shares.set_rules(session, Rules(max_running=1))
    for _ in range(2):
        installation.start_worker()
    ada = [installation.submit(long_spec(**RARELY), owner="ada", priority=9) for _ in range(2)]
    bob = installation.submit(tiny_spec(), owner="bob")
    assert installation.wait(bob, "succeeded", "failed").state == "succeeded"
    assert [installation.job(job_id).state for job_id in ada] == ["running", "queued"]
    with installation.database.write() as session:
        jobs.request_cancel(session, ada[0])
    installation.wait(ada[1], "running")
