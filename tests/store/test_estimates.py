"""When a job will start is told by what was measured, and not at all where nothing was."""

import pytest
from sqlalchemy import select

from store import clock, durations, jobs, queue, shares
from store.attempts import Outcome
from store.estimates import Outlook
from store.shares import Rules
from store.tables import Attempt, Job

SLACK_S = 100
"""What a slow machine may take in between."""


def outlook(*free, widths=None, **said):
    heaps = [sorted(times) for times in free]
    return Outlook(heaps, widths or [1] * len(heaps), **said)


def test_jobs_follow_each_other_where_their_lengths_are_known():
    near = outlook([0.0, 5.0])
    assert [near.start(1, "1", 10) for _ in range(4)] == [0, 5, 10, 15]


def test_behind_a_job_of_unknown_length_nothing_is_said():
    near = outlook([0.0, 5.0])
    starts = [near.start(1, "1", lasts) for lasts in (None, 10, None, 10)]
    assert starts == [0, 5, 15, None]
    assert near.is_dark


def test_a_job_waits_for_a_slot_that_it_fits():
    near = outlook([0.0], [7.0], widths=[1, 4])
    assert near.start(1, "01", 3) == 7
    assert near.start(1, "00", 3) is None
    assert near.start(1, "11", 3) == 0
    assert near.start(1, "11", 3) == 3


def test_of_two_slots_that_are_free_the_narrow_one_is_taken():
    near = outlook([0.0], [0.0], widths=[4, 1])
    assert near.start(1, "11", None) == 0
    assert near.free == [[0.0], []]


def test_an_owner_at_the_cap_waits_for_the_end_of_a_job_of_its_own():
    near = outlook([0.0] * 5, ends={1: [8.0]}, room={1: 1, 2: None})
    assert [near.start(1, "1", 20) for _ in range(3)] == [0, 8, 20]
    assert near.start(2, "1", 20) == 0
    lost = outlook([0.0], room={1: 0})
    assert lost.start(1, "1", 5) is None


def waits(bench):
    """Give how many seconds from now the queued jobs start."""
    now = bench.read(clock.read)
    places = bench.read(queue.read)
    return [None if one.starts_at is None else one.starts_at - now for one in places]


def let_it_have_run(bench, claim, seconds):
    with bench.database.write() as session:
        session.get_one(Attempt, claim.attempt_id).started_at -= seconds


def test_without_any_measurement_only_the_first_has_an_estimate(bench):
    bench.submit()
    assert waits(bench) == [None]
    bench.worker()
    bench.submit(bench.spec(seed=1))
    now, unknown = waits(bench)
    assert now == pytest.approx(0, abs=SLACK_S)
    assert unknown is None


def test_a_running_job_ends_by_its_own_speed_and_jobs_of_its_shape_take_as_long(bench):
    claim = bench.begin(bench.spec(seed=1))
    bench.submit(bench.spec(seed=2))
    bench.submit(bench.spec(seed=3))
    bench.submit(bench.spec(seed=4))
    assert waits(bench) == [None] * 3
    let_it_have_run(bench, claim, 4000)
    bench.record(claim, bench.started(), bench.points(100, steps_per_s=0.02))  # 200 steps are left
    assert waits(bench) == pytest.approx([10_000, 10_000 + 14_000, 10_000 + 28_000], abs=SLACK_S)


def test_jobs_that_succeeded_tell_how_long_their_shape_takes_whatever_its_seed_and_limits(bench):
    claim = bench.begin(bench.spec(seed=1))
    let_it_have_run(bench, claim, 50_000)
    bench.end(claim, Outcome.SUCCEEDED)
    for seed in (2, 3):
        bench.submit(bench.spec(seed=seed, resources={"wall_time_s": 900_000, "preemptible": True}))
    bench.submit(bench.spec(seed=2, training={"epochs": 3}))
    first, second, third = waits(bench)
    assert [first, second, third] == pytest.approx([0, 50_000, 100_000], abs=SLACK_S)
    other = bench.submit(bench.spec(seed=4))
    assert bench.job(other).queue_position == 4
    assert waits(bench)[3] is None, "it waits behind one whose shape nobody has seen"


def test_a_new_time_counts_for_a_fifth_at_least(bench):
    for seconds in (10_000, 20_000, 100_000):
        claim = bench.begin(bench.spec())
        let_it_have_run(bench, claim, seconds)
        bench.end(claim, Outcome.SUCCEEDED)
    shape = durations.shape_of(bench.spec().model_dump(mode="json"))
    (run_s,) = bench.read(durations.known, [shape]).values()
    assert run_s == pytest.approx(15_000 + 85_000 / 3, abs=SLACK_S)


def test_what_a_stopped_job_has_done_is_not_done_again(bench):
    done = bench.begin(bench.spec(seed=1))
    let_it_have_run(bench, done, 50_000)
    bench.end(done, Outcome.SUCCEEDED)
    half = bench.begin(bench.spec(seed=2))
    bench.record(half, bench.started(150), bench.saved(150))
    bench.write(jobs.request_pause, half.job_id)
    bench.end(half, Outcome.PAUSED)
    bench.write(jobs.resume, half.job_id)
    bench.submit(bench.spec(seed=3))
    assert waits(bench) == pytest.approx([0, 25_000], abs=SLACK_S)


def test_a_job_that_is_asked_to_stop_leaves_its_slot_soon(bench):
    claim = bench.begin()
    bench.submit()
    assert waits(bench) == [None]
    bench.write(jobs.request_cancel, claim.job_id)
    assert waits(bench) == pytest.approx([0], abs=SLACK_S)


def test_beyond_the_cap_it_waits_for_the_owners_own_job(bench):
    bench.write(shares.set_rules, Rules(max_running=1))
    done = bench.begin(bench.spec(seed=9))
    let_it_have_run(bench, done, 30_000)
    bench.end(done)
    bench.worker("idle")
    bench.submit(owner="ada")
    running = bench.claim(bench.worker("busy"))
    bench.submit(bench.spec(seed=1), owner="ada")
    bench.submit(bench.spec(seed=2), owner="bob")
    let_it_have_run(bench, running, 10_000)
    assert waits(bench) == pytest.approx([0, 20_000], abs=SLACK_S)
    assert [place.owner for place in bench.read(queue.read)] == ["bob", "ada"]
    bench.write(shares.set_rules, Rules())


def test_the_page_of_a_long_queue_counts_from_its_front(bench):
    done = bench.begin(bench.spec(seed=1))
    let_it_have_run(bench, done, 6000)
    bench.end(done)
    for seed in range(5):
        bench.submit(bench.spec(seed=seed))
    page = bench.read(queue.read, limit=2, offset=3)
    assert [place.position for place in page] == [4, 5]
    now = bench.read(clock.read)
    assert [place.starts_at - now for place in page] == pytest.approx([18_000, 24_000], abs=SLACK_S)
    assert bench.read(queue.read, offset=5) == ()


def test_a_job_of_an_older_version_has_no_shape_and_no_estimate(bench):
    claim = bench.begin()
    with bench.database.write() as session:
        session.scalars(select(Job)).one().shape = None
    let_it_have_run(bench, claim, 5000)
    bench.end(claim)
    bench.submit()
    with bench.database.write() as session:
        for job in session.scalars(select(Job)):
            job.shape = None
    bench.submit()
    assert waits(bench)[1] is None
