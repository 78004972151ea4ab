import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from crs_core.spec import parse_any
from store import attempts, clock, jobs, queue, slots, workers
from store.attempts import Outcome, Wish
from store.errors import Conflict, NotFound
from store.session import Database
from store.tables import Attempt, Worker


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


def test_a_study_goes_to_any_slot_whatever_data_sets_it_has(bench):
    study = parse_any({"kind": "matmul_error", "method": "topk"})
    waiting = bench.submit()
    job_id = bench.submit(study)
    claim = bench.claim(bench.worker(datasets=[]))
    assert (claim.job_id, claim.spec) == (job_id, study)
    found = bench.read(queue.read)
    assert [(one.job_id, one.waits_for) for one in found] == [
        (waiting, "a worker that has the data set digits")
    ]
    assert bench.claim(bench.worker("host/1", datasets=["digits"])).job_id == waiting
    bench.submit(study)
    assert bench.read(queue.read)[0].waits_for is None


def test_two_long_distributions_fit_the_column(bench):
    long = {"name": "normal", "mean": -123456.5, "std": 0.000123456}
    entries = {"distribution": long, "distribution_b": {**long, "mean": 123456.5}}
    job_id = bench.submit(parse_any({"kind": "matmul_error", "method": "topk"} | entries))
    assert bench.job(job_id).spec["distribution"]["mean"] == -123456.5


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
    fits, cuda, mnist = (q.waits_for for q in bench.read(queue.read))
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
        if bench.database.dialect == "sqlite":  # one writes at a time
            threading.Event().wait(0.2)
            assert not claiming.done()
            go.set()
        # On PostgreSQL what somebody else is about to change is passed over.
        assert claiming.result(10).job_id == other
        go.set()
        cancelling.result()
    assert bench.job(victim).state == "cancelled"


def test_a_heartbeat_extends_the_lease(bench):
    claim = bench.begin(lease_s=5)
    assert bench.write(attempts.heartbeat, claim.attempt_id, lease_s=500) is Wish.GO_ON
    (attempt,) = bench.job(claim.job_id).attempts
    assert attempt.lease_until == pytest.approx(attempt.heartbeat_at + 500)
    assert attempt.lease_until > claim.lease_until


def test_an_attempt_that_brought_a_checkpoint_is_not_counted(bench):
    job_id = bench.submit()
    for number in range(1, 6):
        claim = bench.claim()
        if number == 3:
            bench.record(claim, bench.started(), bench.saved(7))
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


def test_a_stored_spec_that_is_none_any_more_fails_its_job_and_the_next_is_taken(bench):
    outdated, good = bench.submit(), bench.submit()
    with bench.database.write() as session:
        row = jobs.lock(session, outdated)
        row.spec = row.spec | {"model": {"name": "mlp", "depth": 3}, "colour": "red"}
    assert bench.claim().job_id == good
    job = bench.job(outdated)
    assert (job.state, job.reason.kind, job.attempt_count) == ("failed", "spec", 0)
    assert "model.depth: this field is not known; there are: name, hidden" in job.reason.message
    assert "colour: this field is not known" in job.reason.message
    assert job.finished_at is not None


def test_a_queue_of_nothing_but_outdated_specs_is_emptied(bench):
    ids = [bench.submit() for _ in range(3)]
    with bench.database.write() as session:
        for job_id in ids:
            jobs.lock(session, job_id).spec = {"model": {}}
    assert bench.claim() is None
    with bench.database.write() as session:
        assert {jobs.lock(session, job_id).state for job_id in ids} == {"failed"}


def test_a_name_that_a_living_worker_of_another_host_has_is_refused(bench):
    key = bench.worker("lab/1", host="here", pid=7)
    with pytest.raises(
        Conflict, match="a worker on here runs under the name 'lab/1', from another"
    ):
        bench.worker("lab/1", host="there")
    with bench.database.read() as session:
        assert session.get(Worker, key).host == "here"
    assert bench.worker("lab/1", host="here", pid=8) == key  # after a crash, and at once


@pytest.mark.parametrize("end", ["said goodbye", "not heard of"])
def test_a_name_whose_worker_is_gone_may_move_to_another_host(bench, end):
    key = bench.worker("lab/1", host="here")
    if end == "said goodbye":
        bench.write(workers.beat, key, "stopped")
    else:
        with bench.database.write() as session:
            session.get(Worker, key).seen_at -= slots.ALIVE_S + 1
    assert bench.worker("lab/1", host="there") == key
