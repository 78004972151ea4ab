"""Every end of a job, and the end of a sweep's last one, is told: once, with the change itself."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest

from store import attempts, deliveries, jobs, sweeps, webhooks
from store.attempts import Outcome
from store.errors import Conflict, NotFound
from store.jobs import NewJob
from store.sweeps import NewSweep
from store.tables import Delivery
from store.webhooks import NewWebhook

URL = "https://hooks.example/a"


def add(bench, url=URL, **of):
    return bench.write(webhooks.add, NewWebhook(url=url, receiver="hooks.example:443", **of))


def make_sweep(bench, jobs_there=2):
    new = NewSweep(name="lr", base={}, axes={})
    members = [NewJob(bench.spec(seed=n)) for n in range(jobs_there)]
    return bench.write(sweeps.create, new, members).sweep


def bodies(bench):
    with bench.database.read() as session:
        return [row.body for row in session.query(Delivery).order_by(Delivery.key)]


@pytest.mark.parametrize("outcome", [Outcome.SUCCEEDED, Outcome.FAILED, Outcome.CANCELLED])
def test_the_end_of_a_job_is_told_with_what_it_came_to(bench, outcome):
    claim = bench.begin(name="mine")
    add(bench, job_id=claim.job_id)
    bench.record(claim, bench.started(), bench.points(10, train_loss=0.25))
    assert bodies(bench) == []
    why = {} if outcome is Outcome.SUCCEEDED else {"kind": "why", "message": "so"}
    bench.end(claim, outcome, **why)
    (body,) = bodies(bench)
    assert body["event"] == f"job.{outcome.value}"
    told = body["job"]
    assert (told["id"], told["name"], told["state"]) == (claim.job_id, "mine", outcome.value)
    assert told["reason"] == (why or None)
    assert told["summary"] == {
        "train_loss": {"last": 0.25, "best": 0.25, "at_best_validation": None}
    }
    assert (told["step"], told["total_steps"], told["attempt_count"]) == (10, 300, 1)
    assert datetime.fromisoformat(told["finished_at"]) >= datetime.fromisoformat(told["started_at"])
    (shown,) = bench.read(webhooks.of_job, claim.job_id)
    (delivery,) = shown.deliveries
    assert (delivery.id, delivery.state, delivery.tries) == (body["id"], "waiting", 0)


def test_no_end_is_told_that_was_rolled_back(bench):
    claim = bench.begin()
    add(bench, job_id=claim.job_id)

    def fail(session):
        attempts.finish(session, claim.attempt_id, Outcome.SUCCEEDED)
        session.flush()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        bench.write(fail)
    assert bodies(bench) == []


def test_a_lost_attempt_a_pause_and_a_running_job_are_no_ends(bench):
    claim = bench.begin()
    add(bench, job_id=claim.job_id)
    bench.write(attempts.release, claim.attempt_id, kind="worker_lost", message="gone")
    again = bench.claim()
    bench.end(again, Outcome.PAUSED)
    assert bodies(bench) == []
    bench.write(jobs.request_cancel, claim.job_id)
    assert [body["event"] for body in bodies(bench)] == ["job.cancelled"]


def test_a_job_that_has_ended_is_told_of_at_once(bench):
    claim = bench.begin()
    bench.end(claim)
    add(bench, job_id=claim.job_id)
    assert [body["event"] for body in bodies(bench)] == ["job.succeeded"]
    add(bench, url=URL + "/b", job_id=claim.job_id)
    assert len(bodies(bench)) == 2, "the first is not told again"


def test_a_webhook_that_comes_in_the_transaction_of_an_end_is_told_once(bench):
    first, second = bench.submit(), bench.submit()

    def all_at_once(session):
        for job_id in (first, second):
            webhooks.add(session, NewWebhook(URL, "hooks.example:443", job_id=job_id))
            jobs.request_cancel(session, job_id)
            webhooks.add(session, NewWebhook(URL + "/b", "hooks.example:443", job_id=job_id))

    bench.write(all_at_once)
    assert sorted(body["job"]["id"] for body in bodies(bench)) == sorted([first, second] * 2)


def test_the_same_address_again_replaces_the_secret(bench):
    job_id = bench.submit()
    first = add(bench, job_id=job_id)
    assert first.created
    assert first.secret.startswith("whsec_")
    again = add(bench, job_id=job_id, secret="s" * 20)
    assert (again.created, again.secret, again.webhook.id) == (False, "s" * 20, first.webhook.id)
    assert len(bench.read(webhooks.of_job, job_id)) == 1


def test_a_job_has_ten_webhooks_at_most(bench):
    job_id = bench.submit()
    for n in range(10):
        add(bench, url=f"{URL}/{n}", job_id=job_id)
    with pytest.raises(Conflict, match="there are 10 webhooks already; delete one"):
        add(bench, job_id=job_id)


def test_what_is_not_there_has_no_webhooks(bench):
    for of in ({"job_id": "nix"}, {"sweep_id": "nix"}):
        with pytest.raises(NotFound, match=r"there is no (job|sweep) 'nix'"):
            add(bench, **of)
    for read in (webhooks.of_job, webhooks.of_sweep, webhooks.get):
        with pytest.raises(NotFound):
            bench.read(read, "nix")
    with pytest.raises(NotFound, match="there is no webhook 'nix'"):
        bench.write(webhooks.delete, "nix")


def test_a_deleted_webhook_takes_its_deliveries_along(bench):
    claim = bench.begin()
    first = add(bench, job_id=claim.job_id)
    add(bench, url=URL + "/b", job_id=claim.job_id)
    bench.end(claim)
    assert len(bodies(bench)) == 2
    bench.write(webhooks.delete, first.webhook.id)
    assert len(bodies(bench)) == 1


def test_a_sweep_is_told_of_when_its_last_job_ends(bench):
    sweep = make_sweep(bench)
    add(bench, sweep_id=sweep.id)
    bench.end(bench.claim())
    assert bodies(bench) == []
    bench.end(bench.claim(), Outcome.FAILED, kind="diverged", message="nan")
    (body,) = bodies(bench)
    assert (body["event"], body["sweep"]["id"]) == ("sweep.ended", sweep.id)
    assert body["sweep"]["counts"] == {
        "queued": 0, "running": 0, "paused": 0, "succeeded": 1, "failed": 1, "cancelled": 0,
    }  # fmt: skip


def test_a_cancelled_sweep_is_told_of_once(bench):
    sweep = make_sweep(bench, 5)
    add(bench, sweep_id=sweep.id)
    bench.write(sweeps.cancel, sweep.id)
    assert [body["sweep"]["counts"]["cancelled"] for body in bodies(bench)] == [5]


def test_a_sweep_whose_last_open_job_is_deleted_has_ended(bench):
    sweep = make_sweep(bench)
    add(bench, sweep_id=sweep.id)
    first, second = sweep.jobs
    bench.end(bench.claim())
    bench.write(jobs.delete, second)
    assert [body["event"] for body in bodies(bench)] == ["sweep.ended"]
    bench.write(jobs.delete, first)
    assert len(bodies(bench)) == 1, "an ended job that goes is no end"


def test_a_sweep_that_has_ended_is_told_of_at_once(bench):
    sweep = make_sweep(bench)
    bench.write(sweeps.cancel, sweep.id)
    add(bench, sweep_id=sweep.id)
    assert [body["event"] for body in bodies(bench)] == ["sweep.ended"]


def test_a_job_that_ends_again_is_told_of_again(bench):
    sweep = make_sweep(bench, 1)
    (job_id,) = sweep.jobs
    add(bench, job_id=job_id)
    add(bench, sweep_id=sweep.id)
    bench.write(jobs.request_cancel, job_id)
    bench.write(jobs.retry, job_id)
    bench.end(bench.claim())
    assert [body["event"] for body in bodies(bench)] == [
        "job.cancelled", "sweep.ended", "job.succeeded", "sweep.ended",
    ]  # fmt: skip


def test_two_that_end_the_last_jobs_at_the_same_time_tell_of_the_sweep_once(bench):
    """Each alone would see the other's job still running."""
    for _ in range(5):
        sweep = make_sweep(bench)
        add(bench, sweep_id=sweep.id)
        claims = [bench.claim(bench.worker(f"w{n}")) for n in range(2)]
        begin = threading.Barrier(2)

        def end(claim, begin=begin):
            begin.wait(20)
            bench.end(claim)

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(end, claims))
        told = [b for b in bodies(bench) if b["sweep"]["id"] == sweep.id]
        assert [b["sweep"]["counts"]["succeeded"] for b in told] == [2]


def test_a_webhook_that_comes_while_the_job_ends_is_told_once(bench):
    for _ in range(5):
        claim = bench.begin()
        begin = threading.Barrier(2)

        def both(what, begin=begin, claim=claim):
            begin.wait(20)
            bench.end(claim) if what == "end" else add(bench, job_id=claim.job_id)

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(both, ["end", "add"]))
        assert [b["job"]["id"] for b in bodies(bench)].count(claim.job_id) == 1


def test_whoever_writes_deliveries_is_told_after_the_commit(bench):
    rings = []
    bench.database.on_deliveries = lambda: rings.append(len(bodies(bench)))
    claim = bench.begin()
    add(bench, job_id=claim.job_id)
    assert rings == []
    bench.end(claim)
    assert rings == [1]
    assert deliveries.DELIVERY_STATES[0] == "waiting"
