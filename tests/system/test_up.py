"""`colrow up`: one command starts everything, and nothing outlives it."""

import itertools
import os
import signal
import socket
import time
from pathlib import Path

import httpx
import pytest
import yaml

from colrow.client import Client
from tests.system.installation import long_spec, tiny_spec, wait_until
from tests.system.up import has

pytestmark = pytest.mark.system


def ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_and_leaves_no_process(up, number):
    service = up().wait_until_ready()
    # Itself, broker, worker and its spare, api, notifier.
    wait_until(lambda: len(service.processes()) == 6, "all processes run")
    with Client(service.url) as client:
        job = client.submit(tiny_spec())
        assert client.wait(job["id"], timeout_s=60)["state"] == "succeeded"
    begin = time.monotonic()
    assert service.stop(number) == 0
    assert time.monotonic() - begin < 10
    assert not service.processes()
    assert "Colrow stops" in service.words()


def test_workers_take_names_that_hold_the_host(up):
    """Two hosts may use one database; `worker-1` of each would be one row."""
    service = up("--port", "0", "--workers", "2", "--no-warm-spare").wait_until_ready()
    assert not [words for words in service.processes().values() if "--spare" in words]
    with Client(service.url) as client:
        names = {worker["name"] for worker in client.workers()}
    assert names == {f"{socket.gethostname()}/cpu/{n}" for n in (1, 2)}


def test_a_signal_during_the_start_leaves_no_process(up):
    service = up()
    wait_until(lambda: "valkey" in str(service.processes()), "the broker is started")
    assert service.stop() == 0
    assert not service.processes()
    assert up().wait_until_ready().stop() == 0


def test_a_running_job_is_saved_at_the_stop_and_goes_on_at_the_next_start(up):
    service = up().wait_until_ready()
    with Client(service.url) as client:
        job = client.submit(long_spec(3000))["id"]
        wait_until(lambda: client.job(job)["progress"]["step"] >= 20, "the job has made steps")
    assert service.stop() == 0
    assert not service.processes()
    service = up().wait_until_ready()
    with Client(service.url) as client:
        done = client.wait(job, timeout_s=120)
        assert done["state"] == "succeeded", done
        _, second = done["attempts"]
        assert second["resumed_from"] is not None
        assert second["start_step"] >= 20
        steps = client.curves([job], metrics=["train_loss"])[0]["steps"]
        assert (steps[0], steps[-1]) == (10, 3000)
        assert all(0 < after - before <= 10 for before, after in itertools.pairwise(steps))


@pytest.mark.parametrize(
    ("part", "name"), [("valkey-server", "broker"), ("-m api", "api"), ("-m worker", "worker-1")]
)
def test_a_part_that_is_killed_is_started_again_and_jobs_run_on(up, part, name):
    service = up().wait_until_ready()
    with Client(service.url) as client:
        job = client.submit(long_spec(1500))["id"]
        wait_until(lambda: client.job(job)["progress"]["step"] >= 20, "the job has made steps")
        before = service.pid_of(part)
        os.kill(before, signal.SIGKILL)
        wait_until(
            lambda: any(
                has(words, part) for pid, words in service.processes().items() if pid != before
            ),
            f"{name} is started again",
        )
        assert f"{name} was killed by signal 9; it starts again" in service.words()
        wait_until(lambda: _is_ready(service.url), "the service is ready again")
        assert client.wait(job, timeout_s=120)["state"] == "succeeded"
        assert client.wait(client.submit(tiny_spec())["id"], timeout_s=60)["state"] == "succeeded"
    assert service.stop() == 0
    assert not service.processes()


def test_the_job_of_a_killed_worker_goes_on_within_seconds_not_after_its_lease(up):
    """With the settings there are when nobody sets any: the lease is a minute."""
    service = up(settings={"COLROW_OFFLINE": "true"}).wait_until_ready()
    with Client(service.url) as client:
        job = client.submit(long_spec(100_000))["id"]
        wait_until(lambda: client.job(job)["progress"]["step"] >= 20, "the job has made steps")
        killed = service.pid_of("-m worker")
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: client.job(job)["attempt_count"] == 2, "it goes on", timeout_s=20)
        first, _ = client.job(job)["attempts"]
        assert (first["state"], first["reason"]["kind"]) == ("lost", "worker_lost")
        assert (
            f"the process of worker {socket.gethostname()}/cpu/1 ended (process {killed}: "
            in (first["reason"]["message"])
        )
        assert client.job(job)["state"] == "running"


def _is_ready(url: str) -> bool:
    try:
        return bool(httpx.get(f"{url}/readyz", trust_env=False).json()["status"] == "ok")
    except (httpx.TransportError, KeyError, ValueError):
        return False


def test_killing_up_itself_leaves_no_orphan_and_the_next_start_goes_on(up):
    service = up().wait_until_ready()
    with Client(service.url) as client:
        job = client.submit(long_spec(1500))["id"]
        wait_until(lambda: client.job(job)["progress"]["step"] >= 20, "the job has made steps")
    assert service.pid_of("worker.trainer")
    service.process.kill()
    service.process.wait()
    wait_until(lambda: not service.processes(), "no orphan is left", timeout_s=10)
    runtime = Path(yaml.safe_load((service.data / "up.lock").read_text())["runtime"])
    assert runtime.exists()
    again = up().wait_until_ready()
    assert not runtime.exists()
    with Client(again.url) as client:
        assert client.wait(job, timeout_s=120)["state"] == "succeeded"


def test_broker_data_that_cannot_be_read_are_set_aside(up):
    service = up().wait_until_ready()
    assert service.stop() == 0
    for file in (service.data / "broker").rglob("*.manifest"):
        file.write_text("nonsense\n")
    again = up().wait_until_ready()
    assert "the broker could not read its data" in again.words()
    with Client(again.url) as client:
        assert client.wait(client.submit(tiny_spec())["id"], timeout_s=60)["state"] == "succeeded"


def test_a_trainer_dies_with_its_worker(up):
    service = up().wait_until_ready()
    with Client(service.url) as client:
        job = client.submit(long_spec(100_000))["id"]
        wait_until(lambda: client.job(job)["progress"]["step"] >= 20, "the job has made steps")
        trainer = service.pid_of("worker.trainer")
        service.process.kill()
        wait_until(lambda: ended(trainer), "the trainer has ended", timeout_s=10)
