"""Claim: with 10,000 queued jobs the next one is claimed in at most 20 ms on SQLite.

The jobs belong to several owners, whose shares differ, and have several priorities and needs; some
slots are narrow, some wide. A claim is the whole transaction: it orders the queue, takes the job,
begins its attempt and commits. Beside it stand the first page of the queue, which estimates when
its jobs start, one from its middle, and the place of one job. Medians, in milliseconds: of wall
time, and of this process's processor time, which does not depend on who else is there (on SQLite,
which works in this process, it is all that a claim takes). The exit status is 1 where neither meets
the claim.

    python benchmarks/claims.py [--database postgresql+psycopg://…/an_empty_database]
"""

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import select, text

import migrations
from crs_core.spec import JobSpec, parse_spec
from store import attempts, clock, jobs, queue, workers
from store.session import Database
from store.slots import Device
from store.tables import Owner

CLAIM_MS = 20.0
JOBS = 10_000
HOST = Device("a processor", 64 * 10**9)
NEEDS: tuple[dict[str, Any], ...] = ({}, {}, {"kind": "cpu"}, {"devices": 2}, {"memory_gb": 8})


def spec_of(seed: int) -> JobSpec:
    """Give a job; only what it needs of a slot matters here."""
    return parse_spec(
        {
            "model": {"name": "mlp", "hidden": [20]},
            "dataset": {"name": "digits"},
            "training": {"epochs": 2},
            "resources": NEEDS[seed % len(NEEDS)],
            "seed": seed,
        }
    )


def fill(database: Database, owners: int) -> list[int]:
    """Queue the jobs of so many owners, and give the keys of eight slots."""
    rng = random.Random(owners)
    specs = [spec_of(seed) for seed in range(50)]
    new = [
        jobs.NewJob(
            specs[i % len(specs)],
            owner=f"owner-{i % owners}",
            priority=rng.choice((0, 0, 0, 1, 5)),
        )
        for i in range(JOBS)
    ]
    with database.write() as session:
        jobs.insert_jobs(session, new)
        for owner in session.scalars(select(Owner)):
            owner.recent_device_s, owner.recent_at = rng.uniform(0, 1e5), clock.read(session)
    with database.write() as session:
        return [
            workers.register(
                session,
                workers.NewWorker(
                    f"slot-{n}", "host", 1, "cpu", ["cpu"] * (1 + n % 2), 1,
                    hardware=[HOST] * (1 + n % 2),
                ),
            )
            for n in range(8)
        ]  # fmt: skip


def measure(act: Callable[[], object], times: int) -> tuple[float, float]:
    """Give the medians of wall time and of this process's own, in milliseconds."""
    wall, own = [], []
    for _ in range(times):
        before, before_own = time.perf_counter(), time.process_time()
        act()
        wall.append(1e3 * (time.perf_counter() - before))
        own.append(1e3 * (time.process_time() - before_own))
    return statistics.median(wall), statistics.median(own)


def rows(database: Database, owners: int) -> dict[str, tuple[float, float]]:
    """Measure each case."""
    keys = fill(database, owners)
    if database.dialect != "sqlite":  # as its autovacuum does within a minute
        with database.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
    turn = iter(range(10**6))

    def claim() -> None:
        with database.write() as session:
            assert attempts.claim(session, keys[next(turn) % len(keys)]) is not None

    def page(offset: int) -> None:
        with database.read() as session:
            assert len(queue.read(session, offset=offset)) == 100

    def place() -> None:
        with database.read() as session:
            assert queue.position(session, JOBS // 2) is not None

    return {
        "claim": measure(claim, 60),
        "first page of the queue": measure(lambda: page(0), 15),
        "page from 5,000 on": measure(lambda: page(5000), 15),
        "place of one job": measure(place, 15),
    }


def main() -> int:
    """Print the table, and hold the claim."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", help="An empty database [a new SQLite file].")
    url = parser.parse_args().database
    wall_ms = own_ms = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for owners in (1, 20, 200):
            address = url or f"sqlite:///{Path(folder)}/{owners}.db"
            migrations.upgrade(address)
            database = Database(address)
            print(f"\n{JOBS:,} queued jobs of {owners} owners, {database.dialect}")
            for name, (wall, own) in rows(database, owners).items():
                print(f"  {name:26} {wall:8.1f} ms, of the processor {own:8.1f} ms")
                if name == "claim":
                    wall_ms, own_ms = max(wall_ms, wall), max(own_ms, own)
            database.close()
            if url:
                break
    how = "held" if wall_ms <= CLAIM_MS else "held by processor time alone, the machine is busy"
    how = how if own_ms <= CLAIM_MS else "FAILED"
    print(
        f"\nclaim, at most {CLAIM_MS:g} ms: {wall_ms:.1f} ms, of the processor {own_ms:.1f}: {how}"
    )
    return 0 if own_ms <= CLAIM_MS else 1


if __name__ == "__main__":
    sys.exit(main())
