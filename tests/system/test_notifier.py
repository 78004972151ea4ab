"""The notifier as a process: an end is told soon, and after a kill or a loss told all the same.

The receiver is a server on loopback, which the tests allow.
"""

import json
import signal
import subprocess
import sys
import uuid
from collections import Counter

import pytest

from colrow.client import Client
from colrow.signature import is_genuine
from store import jobs, webhooks
from store.webhooks import NewWebhook
from tests.system.installation import Worker, long_spec, tiny_spec, wait_until
from tests.system.up import FAST
from tests.worker.notifier.conftest import SECRET, receiving, say

pytestmark = pytest.mark.system


@pytest.fixture
def receiver():
    with receiving() as made:
        yield made


def start_notifier(installation, **settings):
    log = installation.home / f"notifier-{uuid.uuid4().hex[:6]}.log"
    said = {"webhook_allow": "127.0.0.0/8", "webhook_look_s": "0.5", "webhook_retry_s": "0.5"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "worker.notifier"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=installation.environment(**said | settings),
            start_new_session=True,
        )
    notifier = Worker("notifier", process, log)
    installation.workers.append(notifier)
    wait_until(lambda: "waits for deliveries" in notifier.said(), "the notifier begins", notifier)
    return notifier


def add(installation, job_id, url):
    with installation.database.write() as session:
        new = NewWebhook(url=url, receiver="r", secret=SECRET, job_id=job_id)
        webhooks.add(session, new)


def delivery(installation, job_id):
    with installation.database.read() as session:
        (webhook,) = webhooks.of_job(session, job_id)
    return webhook.deliveries[0] if webhook.deliveries else None


def wait_for(installation, job_id, state):
    def is_so():
        found = delivery(installation, job_id)
        return found is not None and found.state == state

    wait_until(is_so, f"the delivery is {state}")
    return delivery(installation, job_id)


def cancelled_job(installation, url):
    """Make a job that has ended; nobody rings for it."""
    job_id = installation.submit(tiny_spec(), ring=False)
    add(installation, job_id, url)
    with installation.database.write() as session:
        jobs.request_cancel(session, job_id)
    return job_id


def test_the_end_of_a_job_is_told_while_another_one_keeps_the_slot_busy(either, receiver):
    """By the bell of the worker alone: the notifier looks by itself once in ten minutes."""
    start_notifier(either, webhook_look_s="600")
    either.start_worker()
    job_id = either.submit(tiny_spec())
    add(either, job_id, receiver.url)
    busy = either.submit(long_spec())
    assert wait_for(either, job_id, "delivered").tries == 1
    (request,) = receiver.requests
    told = json.loads(request.body)
    assert (told["event"], told["job"]["id"]) == ("job.succeeded", job_id)
    assert told["job"]["summary"]["test_accuracy"]["last"] is not None
    assert is_genuine(request.body, request.headers["colrow-signature"], SECRET)
    assert either.job(busy).state in ("queued", "running")


def test_an_emptied_broker_loses_no_message(either, receiver):
    notifier = start_notifier(either, webhook_look_s="2")
    receiver.answer = say(503)
    job_id = cancelled_job(either, receiver.url)
    wait_until(lambda: receiver.requests, "a first try")
    with either.broker.client() as client:
        client.flushdb()
    receiver.answer = None
    assert wait_for(either, job_id, "delivered").tries >= 2
    assert notifier.stop() == 0


def test_without_a_broker_the_notifier_sends_by_itself(installation, receiver, valkey):
    start_notifier(installation)
    valkey.stop()
    job_id = cancelled_job(installation, receiver.url)
    wait_for(installation, job_id, "delivered")


def test_a_killed_notifier_sends_again_what_it_had_begun(installation, receiver):
    import threading

    ended = threading.Event()
    receiver.answer = lambda _: ended.wait(60)
    first = start_notifier(installation)
    job_id = cancelled_job(installation, receiver.url)
    wait_until(lambda: receiver.requests, "the try is under way")
    first.kill()
    ended.set()
    receiver.answer = None
    assert delivery(installation, job_id).state == "sending"
    with installation.database.write() as session:  # let the minute have passed
        from store.tables import Delivery

        session.query(Delivery).one().next_at -= 60
    start_notifier(installation)
    assert wait_for(installation, job_id, "delivered").tries == 2
    ids = Counter(request.headers["colrow-delivery"] for request in receiver.requests)
    assert list(ids.values()) == [2]


def test_several_notifiers_share_the_work_and_send_nothing_twice(either, receiver):
    for _ in range(2):
        start_notifier(either, webhook_senders="2")
    made = [cancelled_job(either, f"{receiver.url}/{n}") for n in range(20)]
    for job_id in made:
        wait_for(either, job_id, "delivered")
    assert Counter(r.path for r in receiver.requests) == {f"/hook/{n}": 1 for n in range(20)}


def test_a_receiver_that_never_takes_it_is_given_up_and_that_is_logged(installation, receiver):
    receiver.answer = say(500)
    settings = {"webhook_tries": "2", "log_format": "json"}
    notifier = start_notifier(installation, webhook_retry_s="0.1", **settings)
    job_id = cancelled_job(installation, receiver.url)
    given_up = wait_for(installation, job_id, "given_up")
    assert (given_up.tries, given_up.last_status) == (2, 500)
    wait_until(lambda: "given up" in notifier.said(), "it is told")
    assert notifier.stop() == 0
    lines = [json.loads(line) for line in notifier.said().splitlines()]
    (told,) = [line for line in lines if line["level"] == "error"]
    assert told["message"] == "given up after 2 tries: the receiver answered 500"
    assert told["delivery"] == given_up.id
    assert "/hook" not in notifier.said()


def test_nothing_is_sent_to_loopback_unless_the_admin_allows_it(installation, receiver):
    start_notifier(installation, webhook_allow="")
    job_id = cancelled_job(installation, receiver.url)
    given_up = wait_for(installation, job_id, "given_up")
    assert "is not a public address" in given_up.last_error
    assert receiver.requests == []


def test_a_notifier_that_cannot_start_says_why(installation):
    done = subprocess.run(
        [sys.executable, "-m", "worker.notifier"],
        env=installation.environment(webhook_allow="10.0.0.1/8"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "COLROW_WEBHOOK_ALLOW" in done.stderr
    assert done.stderr.count("\n") == 1


def test_up_starts_one_that_sends(up, receiver):
    settings = {**FAST, "COLROW_WEBHOOK_ALLOW": "127.0.0.0/8"}
    service = up(settings=settings).wait_until_ready()
    with Client(service.url) as client:
        job = client.submit(tiny_spec())["id"]
        made = client.add_webhook(receiver.url, job=job)
        assert client.wait(job, timeout_s=60)["state"] == "succeeded"
        wait_until(lambda: receiver.requests, "the end is told")
        (request,) = receiver.requests
        assert is_genuine(request.body, request.headers["colrow-signature"], made["secret"])
        wait_until(
            lambda: client.webhooks(job=job)[0]["deliveries"][0]["state"] == "delivered",
            "that is kept",
        )
    assert service.stop(signal.SIGTERM) == 0
    assert not service.processes()
