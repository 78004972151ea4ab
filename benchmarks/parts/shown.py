"""A database for the page to show: sweeps that are done, two of them with long curves.

Each sweep compares exact with four policies at two ratios, five seeds each: fifty jobs, ten groups.
Sweeps differ in their learning rate, so that no two have a group in common. The jobs of the first
two, a hundred, have a training loss of 10,000 points each.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.parts import seed
from benchmarks.parts.databases import settle
from crs_core.spec import JobSpec, parse_spec
from store.jobs import NewJob
from store.session import Database

POLICIES = ("exact", "topk", "nps", "uniform", "bernoulli")
RATIOS = (0.5, 0.25)
SEEDS = 5
LOST = (0.0, 0.0005, 0.01, 0.06, 0.03)
"""What each policy costs in accuracy at half of the pairs; a quarter costs three times that."""
SETTINGS = [(p, r, s) for p in range(len(POLICIES)) for r in RATIOS for s in range(SEEDS)]


@dataclass(frozen=True)
class Size:
    """How much there is to show."""

    sweeps: int = 20
    long_sweeps: int = 2
    long: int = 10_000
    """Points of a long curve."""
    short: int = 110
    """Points of every other curve of every job."""

    @property
    def jobs(self) -> int:
        """Count the jobs."""
        return self.sweeps * len(SETTINGS)

    @property
    def points(self) -> int:
        """Count the points."""
        return (
            self.jobs * len(seed.METRICS) - self.long_jobs
        ) * self.short + self.long_jobs * self.long

    @property
    def long_jobs(self) -> int:
        """Count the jobs with a long curve."""
        return self.long_sweeps * len(SETTINGS)


FULL = Size()
QUICK = Size(sweeps=4, long_sweeps=1, long=2_000, short=20)


@dataclass(frozen=True)
class Shown:
    """What the page is asked for, by id."""

    sweeps: Sequence[str]
    """From the first to the last."""
    long: Sequence[str]
    """The jobs with a long curve."""


def fill(database: Database, size: Size = FULL) -> Shown:
    """Write the jobs and the points."""
    worker = seed.begin(database)
    made, long = [], []
    for n in range(size.sweeps):
        with database.write() as session:
            new = [
                NewJob(
                    _spec(p, ratio, s, n), name=f"{POLICIES[p]} {ratio:.0%} {s}", tags=("bench",)
                )
                for p, ratio, s in SETTINGS
            ]
            sweep, keys, ids = seed.ended_sweep(session, f"sweep {n}", new, worker)
            is_long = n < size.long_sweeps
            counts = [size.long if is_long else size.short, *[size.short] * (len(seed.METRICS) - 1)]
            seed.record_all(session, keys, [counts] * len(keys), _value)
        made.append(sweep)
        long += ids if is_long else []
    settle(database)
    return Shown(made, long)


def _spec(policy: int, ratio: float, number: int, sweep: int) -> JobSpec:
    rule = {"policy": POLICIES[policy]} | ({"forward": ratio} if policy else {})
    return parse_spec(
        {
            "model": {"name": "mlp", "hidden": [500, 500]},
            "dataset": {"name": "digits"},
            "training": {
                "epochs": 20,
                # The exact groups differ in something else than a ratio.
                "batch_size": 50 if policy else int(100 * ratio),
                "optimizer": {"name": "sgd", "lr": 0.01 * (1 + sweep)},
            },
            "approximation": [rule],
            "seed": number,
        }
    )


def _value(metric: int, step: int, job: int) -> float:
    """Give a number that looks like a training's; the same for the same arguments."""
    policy, ratio, number = SETTINGS[(job - 1) % len(SETTINGS)]
    name = seed.METRICS[metric]
    if name == "compute_reduction":
        return 0.0 if policy == 0 else (1 - ratio) * 0.9
    if name == "seconds":
        return step / 10 * (1 if policy == 0 else 0.5 + ratio)
    wobble = math.sin(0.7 * step + number) * math.exp(-step / 100)
    if name.endswith("accuracy"):
        lost = LOST[policy] * (3 if ratio < 0.5 else 1) + 0.0004 * (number - 2)
        return 0.98 - lost - 0.5 * math.exp(-step / 20) + 0.001 * wobble
    return 2 * math.exp(-step / 300) + 0.1 * (policy + 1) / ratio + 0.05 * wobble
