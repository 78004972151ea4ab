"""A claimed job, and stand-ins for the trainer that are quick to start and badly behaved."""

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from crs_core.spec import parse_spec
from store import attempts, jobs, workers
from store.attempts import Claim
from store.session import Database
from tests.worker.spares import stand_in
from worker.installation import Fingerprint
from worker.settings import Settings
from worker.spare import Patience, Spare
from worker.tasks import Post, supervise

PREAMBLE = """
import json, os, signal, sys, time
told = json.load(open(sys.argv[1]))
pipe = open(told["events"], "w")
def tell(**event):
    pipe.write(json.dumps(event) + "\\n"); pipe.flush()
def start(step=0):
    tell(type="started", step=step, total_steps=100, steps_per_epoch=10, device="cpu", threads=1,
         versions={"python": "3"})
def points(step, value=0.5):
    tell(type="points", step=step, epoch=step / 10, values={"train_loss": value})
def save(step):
    name = f"step-{step}.pt"
    open(os.path.join(told["folder"], name), "w").write("x")
    tell(type="checkpoint", step=step, name=name, size_bytes=1, sha256="0" * 64, best=False)
def finish(step, completed=True):
    tell(type="finished", completed=completed, step=step)
"""


def wait_until(is_so: Callable[[], object], timeout_s: float = 20) -> None:
    end_s = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < end_s
        time.sleep(0.01)


class Bench:
    """One worker's database, and attempts at jobs that are played by scripts."""

    def __init__(self, database: Database, home: Path) -> None:
        self.database = database
        self.settings = Settings(
            database_url=database.url,
            broker_url="redis://",
            home=home,
            name="w",
            lease_s=2.0,
            heartbeat_s=0.1,
            flush_s=0.02,
            stop_s=0.5,
            threads=1,
            offline=True,
        )
        self.stopping = threading.Event()
        with database.write() as session:
            new = workers.NewWorker(
                name="w", host="here", pid=1, kind="cpu", devices=["cpu"], threads=1
            )
            self.worker_key = workers.register(session, new)

    def submit(self, **resources: Any) -> str:
        spec: dict[str, Any] = {
            "resources": resources,
            "model": {"name": "mlp", "hidden": [4]},
            "dataset": {"name": "digits"},
            "training": {"epochs": 1},
        }
        with self.database.write() as session:
            return jobs.submit(session, jobs.NewJob(parse_spec(spec))).job.id

    def claim(self) -> Claim:
        with self.database.write() as session:
            taken = attempts.claim(session, self.worker_key, lease_s=self.settings.lease_s)
        assert taken is not None
        return taken

    def begin(self, **resources: Any) -> Claim:
        self.submit(**resources)
        return self.claim()

    def post(self, command: Sequence[str]) -> Post:
        return Post(self.settings, self.database, 1, self.stopping, command=command)

    def play(self, script: str, claim: Claim | None = None) -> jobs.Job:
        """Supervise a trainer that does what the script says; give the job as it is afterwards."""
        claim = claim or self.begin()
        supervise(claim, self.post(self.command(script)))
        return self.job(claim.job_id)

    def command(self, script: str) -> Sequence[str]:
        return [sys.executable, "-S", "-c", PREAMBLE + script]

    def job(self, job_id: str) -> jobs.Job:
        with self.database.read() as session:
            return jobs.get(session, job_id)

    def write(self, function: Callable[..., Any], *args: Any, **named: Any) -> Any:
        with self.database.write() as session:
            return function(session, *args, **named)

    def read(self, function: Callable[..., Any], *args: Any, **named: Any) -> Any:
        with self.database.read() as session:
            return function(session, *args, **named)

    def folder(self, claim: Claim) -> Path:
        return self.settings.home / "jobs" / claim.job_id / f"a{claim.number}"


@pytest.fixture
def bench(database: Database, tmp_path: Path) -> Iterator[Bench]:
    return Bench(database, tmp_path / "home")


@pytest.fixture
def make_spare() -> Iterator[Callable[..., Spare]]:
    """Make a spare, by default one whose installation never changes and that is waited for."""
    made: list[Spare] = []

    def start(
        command: Sequence[str] | None = None,
        patience: Patience | None = None,
        installed: Callable[[], Fingerprint] = lambda: ("", frozenset()),
    ) -> Spare:
        patience = patience or Patience(import_s=60, answer_s=60, rest_s=60)
        made.append(Spare(command=command or stand_in(), patience=patience, installed=installed))
        return made[-1]

    yield start
    for spare in made:
        spare.close()
