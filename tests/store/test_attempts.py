import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from crs_core.events import CheckpointSaved
from store import attempts, checkpoints, clock, curves, jobs, queue, sweeper, workers
from store.attempts import Outcome, Wish
from store.errors import Fenced, NotFound
from store.session import Database
from store.tables import Attempt


def saved(step: int, *, best: bool = False) -> CheckpointSaved:
    return CheckpointSaved(
        step=step, name=f"step-{step}.pt", size_bytes=10, sha256="a" * 64, best=best
    )


def expire(bench, claim) -> None:
    with bench.database.write() as session:
        session.get(Attempt, claim.attempt_id).lease_until = clock.read(session) - 1


def test_the_clock_is_the_time_of_day(bench):
    import time

    assert abs(bench.read(clock.read) - time.time()) < 5


def test_a_claim_carries_what_a_worker_needs(bench):
    spec = bench.spec(seed=9)
    job_id = bench.submit(spec)
    worker = bench.worker("host/3")
    claim = bench.claim(worker, lease_s=60)
    assert (claim.job_id, claim.number, claim.spec, claim.checkpoints) == (job_id, 1, spec, ())
    job = bench.job(job_id)
    assert (job.state, job.attempt_count, job.queue_position) == ("running", 1, None)
    assert job.started_at is not None
    (attempt,) = job.attempts
    assert (attempt.worker, attempt.host, attempt.state) == ("host/3", "host", "running")
    assert attempt.lease_until - attempt.started_at == pytest.approx(60)
    assert bench.claim(worker) is None


def test_an_unknown_worker_claims_nothing(bench):
    bench.submit()
    with pytest.raises(NotFound, match="there is no worker 99; register it first"):
        bench.claim(99)


def test_priority_goes_before_age(bench):
    old, urgent, young = bench.submit(), bench.submit(priority=5), bench.submit()
    assert [q.job_id for q in bench.read(queue.read)] == [urgent, old, young]
    assert [bench.job(j).queue_position for j in (old, urgent, young)] == [2, 1, 3]
    assert [bench.claim().job_id for _ in range(3)] == [urgent, old, young]


@pytest.mark.parametrize(
    ("resources", "worker", "fits"),
    [
        ({"kind": "any"}, {"kind": "cpu"}, True),
        ({"kind": "any"}, {"kind": "cuda"}, True),
        ({"kind": "cuda"}, {"kind": "cpu"}, False),
        ({"kind": "cuda"}, {"kind": "cuda", "devices": ["cuda:0", "cuda:1"]}, True),
        ({"kind": "cpu"}, {"kind": "cuda"}, False),
        ({"kind": "any"}, {"devices": []}, False),
        ({"kind": "any"}, {"datasets": ["digits", "mnist"]}, True),
        ({"kind": "any"}, {"datasets": ["mnist"]}, False),
        ({"kind": "any"}, {"datasets": []}, False),
    ],
)
def test_a_job_goes_only_to_a_slot_that_it_fits(bench, resources, worker, fits):
    job_id = bench.submit(bench.spec(resources=resources))
    claim = bench.claim(bench.worker(**worker))
    assert (claim is not None) == fits
    assert bench.job(job_id).state == ("running" if fits else "queued")


def test_a_job_that_does_not_fit_lets_the_next_one_pass(bench):
    bench.submit(bench.spec(resources={"kind": "cuda"}), priority=9)
    fitting = bench.submit()
    assert bench.claim().job_id == fitting


def test_the_queue_says_what_a_job_waits_for(bench):
    bench.submit(bench.spec(resources={"kind": "cuda"}))
    bench.submit(bench.spec(dataset={"name": "mnist"}))
    bench.submit()
    waits = [q.waits_for for q in bench.read(queue.read)]
    assert waits == ["a worker: none is running"] * 3
    bench.worker(datasets=["digits"])
    cuda, mnist, fits = (q.waits_for for q in bench.read(queue.read))
    assert cuda == "a worker with a device of kind cuda"
    assert mnist == "a worker that has the data set mnist"
    assert fits is None
    assert [q.position for q in bench.read(queue.read, limit=1, offset=1)] == [2]


def claim_all(url: str, name: str) -> list[str]:
    """Claim until nothing is left; runs in a process of its own."""
    database = Database(url)
    new = workers.NewWorker(name, "host", 1, "cpu", ["cpu"], 1)
    with database.write() as session:
        worker = workers.register(session, new)
    found = []
    while True:
        with database.write() as session:
            claim = attempts.claim(session, worker)
        if claim is None:
            database.close()
            return found
        found.append(claim.job_id)


def submit_many(bench, count: int) -> list[str]:
    with bench.database.write() as session:
        new = [jobs.NewJob(bench.spec(seed=i)) for i in range(count)]
        return [job_id for _, job_id in jobs.insert_jobs(session, new)]


def test_threads_that_claim_at_once_get_every_job_once(bench):
    made = submit_many(bench, 40)
    with ThreadPoolExecutor(6) as pool:
        urls = [bench.database.url] * 6
        claimed = [j for found in pool.map(claim_all, urls, map(str, range(6))) for j in found]
    assert sorted(claimed) == sorted(made)


def test_processes_that_claim_at_once_get_every_job_once(bench):
    made = submit_many(bench, 30)
    context = multiprocessing.get_context("fork")
    with context.Pool(3) as pool:
        arguments = [(bench.database.url, str(i)) for i in range(3)]
        claimed = [j for found in pool.starmap(claim_all, arguments) for j in found]
        pool.close()
        pool.join()
    assert sorted(claimed) == sorted(made)


def test_a_job_cancelled_while_it_is_claimed_is_not_run(bench):
    victim, other = bench.submit(priority=1), bench.submit()
    worker = bench.worker()
    locked, go = threading.Event(), threading.Event()

    def cancel() -> None:
        with bench.database.write() as session:
            jobs.request_cancel(session, victim)
            locked.set()
            go.wait(10)

    with ThreadPoolExecutor(2) as pool:
        cancelling = pool.submit(cancel)
        assert locked.wait(10)
        claiming = pool.submit(bench.claim, worker)
        threading.Event().wait(0.2)
        assert not claiming.done()
        go.set()
        cancelling.result()
        assert claiming.result().job_id == other
    assert bench.job(victim).state == "cancelled"


def test_a_heartbeat_extends_the_lease(bench):
    claim = bench.begin(lease_s=5)
    assert bench.write(attempts.heartbeat, claim.attempt_id, lease_s=500) is Wish.GO_ON
    (attempt,) = bench.job(claim.job_id).attempts
    assert attempt.lease_until == pytest.approx(attempt.heartbeat_at + 500)
    assert attempt.lease_until > claim.lease_until


def test_a_late_heartbeat_before_the_sweep_saves_the_attempt(bench):
    claim = bench.begin()
    expire(bench, claim)
    assert bench.write(attempts.heartbeat, claim.attempt_id) is Wish.GO_ON
    assert bench.write(sweeper.sweep).requeued == ()
    assert bench.job(claim.job_id).state == "running"


def test_after_its_lease_an_attempt_can_write_nothing(bench):
    first = bench.begin()
    bench.record(first, bench.started(), bench.points(10, train_loss=3.0), saved(10))
    expire(bench, first)
    assert bench.write(sweeper.sweep).requeued == (first.job_id,)
    second = bench.claim()
    assert (second.job_id, second.number) == (first.job_id, 2)
    assert [c.path for c in second.checkpoints] == ["a1/step-10.pt"]
    bench.record(second, bench.started(10, resumed_from="step-10.pt"))

    assert bench.write(attempts.heartbeat, first.attempt_id) is Wish.FENCED
    with pytest.raises(Fenced, match="is not current any more; nothing was written"):
        bench.record(first, bench.points(20, train_loss=9.0), saved(20), log="late")
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


def test_a_write_and_a_sweep_at_once_do_not_both_win(bench):
    """While a batch is being written its attempt is locked: the sweep lets it be."""
    claim = bench.begin()
    expire(bench, claim)
    if bench.database.dialect == "sqlite":  # one writer at a time: there is no such moment
        return
    with bench.database.write() as session:
        attempts.heartbeat(session, claim.attempt_id)
        assert bench.write(sweeper.sweep).requeued == ()
    assert bench.job(claim.job_id).state == "running"


def test_sweeping_twice_does_nothing_the_second_time(bench):
    claim = bench.begin()
    expire(bench, claim)
    assert bench.write(sweeper.sweep).requeued == (claim.job_id,)
    again = bench.write(sweeper.sweep)
    assert (again.requeued, again.failed, again.stopped) == ((), (), ())
    assert len(bench.job(claim.job_id).attempts) == 1


def test_sweeps_at_once_end_each_attempt_once(bench):
    claims = [bench.begin() for _ in range(6)]
    for claim in claims:
        expire(bench, claim)
    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(lambda _: bench.write(sweeper.sweep), range(4)))
    requeued = [job_id for report in reports for job_id in report.requeued]
    assert sorted(requeued) == sorted(claim.job_id for claim in claims)


def test_three_attempts_without_a_checkpoint_fail_the_job(bench):
    job_id = bench.submit()
    for expected in ("queued", "queued", "failed"):
        expire(bench, bench.claim())
        bench.write(sweeper.sweep)
        assert bench.job(job_id).state == expected
    reason = bench.job(job_id).reason
    assert reason.kind == "worker_lost"
    assert reason.message.startswith("3 attempts in a row ended without a new checkpoint")


def test_an_attempt_that_brought_a_checkpoint_is_not_counted(bench):
    job_id = bench.submit()
    for number in range(1, 6):
        claim = bench.claim()
        if number == 3:
            bench.record(claim, bench.started(), saved(7))
        state = bench.write(attempts.release, claim.attempt_id, kind="killed", message="signal 9")
        assert state == "queued", number
    claim = bench.claim()
    assert bench.write(attempts.release, claim.attempt_id, kind="k", message="m") == "failed"
    assert bench.job(job_id).state == "failed"


def test_a_blameless_end_is_not_counted(bench):
    bench.submit()
    for _ in range(5):
        claim = bench.claim()
        given = {"kind": "worker_stopped", "message": "the worker stops", "blameless": True}
        assert bench.write(attempts.release, claim.attempt_id, **given) == "queued"


def test_a_lost_job_keeps_its_place_in_the_queue(bench):
    first = bench.begin()
    later = bench.submit()
    bench.write(attempts.release, first.attempt_id, kind="k", message="m", blameless=True)
    assert [q.job_id for q in bench.read(queue.read)] == [first.job_id, later]


@pytest.mark.parametrize(
    ("ask", "state"), [(jobs.request_cancel, "cancelled"), (jobs.request_pause, "paused")]
)
def test_a_wish_is_granted_when_its_worker_is_lost(bench, ask, state):
    claim = bench.begin()
    bench.write(ask, claim.job_id)
    expire(bench, claim)
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
        bench.record(claim, saved(step, best=step in (10, 20)))
    kept = bench.read(checkpoints.read, claim.job_id)
    assert [c.step for c in kept] == [50, 40, 20]
    assert kept[0].path == f"jobs/{claim.job_id}/a1/step-50.pt"
    assert bench.read(checkpoints.get, claim.job_id, kept[2].id).best
    stale = bench.write(sweeper.sweep).stale
    assert [f.path.rsplit("/")[-1] for f in stale] == ["step-10.pt", "step-30.pt"]
    with pytest.raises(NotFound):
        bench.read(checkpoints.get, claim.job_id, stale[0].id)
    bench.write(checkpoints.forget, [f.id for f in stale] + [kept[0].id])
    assert bench.write(sweeper.sweep).stale == ()
    assert len(bench.read(checkpoints.read, claim.job_id)) == 3


def test_a_checkpoint_that_could_not_be_used_is_stale_after_the_resume(bench):
    first = bench.begin()
    bench.record(first, bench.started(), saved(10), saved(20))
    bench.write(attempts.release, first.attempt_id, kind="k", message="m")
    second = bench.claim()
    assert [c.step for c in second.checkpoints] == [20, 10]
    bench.record(second, bench.started(10, notes=("step-20.pt: checksum differs",)))
    assert [c.step for c in bench.read(checkpoints.read, first.job_id)] == [10]
    assert bench.job(first.job_id).attempts[1].notes == ("step-20.pt: checksum differs",)


def test_a_checkpoint_told_twice_is_one(bench):
    claim = bench.begin()
    bench.record(claim, bench.started(), saved(10), saved(10, best=True))
    (only,) = bench.read(checkpoints.read, claim.job_id)
    assert only.best


def test_workers_are_listed_with_their_job(bench):
    worker = bench.worker("a/0", memory_bytes=100, datasets=["mnist", "digits"])
    bench.worker("b/0")
    job_id = bench.submit()
    bench.claim(worker)
    bench.write(workers.beat, worker, "busy", memory_used_bytes=40)
    a, b = bench.read(workers.list_workers)
    assert (a.name, a.state, a.alive, a.job_id, a.attempt) == ("a/0", "busy", True, job_id, 1)
    assert (a.memory_bytes, a.memory_used_bytes, a.datasets) == (100, 40, ("digits", "mnist"))
    assert (b.state, b.job_id, b.datasets) == ("idle", None, None)
    bench.write(workers.beat, worker, "stopped")
    assert [w.name for w in bench.read(workers.list_workers)] == ["b/0", "a/0"]
    assert [w.alive for w in bench.read(workers.list_workers, alive_s=0)] == [False, False]


def test_a_worker_that_comes_back_keeps_its_key(bench):
    first = bench.worker("a/0", pid=1)
    assert bench.worker("a/0", pid=2) == first
    (only,) = bench.read(workers.list_workers)
    assert only.pid == 2


def test_a_beat_of_an_unknown_worker_is_told(bench):
    with pytest.raises(NotFound, match="register it first"):
        bench.write(workers.beat, 99, "idle")


def test_an_attempt_ends_with_its_reason(bench):
    claim = bench.begin()
    bench.write(
        attempts.finish, claim.attempt_id, Outcome.FAILED, kind="diverged", message="loss is nan\0"
    )
    job = bench.job(claim.job_id)
    assert job.reason.message == "loss is nan\ufffd"
    assert job.attempts[0].reason == job.reason
    assert bench.read(lambda s: s.scalar(select(Attempt.ended_at))) is not None
