"""A service inside this process, with a sweep of two jobs and a job of none."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.colrow.in_process import Service, serving

BASE = {
    "model": {"name": "mlp", "hidden": [16, 8]},
    "dataset": {"name": "digits"},
    "training": {"epochs": 2, "batch_size": 50},
    "approximation": [{"policy": "topk", "forward": 0.5, "min_samples": 1}],
}
VALUES = {"best_test_accuracy": 0.96, "seconds": 8.0, "gradient_norm": float("nan")}


@dataclass
class Filled:
    """A service with jobs that have ended, but for the last one."""

    service: Service
    sweep: str
    jobs: list[str]
    alone: str
    waiting: str


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Filled]:
    with serving(tmp_path) as service:
        client = service.client
        sweep = client.sweep(BASE, axes={"seed": [4, 7]}, name="Two/seeds", tags=["paper", "a<b>"])
        alone = client.submit(BASE, name="alone")["id"]
        for job in sweep["jobs"]:
            service.train(job, VALUES)
        service.diverge()
        waiting = client.submit(BASE | {"seed": 9}, name="waiting")["id"]
        yield Filled(service, sweep["id"], sweep["jobs"], alone, waiting)
