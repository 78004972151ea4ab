"""A job of an installed package's network and data set, through a real worker."""

from pathlib import Path

import pytest

from tests.system.installation import tiny_spec

pytestmark = pytest.mark.system

SPEC = tiny_spec(
    model={"name": "residual-mlp", "width": 16},
    dataset={"name": "tumours"},
    approximation=[{"layers": "blocks.*", "policy": "topk", "forward": 0.5}],
)


def test_a_worker_trains_what_a_package_offers(installation, example, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(example))
    worker = installation.start_worker()
    job_id = installation.submit(SPEC)
    job = installation.wait(job_id, "succeeded", "failed")
    assert job.state == "succeeded", job
    assert "torch" not in Path(f"/proc/{worker.pid}/maps").read_text()


def test_a_worker_without_the_package_says_so_and_goes_on(installation, example):
    installation.start_worker(offline="false")
    job_id = installation.submit(SPEC)
    job = installation.wait(job_id, "succeeded", "failed")
    assert job.state == "failed"
    assert "'residual-mlp' is not known; there are: 'mlp'" in str(job)
    other = installation.submit(tiny_spec())
    assert installation.wait(other, "succeeded", "failed").state == "succeeded"
