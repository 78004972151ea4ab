"""Jobs, faults at random times, and what must hold at the end.

Every job of a storm is one of a few specs, each trained once in peace before. At the end all have
succeeded, each with the curves and the final weights of its peaceful twin, bit for bit; no lease
and no process is left over.
"""

import hashlib
import itertools
import random
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from sqlalchemy import select

from colrow.client import Client
from colrow.errors import ColrowError
from crs_core.events import METRICS
from store import checkpoints
from store.tables import Attempt
from tests.chaos.faults import ASKED_AGAIN, FAULTS
from tests.chaos.world import World
from tests.system.installation import long_spec, tiny_spec

TIMED = {"steps_per_s", "seconds", "sampling_seconds", "peak_memory_bytes"}
"""Metrics that differ from one training to the next."""
AT_ONCE = 4
"""Jobs that are kept waiting or running."""
END_S = 300.0


def specs() -> list[dict[str, Any]]:
    """Give the specs of a storm's jobs; each trains for some seconds and saves often."""
    cnn = tiny_spec(**{"report.checkpoint_every_s": 0.3}) | {
        "model": {"name": "cnn", "channels": [8, 16], "kernel_size": 3, "hidden": 32},
        "approximation": [
            {"policy": {"name": "nps", "replacement": True, "scaled": True}, "forward": 0.5}
        ],
        "training": {"steps": 600, "batch_size": 50},
    }
    bernoulli = long_spec(1200, seed=1)
    bernoulli["approximation"] = [{"policy": "bernoulli", "forward": 0.5, "backward": 0.5}]
    bernoulli["model"]["dropout"] = 0.2
    text = tiny_spec(**{"report.checkpoint_every_s": 0.3}) | {
        "model": {"name": "lstm", "hidden": 24, "sequence_length": 20},
        "dataset": {"name": "pydoc", "train_limit": 12_000},
        "approximation": [{"layers": "output", "policy": "topk", "forward": 0.5}],
        "training": {
            "epochs": 6,
            "batch_size": 20,
            "optimizer": {"name": "sgd", "lr": 1.0},
            "clip_norm": 5.0,
        },
    }
    return [long_spec(1500), bernoulli, cnn, text]


@dataclass(frozen=True)
class Trained:
    """What a job came to: its curves by metric, and a digest of its weights."""

    curves: dict[str, list[tuple[int, float | None]]]
    weights: str


@dataclass
class Storm:
    """A world, its jobs, and what is done to it."""

    world: World
    seed: int
    say: Callable[[str], None] = print
    done: Counter[str] = field(default_factory=Counter)
    asked_again: int = 0
    _peaceful: list[Trained] = field(default_factory=list)
    _jobs: dict[str, int] = field(default_factory=dict)
    """The spec's number of each job."""

    def train_in_peace(self) -> None:
        """Train every spec once, undisturbed."""
        ids = [self._submit(number) for number in range(len(specs()))]
        for job_id in ids:
            job = self.world.installation.wait(job_id, "succeeded", "failed", timeout_s=END_S)
            assert job.state == "succeeded", job
        self._peaceful = [self._trained(job_id) for job_id in ids]

    def break_things(self, faults: Sequence[str], *, pause_s: float) -> None:
        """Do the faults in turn, some `pause_s` apart, while jobs are trained."""
        chance = random.Random(self.seed)
        numbers = itertools.cycle(range(len(specs())))
        begin_s = time.monotonic()
        for name in faults:
            while len(self._unfinished()) < AT_ONCE:
                number = next(numbers)
                self._jobs[self._submit(number)] = number
            self._rest(pause_s * chance.uniform(0.3, 1.7))
            said = FAULTS[name](self.world, chance)
            self.done[name] += 1
            self.say(f"{time.monotonic() - begin_s:7.1f} s  {name}: {said}")
            self.world.tend()

    def see_what_is_left(self) -> list[str]:
        """Wait until every job has ended, and give all that is not as it must be."""
        end_s = time.monotonic() + END_S
        while self._unfinished():
            if time.monotonic() > end_s:
                return [f"{self._told(i)} has not ended" for i in self._unfinished()]
            self._rest(0.5)
        return [*self._wrong_jobs(), *self._left_over()]

    def _rest(self, rest_s: float) -> None:
        """Let some time pass, starting again what ends and asking again where a person would."""
        end_s = time.monotonic() + rest_s
        while True:
            self.world.tend()
            for job_id in self._jobs:
                job = self._read(job_id)
                kind = job.reason.kind if job.reason else ""
                is_barren = "attempts in a row" in (job.reason.message if job.reason else "")
                if job.state == "failed" and (kind in ASKED_AGAIN or is_barren):
                    self._insist(lambda c, i=job_id: c.retry(i))
                    self.asked_again += 1
            left_s = end_s - time.monotonic()
            if left_s <= 0:
                return
            time.sleep(min(left_s, 0.3))

    def _submit(self, number: int) -> str:
        key = str(uuid.uuid4())
        job = self._insist(lambda c: c.submit(specs()[number], idempotency_key=key))
        found: str = job["id"]
        return found

    def _insist(self, ask: Callable[[Client], Any]) -> Any:
        """Ask the api until it answers, with the same key each time."""
        end_s = time.monotonic() + 60
        while True:
            try:
                with self.world.client(timeout_s=10) as client:
                    return ask(client)
            except ColrowError:
                if time.monotonic() > end_s:
                    raise
            self.world.tend()
            time.sleep(0.2)

    def _read(self, job_id: str) -> Any:
        """Read a job; the database may be away for a while."""
        end_s = time.monotonic() + 60
        while True:
            try:
                return self.world.installation.job(job_id)
            except Exception:
                if time.monotonic() > end_s:
                    raise
                time.sleep(0.2)

    def _unfinished(self) -> list[str]:
        states = {job_id: self._read(job_id).state for job_id in self._jobs}
        return [i for i, state in states.items() if state in ("queued", "running", "paused")]

    def _wrong_jobs(self) -> Iterator[str]:
        for job_id, number in self._jobs.items():
            job = self._read(job_id)
            if job.state != "succeeded":
                yield f"{self._told(job_id)} is {job.state}"
                continue
            found, expected = self._trained(job_id), self._peaceful[number]
            for metric, curve in expected.curves.items():
                if found.curves[metric] != curve:
                    yield f"{self._told(job_id)}: {metric} is not as in peace"
            if found.weights != expected.weights:
                yield f"{self._told(job_id)}: the weights are not as in peace"

    def _left_over(self) -> Iterator[str]:
        with self.world.installation.database.read() as session:
            for key in session.scalars(select(Attempt.key).where(Attempt.ended_at.is_(None))):
                yield f"attempt {key} still has a lease"
        for job_id in self._jobs:
            if self.world.installation.trainers(job_id):
                yield f"{self._told(job_id)} still has a trainer"

    def _told(self, job_id: str) -> str:
        """Name a job with all that became of it."""
        job = self._read(job_id)
        attempts = ", ".join(
            f"{a.number} {a.state} {a.reason_kind or ''}".strip()
            for a in self.world.installation.attempts(job_id)
        )
        why = f" ({job.reason.kind}: {job.reason.message})" if job.reason else ""
        return f"job {job_id[-6:]} of spec {self._jobs[job_id]}{why} [{attempts}]"

    def _trained(self, job_id: str) -> Trained:
        curves = {
            metric: self.world.installation.curve(job_id, metric)
            for metric in METRICS
            if metric not in TIMED
        }
        with self.world.installation.database.read() as session:
            newest = checkpoints.read(session, job_id)[0]
        state = torch.load(self.world.home / newest.path, weights_only=True)
        digest = hashlib.sha256()
        for name, weight in sorted(state["parts"]["model"].items()):
            digest.update(name.encode())
            digest.update(weight.contiguous().numpy().tobytes())
        return Trained(curves, digest.hexdigest())


def run(
    profile: str,
    seed: int,
    choose: Callable[[World], Sequence[str]],
    *,
    pause_s: float,
    say: Callable[[str], None] = print,
) -> tuple[Counter[str], list[str]]:
    """Make a world, break things, and give what was done and all that is wrong at the end."""
    world = World(profile)
    left: list[str] = []
    try:
        storm = Storm(world, seed, say)
        storm.train_in_peace()
        storm.break_things(choose(world), pause_s=pause_s)
        wrong = storm.see_what_is_left()
    finally:
        left = world.close()
    wrong += [f"still runs: {words}" for words in left]
    say(f"{sum(storm.done.values())} faults, {len(storm._jobs)} jobs, {storm.asked_again} retries")
    return storm.done, wrong
