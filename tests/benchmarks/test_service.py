"""What the benchmarks of the service measure by is right, at a small size and without any time."""

import os
import threading
import time
from contextlib import closing

import pytest
from sqlalchemy import func, select

from benchmarks import streams, submitters
from benchmarks.parts import seed, tables
from benchmarks.parts.server import Meter
from benchmarks.service import Row, cells
from benchmarks.streams import Load
from store import comparison, curves, jobs
from store.session import Database
from store.tables import Job, Point

SMALL = seed.Size(jobs=200, points=35_000)


@pytest.mark.system
def test_readers_of_the_events_see_every_point_once_and_in_order(database_url):
    load = Load(readers=25, jobs=3, reports=12, pause_s=0.05)
    seen = streams.follow(database_url, load)
    assert (seen.events, seen.missed, seen.wrong) == (25 * 3 * 12, 0, 0)
    assert len(seen.delays_s) == seen.events
    assert seen.cores > 0


def test_a_report_that_is_missing_doubled_or_late_is_counted():
    load = Load(readers=2, jobs=1, reports=3)
    written = {("j", to): 0.0 for to in (20, 40, 60)}
    whole = [("j", 1, 20, 1.0), ("j", 21, 40, 1.0), ("j", 41, 60, 1.0)]
    assert streams.compare([whole, whole], written, load, 0.5).wrong == 0
    doubled = streams.compare([whole, [*whole, whole[1]]], written, load, 0.5)
    assert (doubled.missed, doubled.wrong) == (0, 1)
    missing = streams.compare([whole, [whole[0], whole[2]]], written, load, 0.5)
    assert (missing.missed, missing.wrong) == (1, 1)
    swapped = streams.compare([whole, [whole[1], whole[0], whole[2]]], written, load, 0.5)
    assert (swapped.missed, swapped.wrong) == (0, 2)


@pytest.mark.system
def test_submitters_with_retries_and_the_same_keys_make_a_job_per_key(database_url):
    keys = [f"key-{n}" for n in range(6)]
    found = submitters.submit_all(database_url, submitters=20, keys=keys)
    assert not found.refused
    assert found.jobs == found.keys_with_one_job == len(keys)
    assert found.created <= len(keys)
    assert sum(sum(ids.values()) for ids in found.answers.values()) == 20 * len(keys)
    assert len({job for ids in found.answers.values() for job in ids}) == len(keys)


def test_the_seeded_database_holds_what_it_says(database):
    made = seed.fill(database, SMALL)
    with database.read() as session:
        assert session.execute(select(func.count()).select_from(Job)).scalar_one() == 200
        assert session.execute(select(func.count()).select_from(Point)).scalar_one() == 35_000
        (long,) = curves.read(session, [made.long], ["train_loss"])
        assert len(long.steps) == seed.LONG
        found = curves.read(session, made.middles, ["train_loss"])
        assert [len(curve.steps) for curve in found] == [seed.MIDDLE] * seed.MIDDLES
        page = jobs.list_jobs(session, jobs.JobFilter(policies=["topk"]), limit=1000)
        assert len(page.items) == 40
        assert all(len(job.summary) == len(seed.METRICS) for job in page.items)
        groups = comparison.compare(session, sweep_ids=[made.sweep]).groups
        assert [group.n for group in groups] == [seed.SEEDS] * 20


def test_jobs_to_write_to_are_running(database):
    with closing(Database(database.url)) as opened:
        claims = seed.running(opened, 2)
    with database.read() as session:
        assert {jobs.get(session, claim.job_id).state for claim in claims} == {"running"}


class Named:
    def __init__(self, name):
        self.name = name


@pytest.mark.parametrize(
    ("value", "processor", "said"),
    [(11.0, 9.0, "yes"), (13.0, 9.0, "busy"), (13.0, 12.5, "**no**")],
)
def test_an_aim_is_met_by_the_median_or_only_where_nothing_else_runs(value, processor, said):
    name = "Colrow, SQLite"
    row = Row("t", "<= 12", 12, {name: [value, value, 99.0]}, {name: [processor]})
    assert cells(row, [Named(name)])[2].endswith(said)


def test_disk_is_held_to_the_limit_of_each_database():
    names = ["Colrow, SQLite", "Colrow, PostgreSQL"]
    row = Row("disk per point, bytes", "", 0, {name: [87.0] for name in names})
    assert [cell.split()[-1] for cell in cells(row, [Named(n) for n in names])[2:]] == [
        "**no**", "yes",
    ]  # fmt: skip


def test_numbers_are_written_with_three_digits_that_count():
    assert tables.spread([1.0, 2.345, 10.0]) == "2.35 (1.00–10.0)"
    assert tables.spread([12_345.6]) == "12,346"
    assert tables.quantile([5.0, 1.0, 3.0, 2.0, 4.0], 0.95) == 5.0


def test_the_meter_counts_what_ended_threads_spent() -> None:
    def burn() -> None:
        while time.thread_time() < 0.2:
            pass

    meter = Meter([os.getpid()])
    thread = threading.Thread(target=burn)
    thread.start()
    thread.join()
    time.sleep(0.1)  # the kernel forgets it a moment later
    assert meter.read_s() >= 0.4  # as this process, and as another
