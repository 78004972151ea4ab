"""A delivery is tried by one at a time, again and again, and none is lost."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from store import clock, deliveries, jobs, webhooks
from store.tables import Delivery, Webhook
from store.webhooks import NewWebhook


def end_jobs(bench, *receivers):
    """End a job for each receiver, which its webhook names; give the ids of the jobs."""
    made = []
    for receiver in receivers:
        claim = bench.begin()
        new = NewWebhook(url=f"https://{receiver}/", receiver=receiver, job_id=claim.job_id)
        bench.write(webhooks.add, new)
        bench.end(claim)
        made.append(claim.job_id)
    return made


def take(bench):
    return bench.write(deliveries.claim)


def settle(bench, sending, state="waiting", **how):
    return bench.write(deliveries.settle, sending, state, **how)


def forward(bench, seconds):
    """Let so much time have passed."""

    def earlier(session):
        for row in session.query(Delivery):
            row.next_at -= seconds

    bench.write(earlier)


def shown(bench, job_id):
    ((webhook,),) = [bench.read(webhooks.of_job, job_id)]
    return webhook.deliveries[0]


def test_a_delivery_is_taken_once_and_received(bench):
    (job_id,) = end_jobs(bench, "a:443")
    sending = take(bench)
    assert (sending.url, sending.tries) == ("https://a:443/", 1)
    assert sending.body["job"]["id"] == job_id
    assert sending.body["id"] == sending.id
    assert sending.at == pytest.approx(bench.read(clock.read), abs=30)
    assert take(bench) is None
    assert settle(bench, sending, "delivered", status=204)
    told = shown(bench, job_id)
    assert (told.state, told.last_status, told.next_at) == ("delivered", 204, None)
    assert told.ended_at is not None
    forward(bench, 1e6)
    assert take(bench) is None


def test_a_failed_try_is_due_again_after_its_pause(bench):
    (job_id,) = end_jobs(bench, "a:443")
    assert settle(bench, take(bench), status=500, error="the receiver answered 500", again_in_s=90)
    told = shown(bench, job_id)
    assert (told.state, told.tries, told.last_status) == ("waiting", 1, 500)
    assert told.next_at is not None
    assert take(bench) is None
    forward(bench, 91)
    again = take(bench)
    assert again.tries == 2


def test_a_try_whose_process_was_killed_is_due_again_and_the_killed_one_writes_nothing(bench):
    (job_id,) = end_jobs(bench, "a:443")
    lost = take(bench)
    forward(bench, deliveries.SENDING_S + 1)
    again = take(bench)
    assert (again.id, again.tries) == (lost.id, 2)
    assert not settle(bench, lost, "delivered", status=200)
    assert shown(bench, job_id).state == "sending"
    assert settle(bench, again, "given_up", error="nobody there")
    assert not settle(bench, again, "delivered", status=200)
    assert shown(bench, job_id).last_error == "nobody there"


def test_a_deleted_webhook_is_no_error_for_who_sends(bench):
    (job_id,) = end_jobs(bench, "a:443")
    sending = take(bench)
    ((webhook,),) = [bench.read(webhooks.of_job, job_id)]
    bench.write(webhooks.delete, webhook.id)
    assert not settle(bench, sending, "delivered", status=200)


def test_what_waits_is_sent_though_its_job_is_deleted_and_then_nothing_is_left(bench):
    claim = bench.begin()
    for receiver in ("a", "b", "c"):
        url = f"https://{receiver}/"
        bench.write(webhooks.add, NewWebhook(url=url, receiver=receiver, job_id=claim.job_id))
    bench.end(claim)
    assert settle(bench, take(bench), "delivered", status=204)
    under_way = take(bench)
    bench.write(jobs.delete, claim.job_id)
    assert settle(bench, under_way, again_in_s=30)  # it failed, and is tried again
    left = take(bench)
    assert left.body["job"]["id"] == claim.job_id
    assert settle(bench, left, "delivered", status=204)
    forward(bench, 31)
    assert settle(bench, take(bench), "given_up", error="gone")
    for table in (Webhook, Delivery):
        assert bench.read(lambda session, t=table: session.query(t).count()) == 0


def test_a_receiver_that_hangs_leaves_the_senders_to_others(bench):
    end_jobs(bench, "slow:1", "slow:1", "slow:1", "quick:1")
    assert bench.read(deliveries.count_due, most=10) == 4
    taken = [take(bench) for _ in range(3)]
    assert [s.url for s in taken] == ["https://slow:1/", "https://slow:1/", "https://quick:1/"]
    assert take(bench) is None
    assert bench.read(deliveries.count_due, most=10) == 0
    settle(bench, taken[0], "delivered")
    assert take(bench).url == "https://slow:1/"


def test_no_two_senders_take_the_same(bench):
    end_jobs(bench, *(f"r{n}:1" for n in range(12)))
    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(lambda _: take(bench), range(16)))
    ids = [sending.id for sending in taken if sending is not None]
    assert len(ids) == len(set(ids)) == 12


def test_what_nobody_sends_and_what_was_given_up_is_counted(bench):
    end_jobs(bench, "a:1", "b:1")
    assert bench.read(deliveries.overdue, after_s=60) == 0
    forward(bench, 61)
    assert bench.read(deliveries.overdue, after_s=60) == 2
    settle(bench, take(bench), "given_up", error="gone")
    assert bench.read(deliveries.overdue, after_s=60) == 1
    assert bench.read(deliveries.given_up_since, before_s=3600) == 1
    assert bench.read(deliveries.given_up_since, before_s=-3600) == 0
