"""Numbers that only grow, counted in the transaction of what they count."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from store import attempts, clock, counters, jobs
from store.attempts import Outcome


def read(bench):
    return bench.read(counters.read)


def test_points_are_counted_and_stay_counted_when_their_job_is_deleted(bench):
    claim = bench.begin()
    bench.record(
        claim, bench.started(), bench.points(1, train_loss=1.0), bench.points(2, train_loss=0.5)
    )
    bench.record(claim, bench.points(3, train_loss=0.4, seconds=1.0))
    assert read(bench)["points", ""] == 4
    bench.end(claim)
    bench.write(jobs.delete, claim.job_id)
    assert read(bench)["points", ""] == 4


def test_what_is_rolled_back_is_not_counted(bench):
    def fail(session):
        counters.add(session, "points", 5)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        bench.write(fail)
    assert read(bench) == {}


def test_attempts_are_counted_by_how_they_ended(bench):
    for outcome in (Outcome.SUCCEEDED, Outcome.SUCCEEDED):
        bench.end(bench.begin(), outcome)
    bench.end(bench.begin(), Outcome.FAILED, kind="diverged", message="the loss is nan")
    claim = bench.begin()
    bench.write(attempts.release, claim.attempt_id, kind="worker_lost", message="gone")
    ended = {label: n for (name, label), n in read(bench).items() if name == counters.ATTEMPTS}
    assert ended == {"succeeded/": 2, "failed/diverged": 1, "lost/worker_lost": 1}


def test_the_wait_of_a_first_start_falls_into_its_bucket_and_later_starts_into_none(bench):
    job_id = bench.submit()

    def wait(session, seconds):
        job = jobs.lock(session, job_id)
        job.queued_at = clock.read(session) - seconds

    bench.write(wait, 42)
    first = bench.claim()
    bench.write(attempts.release, first.attempt_id, kind="worker_lost", message="gone")
    assert bench.claim() is not None
    waits = {label: n for (name, label), n in read(bench).items() if name == counters.WAITS}
    assert waits == {"60": 1}
    assert read(bench)[counters.WAITED_S, ""] == pytest.approx(42, abs=30)


def test_nobody_loses_a_count_to_another(bench):
    def count(_):
        for label in ("a", "b"):
            bench.write(lambda session, label=label: counters.add(session, "n", label=label))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count, range(20)))
    assert {k: v for k, v in read(bench).items() if k[0] == "n"} == {("n", "a"): 20, ("n", "b"): 20}


def test_a_clock_that_was_set_back_makes_no_negative_wait(bench):
    bench.write(counters.add_wait, -3.0)
    assert read(bench) == {("waits", "1"): 1, ("waited_s", ""): 0}
