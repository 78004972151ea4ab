from concurrent.futures import ThreadPoolExecutor

import pytest

from store import attempts, checkpoints, curves, jobs, sweeper, workers
from store.attempts import Outcome, Wish
from store.errors import Fenced, NotFound


def test_a_late_heartbeat_before_the_sweep_saves_the_attempt(bench):
    claim = bench.begin()
    bench.expire(claim)
    assert bench.write(attempts.heartbeat, claim.attempt_id) is Wish.GO_ON
    assert bench.write(sweeper.sweep).requeued == ()
    assert bench.job(claim.job_id).state == "running"


def test_after_its_lease_an_attempt_can_write_nothing(bench):
    first = bench.begin()
    bench.record(first, bench.started(), bench.points(10, train_loss=3.0), bench.saved(10))
    bench.expire(first)
    assert bench.write(sweeper.sweep).requeued == (first.job_id,)
    second = bench.claim()
    assert (second.job_id, second.number) == (first.job_id, 2)
    assert [c.path for c in second.checkpoints] == ["a1/step-10.pt"]
    bench.record(second, bench.started(10, resumed_from="step-10.pt"))

    assert bench.write(attempts.heartbeat, first.attempt_id) is Wish.FENCED
    with pytest.raises(Fenced, match="is not current any more; nothing was written"):
        bench.record(first, bench.points(20, train_loss=9.0), bench.saved(20), log="late")
    for end in (
        lambda s: attempts.finish(s, first.attempt_id, Outcome.SUCCEEDED),
        lambda s: attempts.release(s, first.attempt_id, kind="x", message="y"),
    ):
        with pytest.raises(Fenced):
            bench.write(end)
    (curve,) = bench.read(curves.read, [first.job_id])
    assert (curve.steps, curve.values) == ([10], [3.0])
    assert [c.step for c in bench.read(checkpoints.read, first.job_id)] == [10]
    job = bench.job(first.job_id)
    assert job.state == "running"
    assert [a.state for a in job.attempts] == ["lost", "running"]
    assert job.attempts[0].reason.kind == "worker_lost"


@pytest.mark.parametrize(  # on SQLite there is one writer at a time: no such moment
    "database_url",
    [pytest.param("postgresql", marks=pytest.mark.needs("postgresql"))],
    indirect=True,
)
def test_a_write_and_a_sweep_at_once_do_not_both_win(bench):
    """While a batch is being written its attempt is locked: the sweep lets it be."""
    claim = bench.begin()
    bench.expire(claim)
    with bench.database.write() as session:
        attempts.heartbeat(session, claim.attempt_id)
        assert bench.write(sweeper.sweep).requeued == ()
    assert bench.job(claim.job_id).state == "running"


def test_what_a_slot_left_behind_is_given_back_before_its_lease_runs_out(bench):
    left = bench.begin()
    other = bench.submit()
    running = bench.claim(bench.worker("host/1"))
    assert running.job_id == other
    assert bench.write(sweeper.end_left_behind, "host/0") == (left.job_id,)
    assert bench.write(sweeper.end_left_behind, "host/0") == ()
    assert bench.job(left.job_id).state == "queued"
    (attempt,) = bench.job(left.job_id).attempts
    assert (attempt.state, attempt.reason.kind) == ("lost", "worker_lost")
    assert "the process of worker host/0 ended (process 7: " in attempt.reason.message
    assert bench.write(attempts.heartbeat, left.attempt_id) is Wish.FENCED
    assert bench.write(attempts.heartbeat, running.attempt_id) is Wish.GO_ON


def test_sweeping_twice_does_nothing_the_second_time(bench):
    claim = bench.begin()
    bench.expire(claim)
    assert bench.write(sweeper.sweep).requeued == (claim.job_id,)
    again = bench.write(sweeper.sweep)
    assert (again.requeued, again.failed, again.stopped) == ((), (), ())
    assert len(bench.job(claim.job_id).attempts) == 1


def test_sweeps_at_once_end_each_attempt_once(bench):
    claims = [bench.begin() for _ in range(6)]
    for claim in claims:
        bench.expire(claim)
    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(lambda _: bench.write(sweeper.sweep), range(4)))
    requeued = [job_id for report in reports for job_id in report.requeued]
    assert sorted(requeued) == sorted(claim.job_id for claim in claims)


def test_jobs_are_locked_in_the_order_of_their_keys_as_by_the_cancel_of_a_sweep(bench):
    ids = [bench.submit(priority=priority) for priority in (1, 2, 3)]
    for job_id in reversed(ids):
        claim = bench.claim()
        assert claim.job_id == job_id
        bench.expire(claim)
    assert bench.write(sweeper.sweep).requeued == tuple(ids)


def test_three_attempts_without_a_checkpoint_fail_the_job(bench):
    job_id = bench.submit()
    for expected in ("queued", "queued", "failed"):
        bench.expire(bench.claim())
        bench.write(sweeper.sweep)
        assert bench.job(job_id).state == expected
    reason = bench.job(job_id).reason
    assert reason.kind == "worker_lost"
    assert reason.message.startswith("3 attempts in a row ended without a new checkpoint")


@pytest.mark.parametrize(
    ("ask", "state"), [(jobs.request_cancel, "cancelled"), (jobs.request_pause, "paused")]
)
def test_a_wish_is_granted_when_its_worker_is_lost(bench, ask, state):
    claim = bench.begin()
    bench.write(ask, claim.job_id)
    bench.expire(claim)
    report = bench.write(sweeper.sweep)
    assert report.stopped == (claim.job_id,)
    assert bench.job(claim.job_id).state == state


def test_the_sweep_rings_only_where_work_fits_an_idle_slot(bench):
    assert not bench.write(sweeper.sweep).ring
    bench.submit(bench.spec(resources={"kind": "cuda"}))
    worker = bench.worker()
    assert not bench.write(sweeper.sweep).ring
    bench.submit()
    assert bench.write(sweeper.sweep).ring
    bench.write(workers.beat, worker, "busy")
    assert not bench.write(sweeper.sweep).ring


def test_two_newest_and_the_best_checkpoint_are_kept_and_the_rest_is_stale(bench):
    claim = bench.begin()
    bench.record(claim, bench.started())
    for step in (10, 20, 30, 40, 50):
        bench.record(claim, bench.saved(step, best=step in (10, 20)))
    kept = bench.read(checkpoints.read, claim.job_id)
    assert [c.step for c in kept] == [50, 40, 20]
    assert kept[0].path == f"jobs/{claim.job_id}/a1/step-50.pt"
    assert bench.read(checkpoints.get, claim.job_id, kept[2].id).best
    stale = bench.read(checkpoints.stale)
    assert [f.path.rsplit("/")[-1] for f in stale] == ["step-10.pt", "step-30.pt"]
    with pytest.raises(NotFound):
        bench.read(checkpoints.get, claim.job_id, stale[0].id)
    bench.write(checkpoints.forget, [f.id for f in stale] + [kept[0].id])
    assert bench.read(checkpoints.stale) == ()
    assert len(bench.read(checkpoints.read, claim.job_id)) == 3


def test_a_checkpoint_that_could_not_be_used_is_stale_after_the_resume(bench):
    first = bench.begin()
    bench.record(first, bench.started(), bench.saved(10), bench.saved(20))
    bench.write(attempts.release, first.attempt_id, kind="k", message="m")
    second = bench.claim()
    assert [c.step for c in second.checkpoints] == [20, 10]
    bench.record(second, bench.started(10, notes=("step-20.pt: checksum differs",)))
    assert [c.step for c in bench.read(checkpoints.read, first.job_id)] == [10]
    assert bench.job(first.job_id).attempts[1].notes == ("step-20.pt: checksum differs",)


def test_a_checkpoint_told_twice_is_one(bench):
    claim = bench.begin()
    bench.record(claim, bench.started(), bench.saved(10), bench.saved(10, best=True))
    (only,) = bench.read(checkpoints.read, claim.job_id)
    assert only.best
