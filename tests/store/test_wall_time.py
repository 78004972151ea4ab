"""A job may run for so long in all, whatever the number of its attempts."""

import re

import pytest

from store import attempts, jobs, tables
from store.attempts import Outcome
from store.errors import Conflict


def limited(bench, seconds):
    return bench.spec(resources={"wall_time_s": seconds})


def let_it_have_run(bench, claim, seconds):
    with bench.database.write() as session:
        session.get_one(tables.Attempt, claim.attempt_id).started_at -= seconds


def test_time_of_all_attempts_counts_towards_the_wall_time(bench):
    claim = bench.begin(limited(bench, 10_000))
    assert claim.wall_time_left_s == 10_000
    let_it_have_run(bench, claim, 3000)
    bench.write(attempts.release, claim.attempt_id, kind="k", message="m")
    again = bench.claim()
    assert again.wall_time_left_s == pytest.approx(7000, abs=100)
    bench.end(again, Outcome.FAILED, kind="internal", message="m")
    bench.write(jobs.retry, again.job_id)
    assert bench.claim().wall_time_left_s == pytest.approx(7000, abs=100)
    assert bench.begin(bench.spec()).wall_time_left_s is None


def test_a_job_that_has_used_up_its_time_fails_when_it_is_claimed_and_the_next_is_taken(bench):
    claim = bench.begin(limited(bench, 10_000))
    bench.record(claim, bench.started(), bench.saved(40))
    let_it_have_run(bench, claim, 12_000)
    bench.write(attempts.release, claim.attempt_id, kind="k", message="m")
    other = bench.submit()
    assert bench.claim().job_id == other
    job = bench.job(claim.job_id)
    assert (job.state, job.reason.kind) == ("failed", "wall_time")
    assert re.match(
        r"the job has run for 12\d{3} s, and resources.wall_time_s allows 10000 s; retry it with",
        job.reason.message,
    )


def test_more_time_is_needed_for_the_retry_of_a_job_that_used_up_its_own(bench):
    claim = bench.begin(limited(bench, 10_000))
    bench.record(claim, bench.started(), bench.saved(40))
    let_it_have_run(bench, claim, 12_000)
    bench.end(claim, Outcome.FAILED, kind="wall_time", message="m")
    for less in (None, 11_000):
        with pytest.raises(Conflict, match=r"has run for 12\d{3} s, and .* retry it with a larger"):
            bench.write(jobs.retry, claim.job_id, wall_time_s=less)
    assert bench.job(claim.job_id).state == "failed"
    assert bench.job(claim.job_id).spec["resources"]["wall_time_s"] == 10_000
    assert bench.write(jobs.retry, claim.job_id, wall_time_s=30_000).state == "queued"
    assert bench.job(claim.job_id).spec["resources"]["wall_time_s"] == 30_000
    again = bench.claim()
    assert again.wall_time_left_s == pytest.approx(18_000, abs=100)
    assert [c.step for c in again.checkpoints] == [40]


def test_a_queued_job_keeps_its_limit_and_the_same_retry_again_is_no_error(bench):
    job_id = bench.submit(limited(bench, 10_000))
    for other in (5000, 20_000):
        with pytest.raises(Conflict, match="queued already; to give it another wall_time_s, canc"):
            bench.write(jobs.retry, job_id, wall_time_s=other)
    assert bench.write(jobs.retry, job_id, wall_time_s=10_000).state == "queued"
    assert bench.job(job_id).spec["resources"]["wall_time_s"] == 10_000
    bench.write(jobs.request_cancel, job_id)
    for _ in range(2):
        bench.write(jobs.retry, job_id, wall_time_s=20_000)
    assert bench.job(job_id).spec["resources"]["wall_time_s"] == 20_000
