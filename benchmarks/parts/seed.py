"""Jobs, sweeps and points as benchmarks need them, written through the store.

For the service: 10,000 jobs in 100 sweeps, with ten metrics and 1,000,000 points.

Every sweep has 20 groups of 5 seeds. Three kinds of jobs stand out: one with a curve of 10,000
points, twenty with 1,000 points, and two that are running, to be written to. The rest share what
is left of the points, some ten a metric. It takes what a service would have done for granted:
states, attempts and summaries are inserted as they would be at the end.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from benchmarks.parts.databases import settle
from crs_core.events import Points, Started
from crs_core.spec import JobSpec, parse_spec
from store import attempts, clock, jobs, metrics, recording, sweeps, workers
from store.jobs import NewJob
from store.session import Database
from store.sweeps import NewSweep
from store.tables import Job

METRICS = (
    "train_loss", "train_accuracy", "validation_loss", "validation_accuracy", "test_loss",
    "test_accuracy", "best_test_accuracy", "learning_rate", "seconds", "compute_reduction",
)  # fmt: skip
POLICIES = ("exact", "topk", "nps", "uniform", "bernoulli")
RATIOS = (0.2, 0.4, 0.6, 0.8)
SEEDS = 5
LONG, MIDDLE, MIDDLES = 10_000, 1_000, 20


@dataclass(frozen=True)
class Size:
    """How much is in the database."""

    jobs: int
    points: int


FULL = Size(10_000, 1_000_000)
QUICK = Size(1_000, 100_000)


@dataclass(frozen=True)
class Seeded:
    """What the cases ask for, by id."""

    long: str
    """The job with a curve of 10,000 points."""
    middles: tuple[str, ...]
    """Twenty jobs with 1,000 points."""
    sweep: str
    """A sweep of 20 groups of 5 seeds."""
    points: int


SETTINGS = [(policy, ratio, n) for policy in POLICIES for ratio in RATIOS for n in range(SEEDS)]


def members() -> list[NewJob]:
    """Make the hundred jobs of a sweep."""
    return [
        NewJob(_spec(policy, ratio, n), name=f"{policy} {ratio:.0%} {n}", tags=("bench",))
        for policy, ratio, n in SETTINGS
    ]


def setting(n: int) -> tuple[str, str, str]:
    """Give policy, ratio and seed of a member, as text."""
    policy, ratio, number = SETTINGS[n]
    return policy, str(ratio), str(number)


def _spec(policy: str, ratio: float, seed: int) -> JobSpec:
    rule = {"policy": policy} | ({} if policy == "exact" else {"forward": ratio})
    return parse_spec(
        {
            "model": {"name": "mlp", "hidden": [500, 500]},
            "dataset": {"name": "digits"},
            # The exact groups differ in something else than a ratio.
            "training": {"epochs": 20, "batch_size": 50 if policy != "exact" else int(100 * ratio)},
            "approximation": [rule],
            "seed": seed,
        }
    )


def value(metric: int, step: int, job: int) -> float:
    """Give a number that looks like a noisy curve; the same for the same arguments."""
    return math.exp(-step / 500) + 0.1 * math.sin(0.7 * step + job) + metric


def fill(database: Database, size: Size = FULL) -> Seeded:
    """Write the jobs and the points."""
    worker = begin(database)
    template, ids, keys, sweep_ids = members(), [], [], []
    for n in range(size.jobs // len(template)):
        with database.write() as session:
            sweep_id, new_keys, new_ids = ended_sweep(session, f"sweep {n}", template, worker)
            sweep_ids.append(sweep_id)
            keys += new_keys
            ids += new_ids
    for first in range(0, len(keys), len(template)):
        some = range(first, first + len(template))
        with database.write() as session:
            record_all(session, [keys[n] for n in some], [lengths(n, size) for n in some], value)
    settle(database)
    return Seeded(ids[0], tuple(ids[1 : 1 + MIDDLES]), sweep_ids[0], size.points)


def begin(database: Database) -> int:
    """Register a worker and the metrics; gives the worker's key."""
    with database.write() as session:
        metrics.numbers_for(session, METRICS)
        return _worker(session, "bench/0")


def _worker(session: Session, name: str) -> int:
    return workers.register(
        session,
        workers.NewWorker(name=name, host="bench", pid=1, kind="cpu", devices=["cpu"], threads=1),
    )


def ended_sweep(
    session: Session, name: str, new: Sequence[NewJob], worker: int
) -> tuple[str, list[int], list[str]]:
    """Submit a sweep and let its jobs have succeeded; gives its id, and the jobs' keys and ids."""
    sweep = sweeps.create(session, NewSweep(name=name, base={}, axes={}), new).sweep
    rows = session.execute(
        select(Job.key, Job.id)
        .where(Job.id.in_(sweeps.get(session, sweep.id).jobs))
        .order_by(Job.key)
    ).all()
    keys = [row.key for row in rows]
    end(session, keys, worker)
    return sweep.id, keys, [row.id for row in rows]


def lengths(n: int, size: Size) -> list[int]:
    """Say how many points each metric of job n has, so that all have `size.points`."""
    if n <= MIDDLES:
        return [LONG if n == 0 else MIDDLE, *[1] * (len(METRICS) - 1)]
    special = LONG + MIDDLES * MIDDLE + (MIDDLES + 1) * (len(METRICS) - 1)
    curves, rest = (size.jobs - MIDDLES - 1) * len(METRICS), size.points - special
    place = (n - MIDDLES - 1) * len(METRICS)
    return [rest // curves + (place + m < rest % curves) for m in range(len(METRICS))]


def end(session: Session, keys: Sequence[int], worker: int) -> None:
    """Let jobs have succeeded."""
    now = clock.read(session)
    session.execute(
        update(Job)
        .where(Job.key.in_(keys))
        .values(
            state="succeeded", started_at=now, finished_at=now + 60, attempt_count=1, step=720,
            total_steps=720, steps_per_epoch=36, planned_compute_reduction=0.5,
            best_validation_step=700,
        )
    )  # fmt: skip
    columns = (
        "job_key", "number", "worker_key", "state", "started_at", "lease_until", "heartbeat_at",
        "ended_at", "host",
    )  # fmt: skip
    until = now + 60
    rows = [(key, 1, worker, "succeeded", now, until, until, until, "bench") for key in keys]
    _insert(session, "attempts", columns, rows)


def record_all(
    session: Session,
    keys: Sequence[int],
    counts: Sequence[Sequence[int]],
    value: Callable[[int, int, int], float],
) -> None:
    """Write the curves of jobs, and their summaries; `value` is of a metric, a step and a job."""
    numbers = metrics.numbers(session)
    points, summaries = [], []
    for key, of_job in zip(keys, counts, strict=True):
        for m, (metric, length) in enumerate(zip(METRICS, of_job, strict=True)):
            number = numbers[metric]
            points += [(key, number, step, value(m, step, key)) for step in range(length)]
            last = points[-1][3]
            summaries.append((key, number, length - 1, last, 0, last, last))
    _insert(session, "points", ("job_key", "metric_id", "step", "value"), points)
    columns = (
        "job_key", "metric_id", "last_step", "last_value", "best_step", "best_value",
        "at_best_validation",
    )  # fmt: skip
    _insert(session, "summaries", columns, summaries)


def _insert(
    session: Session, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]
) -> None:
    """Insert rows by the driver's fastest way: a million go through no layer between."""
    names = ", ".join(columns)
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(columns))
        connection.exec_driver_sql(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(rows))
        return
    driver: Any = connection.connection.driver_connection
    with driver.cursor().copy(f"COPY {table} ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def running(database: Database, count: int = 1) -> list[attempts.Claim]:
    """Submit jobs and claim them, to write to."""
    claims = []
    for n in range(count):
        with database.write() as session:
            worker = _worker(session, f"bench/r{n}")
            jobs.submit(session, NewJob(_spec("topk", 0.4, n), name=f"running {n}", priority=9))
            claim = attempts.claim(session, worker)
            assert claim is not None
            started = Started(
                step=0, total_steps=1_000_000, steps_per_epoch=1000, device="cpu", threads=1,
                versions={},
            )  # fmt: skip
            recording.record(session, claim.attempt_id, [started])
            claims.append(claim)
    return claims


def batch(first_step: int, steps: int = 200) -> list[Points]:
    """Make the reports of so many steps, five metrics each."""
    return [
        Points(
            step=step,
            epoch=step / 1000,
            values={metric: value(m, step, 0) for m, metric in enumerate(METRICS[:5])},
        )
        for step in range(first_step, first_step + steps)
    ]
