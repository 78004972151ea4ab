"""A preemptible job gives way to one of higher priority that finds no other slot."""

import pytest

from store import attempts, jobs, preemption, shares
from store.attempts import Wish
from store.shares import Rules

GIVES_WAY = {"preemptible": True}


@pytest.fixture(autouse=True)
def at_once(bench):
    """Nobody runs for a least time first; the test of that sets its own rule."""
    bench.write(shares.set_rules, Rules(preempt_after_s=0))
    yield
    bench.write(shares.set_rules, Rules())


def run(bench, worker, *, priority=0, **resources):
    job_id = bench.submit(bench.spec(resources=resources), priority=priority)
    claim = bench.claim(worker)
    assert claim.job_id == job_id
    return claim


def give_way(bench):
    return bench.write(preemption.give_way)


def test_the_heartbeat_tells_and_the_job_keeps_its_age_and_is_not_blamed(bench):
    worker = bench.worker()
    claim = run(bench, worker, **GIVES_WAY)
    before = bench.job(claim.job_id)
    urgent = bench.submit(priority=1)
    assert give_way(bench) == (claim.job_id,)
    assert bench.job(claim.job_id).wish == "preempt"
    assert bench.write(attempts.heartbeat, claim.attempt_id) is Wish.PREEMPT
    for _ in range(attempts.MAX_ATTEMPTS_WITHOUT_CHECKPOINT):
        given = {"kind": "preempted", "message": "m", "blameless": True}
        assert bench.write(attempts.release, claim.attempt_id, **given) == "queued"
        after = bench.job(claim.job_id)
        assert (after.queued_at, after.wish) == (before.queued_at, None)
        assert bench.claim(worker).job_id == urgent
        claim_again = bench.claim(worker)
        assert claim_again.job_id == claim.job_id
        claim = claim_again
        urgent = bench.submit(priority=1)


def test_asked_once_is_enough(bench):
    claim = run(bench, bench.worker(), **GIVES_WAY)
    bench.submit(priority=1)
    assert give_way(bench) == (claim.job_id,)
    assert give_way(bench) == ()


def test_one_gives_way_for_each_that_waits(bench):
    claims = [run(bench, bench.worker(f"w{n}"), **GIVES_WAY) for n in range(3)]
    for _ in range(2):
        bench.submit(priority=1)
    asked = give_way(bench)
    assert len(asked) == 2
    assert give_way(bench) == ()
    bench.submit(priority=2)
    (third,) = give_way(bench)
    assert {*asked, third} == {claim.job_id for claim in claims}


def test_lowest_priority_goes_first_and_of_those_who_began_last(bench):
    middle = run(bench, bench.worker("a"), priority=2, **GIVES_WAY)
    old = run(bench, bench.worker("b"), priority=1, **GIVES_WAY)
    young = run(bench, bench.worker("c"), priority=1, **GIVES_WAY)
    for expected in (young, old, middle):
        bench.submit(priority=5)
        assert give_way(bench) == (expected.job_id,)


def test_nobody_gives_way_to_the_same_or_a_lower_priority_or_without_having_said_so(bench):
    run(bench, bench.worker("a"), priority=3, **GIVES_WAY)
    run(bench, bench.worker("b"))
    bench.submit(priority=3)
    bench.submit(priority=2)
    assert give_way(bench) == ()


def test_nobody_gives_way_while_an_idle_slot_fits(bench):
    claim = run(bench, bench.worker("a"), **GIVES_WAY)
    bench.worker("b")
    bench.submit(priority=1)
    assert give_way(bench) == ()
    bench.submit(priority=1)
    assert give_way(bench) == (claim.job_id,)


def test_a_slot_whose_job_is_being_cancelled_is_waited_for(bench):
    run(bench, bench.worker("a"), **GIVES_WAY)
    leaving = run(bench, bench.worker("b"))
    bench.write(jobs.request_cancel, leaving.job_id)
    bench.submit(priority=1)
    assert give_way(bench) == ()


def test_only_a_slot_that_the_waiting_job_fits_is_cleared(bench):
    run(bench, bench.worker("cpu"), **GIVES_WAY)
    wide = run(
        bench, bench.worker("cuda", kind="cuda", devices=["0", "1"]), kind="cuda", **GIVES_WAY
    )
    bench.submit(bench.spec(resources={"devices": 2}), priority=1)
    assert give_way(bench) == (wide.job_id,)
    bench.submit(bench.spec(resources={"devices": 4}), priority=1)
    assert give_way(bench) == ()


def test_nobody_gives_way_to_an_owner_at_its_cap(bench):
    bench.write(shares.set_rules, Rules(preempt_after_s=0, max_running=1))
    bench.submit(owner="ada")
    bench.claim(bench.worker("a"))
    bench.submit(bench.spec(resources=GIVES_WAY), owner="bob")
    bench.claim(bench.worker("b"))
    bench.submit(owner="ada", priority=9)
    assert give_way(bench) == ()


def test_a_job_that_has_just_begun_is_left_alone_for_a_while(bench):
    bench.write(shares.set_rules, Rules(preempt_after_s=3600))
    run(bench, bench.worker(), **GIVES_WAY)
    bench.submit(priority=1)
    assert give_way(bench) == ()


def test_a_person_who_pauses_or_cancels_it_meanwhile_is_obeyed(bench):
    claim = run(bench, bench.worker(), **GIVES_WAY)
    bench.submit(priority=1)
    give_way(bench)
    assert bench.write(jobs.request_pause, claim.job_id).wish == "pause"
    assert bench.write(jobs.request_cancel, claim.job_id).wish == "cancel"


def test_one_that_is_lost_while_it_gives_way_is_queued(bench):
    claim = run(bench, bench.worker(), **GIVES_WAY)
    bench.submit(priority=1)
    give_way(bench)
    assert bench.write(attempts.release, claim.attempt_id, kind="k", message="m") == "queued"
