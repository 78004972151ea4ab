"""The warm spare with torch in it: jobs are the same with and without it, and nothing is left."""

import os
import signal
from pathlib import Path

import pytest

from tests.system.installation import Installation, Worker, long_spec, tiny_spec, wait_until
from tests.worker.spares import is_running

pytestmark = pytest.mark.system


def spares(worker: Worker) -> list[int]:
    """Give the process ids of the worker's spares that live."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and is_running(int(folder.name)):
            try:
                words = (folder / "cmdline").read_bytes()
            except OSError:
                continue
            if b"\0--spare\0" + str(worker.pid).encode() + b"\0" in words:
                found.append(int(folder.name))
    return found


def start_warm(installation: Installation, **settings: str) -> Worker:
    worker = installation.start_worker(**settings)
    wait_until(lambda: "the spare trainer is ready" in worker.said(), "torch is imported", worker)
    return worker


def weights(installation: Installation, job_id: str) -> dict[str, bytes]:
    import torch

    newest = max((installation.home / "jobs" / job_id).rglob("*.pt"), key=os.path.getmtime)
    model = torch.load(newest, weights_only=True)["parts"]["model"]
    return {name: tensor.numpy().tobytes() for name, tensor in model.items()}


@pytest.mark.parametrize("threads", ["1", "2"])
def test_a_job_gives_the_same_weights_and_curve_warm_and_cold(installation, threads):
    spec = tiny_spec(
        **{
            "model.hidden": [300, 200],
            "training.epochs": 2,
            "approximation": [{"policy": {"name": "nps", "scaled": True}, "forward": 0.5}],
            "resources.threads": int(threads),
        }
    )
    warm = start_warm(installation, threads=threads)
    (spare,) = spares(warm)
    first, second = (installation.submit(spec) for _ in range(2))
    for job_id in (first, second):
        assert installation.wait(job_id, "succeeded", "failed").state == "succeeded"
    assert spares(warm) == [spare]
    assert warm.stop() == 0
    cold = installation.start_worker(threads=threads, warm_spare="0")
    third = installation.submit(spec)
    assert installation.wait(third, "succeeded", "failed").state == "succeeded"
    assert spares(cold) == []
    assert "spare" not in cold.said()
    assert installation.curve(first) == installation.curve(second) == installation.curve(third)
    assert weights(installation, first) == weights(installation, third)
    assert weights(installation, second) == weights(installation, third)


def test_a_job_that_wants_other_threads_gets_a_spare_that_was_started_with_them(installation):
    worker = start_warm(installation, threads="1")
    (one,) = spares(worker)
    job_id = installation.submit(tiny_spec(**{"resources.threads": 2}))
    assert installation.wait(job_id, "succeeded", "failed").state == "succeeded"
    assert installation.attempts(job_id)[0].threads == 2
    (two,) = spares(worker)
    assert one != two
    assert b"OMP_NUM_THREADS=2\0" in Path(f"/proc/{two}/environ").read_bytes()


def test_a_job_of_a_spare_that_was_killed_goes_on_and_the_next_starts_warm(installation):
    worker = start_warm(installation)
    job_id = installation.submit(long_spec(400))
    installation.wait_for_step(job_id, 50)
    (spare,) = spares(worker)
    os.kill(spare, signal.SIGKILL)
    assert installation.wait(job_id, "succeeded", "failed").state == "succeeded"
    first, second = installation.attempts(job_id)
    assert (first.reason_kind, first.state) == ("trainer_lost", "lost")
    assert second.state == "succeeded"
    assert len(spares(worker)) == 1
    assert "was lost while it waited; another one starts" in worker.said()


def test_a_spare_that_does_not_answer_costs_no_job(installation):
    worker = start_warm(installation)
    (spare,) = spares(worker)
    os.kill(spare, signal.SIGSTOP)
    job_id = installation.submit(tiny_spec())
    assert installation.wait(job_id, "succeeded", "failed").state == "succeeded"
    assert len(installation.attempts(job_id)) == 1
    assert "did not answer within" in worker.said()
    assert not is_running(spare)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_spare_is_left_when_its_worker_ends(installation, number):
    worker = start_warm(installation)
    (spare,) = spares(worker)
    assert "torch" in Path(f"/proc/{spare}/maps").read_text()
    worker.process.send_signal(number)
    worker.process.wait(30)
    wait_until(lambda: not is_running(spare), "the spare has ended")


def test_a_worker_that_stops_while_the_spare_imports_leaves_none(installation):
    worker = installation.start_worker()
    assert worker.stop() == 0
    wait_until(lambda: not spares(worker), "the spare has ended")
