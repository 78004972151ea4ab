"""Jobs, workers and claims with few words."""

from collections.abc import Callable
from typing import Any

import pytest

from crs_core.events import CheckpointSaved, Event, Points, Started
from crs_core.spec import JobSpec, parse_spec
from store import attempts, clock, jobs, recording, workers
from store.attempts import Claim, Outcome
from store.jobs import NewJob
from store.session import Database
from store.tables import Attempt


def make_spec(policy: str = "topk", forward: float = 0.4, **changes: Any) -> JobSpec:
    rule = {"policy": policy} | ({} if policy == "exact" else {"forward": forward})
    return parse_spec(
        {
            "model": {"name": "mlp", "hidden": [20]},
            "dataset": {"name": "digits"},
            "approximation": [rule],
            "training": {"epochs": 2},
        }
        | changes
    )


def started(step: int = 0, **changes: Any) -> Started:
    said: dict[str, Any] = {
        "step": step,
        "total_steps": 300,
        "steps_per_epoch": 30,
        "device": "cpu",
        "threads": 1,
        "versions": {"torch": "2"},
    }
    return Started(**said | changes)


def points(step: int, **values: float) -> Points:
    return Points(step=step, epoch=step / 30, values=values)


def saved(step: int, *, best: bool = False) -> CheckpointSaved:
    return CheckpointSaved(
        step=step, name=f"step-{step}.pt", size_bytes=10, sha256="a" * 64, best=best
    )


class Bench:
    """A database with short ways to do what a service does."""

    spec = staticmethod(make_spec)
    started = staticmethod(started)
    points = staticmethod(points)
    saved = staticmethod(saved)

    def __init__(self, database: Database) -> None:
        self.database = database

    def submit(self, spec: JobSpec | None = None, *, key: str | None = None, **said: Any) -> str:
        with self.database.write() as session:
            new = NewJob(spec or make_spec(), **said)
            return jobs.submit(session, new, idempotency_key=key).job.id

    def worker(self, name: str = "host/0", **said: Any) -> int:
        known: dict[str, Any] = {
            "host": "host",
            "pid": 7,
            "kind": "cpu",
            "devices": ["cpu"],
            "threads": 2,
        }
        with self.database.write() as session:
            return workers.register(session, workers.NewWorker(name=name, **known | said))

    def claim(self, worker: int | None = None, *, lease_s: float = 60) -> Claim | None:
        worker = self.worker() if worker is None else worker
        with self.database.write() as session:
            return attempts.claim(session, worker, lease_s=lease_s)

    def begin(self, spec: JobSpec | None = None, *, lease_s: float = 60, **said: Any) -> Claim:
        """Submit a job and claim it."""
        job_id = self.submit(spec, **said)
        claim = self.claim(lease_s=lease_s)
        assert claim is not None
        assert claim.job_id == job_id
        return claim

    def record(self, claim: Claim, *events: Event, log: str = "") -> attempts.Wish:
        with self.database.write() as session:
            return recording.record(session, claim.attempt_id, events, log=log)

    def end(self, claim: Claim, outcome: Outcome = Outcome.SUCCEEDED, **why: str) -> None:
        self.write(attempts.finish, claim.attempt_id, outcome, **why)

    def expire(self, claim: Claim) -> None:
        """Let the lease have run out a second ago."""
        with self.database.write() as session:
            attempt = session.get_one(Attempt, claim.attempt_id)
            attempt.lease_until = clock.read(session) - 1

    def job(self, job_id: str) -> jobs.Job:
        with self.database.read() as session:
            return jobs.get(session, job_id)

    def write(self, function: Callable[..., Any], *args: Any, **named: Any) -> Any:
        with self.database.write() as session:
            return function(session, *args, **named)

    def read(self, function: Callable[..., Any], *args: Any, **named: Any) -> Any:
        with self.database.read() as session:
            return function(session, *args, **named)


@pytest.fixture
def bench(database: Database) -> Bench:
    return Bench(database)
