"""A job on two devices in a real installation: killed anywhere it goes on, and leaves nothing."""

import os
import signal
from pathlib import Path

import pytest

from store import checkpoints, jobs, logs
from tests.system.installation import Installation, long_spec, tiny_spec, wait_until

pytestmark = pytest.mark.system
SLOW_S = 300
"""Torch is imported three times before the first step."""
NARROW = {"devices": "cpu"}
WIDE = {"devices": "cpu,cpu", "lease_s": "10"}


def spec_on_two(steps: int, **changes: object) -> dict[str, object]:
    return long_spec(steps, **{"resources.devices": 2, **changes})


def processes(installation: Installation, job_id: str) -> dict[str, int]:
    """Give torchrun and the ranks of a job, by name."""
    found = {}
    for pid in installation.trainers(job_id):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        agent = b"torch.distributed.run" in words
        found["agent" if agent else f"rank {words[-2].decode()}"] = pid
    return found


def wait_for_checkpoint(installation: Installation, job_id: str, attempt: int) -> None:
    def is_there() -> bool:
        with installation.database.read() as session:
            found = checkpoints.read(session, job_id)
        return bool(found) and found[0].attempt == attempt and found[0].step >= 50

    wait_until(is_there, f"a checkpoint of attempt {attempt}", timeout_s=SLOW_S)


def test_a_job_on_two_devices_is_as_if_nothing_had_been_whatever_is_killed(installation):
    """First the second rank, then the worker; bit for bit as a job left in peace."""
    installation.start_worker(**WIDE)
    job_id = installation.submit(spec_on_two(1000))
    wait_for_checkpoint(installation, job_id, attempt=1)
    assert processes(installation, job_id).keys() == {"agent", "rank 0", "rank 1"}
    os.kill(processes(installation, job_id)["rank 1"], signal.SIGKILL)
    wait_until(lambda: len(installation.attempts(job_id)) == 2, "the next attempt", None, SLOW_S)
    first = installation.attempts(job_id)[0]
    assert (first.reason_kind, first.device_count) == ("trainer_lost", 2)
    assert "the trainer's process on device 1 was ended by signal SIGKILL" in first.reason_message
    wait_for_checkpoint(installation, job_id, attempt=2)
    installation.workers[0].kill()
    wait_until(lambda: not installation.trainers(job_id), "they die with their worker", None, 10)
    installation.start_worker(**WIDE)
    job = installation.wait(job_id, "succeeded", "failed", timeout_s=SLOW_S)
    assert job.state == "succeeded"
    _, second, third = installation.attempts(job_id)
    assert second.reason_kind == "worker_lost"
    assert third.start_step > second.start_step >= 50
    in_peace = installation.submit(spec_on_two(1000))
    installation.wait(in_peace, "succeeded", timeout_s=SLOW_S)
    assert installation.curve(job_id) == installation.curve(in_peace)
    assert set(installation.steps(job_id)) >= set(range(10, 1001, 10))
    assert not installation.trainers(job_id)


def test_a_cancel_reaches_both_devices_and_leaves_a_checkpoint(installation):
    installation.start_worker(**WIDE)
    job_id = installation.submit(spec_on_two(100_000, **{"report.checkpoint_every_s": 3600}))
    installation.wait_for_step(job_id, 20, timeout_s=SLOW_S)
    with installation.database.write() as session:
        jobs.request_cancel(session, job_id)
    job = installation.wait(job_id, "cancelled", timeout_s=60)
    with installation.database.read() as session:
        newest = checkpoints.read(session, job_id)[0]
    assert job.reason.message == f"cancelled at step {newest.step:,}"
    assert (installation.home / newest.path).exists()
    with installation.database.read() as session:
        assert logs.read(session, job_id).text == ""
    assert not installation.trainers(job_id)


def test_a_job_on_two_devices_waits_for_a_worker_that_has_them(installation):
    installation.start_worker(**NARROW)
    wide = installation.submit(tiny_spec(**{"resources.devices": 2}))
    narrow = installation.submit(tiny_spec())
    assert installation.wait(narrow, "succeeded", "failed", timeout_s=SLOW_S).state == "succeeded"
    assert installation.job(wide).state == "queued"
    installation.start_worker(**WIDE)
    assert installation.wait(wide, "succeeded", "failed", timeout_s=SLOW_S).state == "succeeded"
