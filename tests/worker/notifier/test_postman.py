"""A delivery is signed, tried again later and later, and given up in the end, which is told."""

import json
import logging

import pytest

from colrow.signature import is_genuine
from tests.worker.notifier.conftest import SECRET, say
from worker.notifier.postman import LONGEST_S, pause_s
from worker.notifier.signature import sign


def test_an_end_is_delivered_signed(bench, receiver):
    job_id = bench.end_job(receiver.url)
    assert bench.postman.run() == 1
    (request,) = receiver.requests
    told = json.loads(request.body)
    assert (told["event"], told["job"]["id"]) == ("job.succeeded", job_id)
    assert request.path == "/hook"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["colrow-event"] == "job.succeeded"
    assert request.headers["colrow-delivery"] == told["id"]
    assert request.headers["user-agent"].startswith("Colrow/")
    assert request.headers["host"] == f"127.0.0.1:{receiver.port}"
    signature = request.headers["colrow-signature"]
    assert is_genuine(request.body, signature, SECRET)
    assert not is_genuine(request.body, signature, SECRET + "x")
    assert not is_genuine(request.body + b" ", signature, SECRET)
    assert SECRET not in str(request)
    delivery = bench.delivery(job_id)
    assert (delivery.state, delivery.tries, delivery.last_status) == ("delivered", 1, 204)
    assert bench.postman.run() == 0


def test_a_signature_is_of_its_time():
    header = sign(b"{}", SECRET, 1_000_000)
    assert header.startswith("t=1000000,v1=")
    assert is_genuine(b"{}", header, SECRET, now_s=1_000_299)
    for now_s in (1_000_301, 999_699):
        assert not is_genuine(b"{}", header, SECRET, now_s=now_s)
    later = header.replace("t=1000000", "t=1000900")
    assert not is_genuine(b"{}", later, SECRET, now_s=1_000_900)
    for nonsense in ("", "t=1", "v1=00", header + ",v1=00", header.upper(), "t=1,v1=é"):
        assert not is_genuine(b"{}", nonsense, SECRET)


def test_a_receiver_that_fails_gets_the_same_message_again_later(bench, receiver, caplog):
    caplog.set_level(logging.INFO)
    receiver.answer = say(500)
    job_id = bench.end_job(receiver.url)
    assert bench.postman.run() == 1
    assert bench.postman.run() == 0, "not at once"
    delivery = bench.delivery(job_id)
    assert (delivery.state, delivery.tries, delivery.last_status) == ("waiting", 1, 500)
    assert delivery.last_error == "the receiver answered 500"
    assert 7 < delivery.next_at - delivery.created_at < 60
    receiver.answer = None
    bench.make_due()
    assert bench.postman.run() == 1
    first, second = receiver.requests
    assert first.body == second.body
    assert first.headers["colrow-delivery"] == second.headers["colrow-delivery"]
    assert is_genuine(second.body, second.headers["colrow-signature"], SECRET)
    delivery = bench.delivery(job_id)
    assert (delivery.state, delivery.tries, delivery.last_error) == ("delivered", 2, None)
    assert "try 1 failed, the next is in" in caplog.text
    assert "delivered at try 2" in caplog.text
    assert "/hook" not in caplog.text, "the address may be a secret"


def test_after_so_many_tries_it_is_given_up_and_told(bench, receiver, caplog):
    bench = bench.with_settings(webhook_tries=3)
    receiver.answer = say(503)
    job_id = bench.end_job(receiver.url)
    for _ in range(5):
        bench.postman.run()
        bench.make_due()
    assert len(receiver.requests) == 3
    delivery = bench.delivery(job_id)
    assert (delivery.state, delivery.tries, delivery.next_at) == ("given_up", 3, None)
    (told,) = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert told.getMessage() == "given up after 3 tries: the receiver answered 503"


def test_a_receiver_that_is_gone_for_good_is_not_asked_again(bench, receiver):
    receiver.answer = say(410)
    job_id = bench.end_job(receiver.url)
    bench.postman.run()
    assert bench.delivery(job_id).state == "given_up"


def test_pauses_grow_and_differ():
    assert {round(pause_s(3, 10.0) / 90, 3) for _ in range(20)} != {1.0}
    for tries in range(1, 9):
        assert 0.8 <= pause_s(tries, 10.0) / (10.0 * 3 ** (tries - 1)) <= 1.2
    assert pause_s(30, 10.0) <= LONGEST_S * 1.2


def test_one_that_is_told_to_stop_takes_no_more(bench, receiver):
    job_id = bench.end_job(receiver.url)
    bench.postman.stopping.set()
    assert bench.postman.run() == 0
    assert bench.delivery(job_id).tries == 0


def test_a_database_that_is_gone_is_no_error(bench, receiver, monkeypatch, caplog):
    from sqlalchemy.exc import OperationalError

    job_id = bench.end_job(receiver.url)

    def gone(_):
        raise OperationalError("SELECT", {}, Exception("gone"))

    with monkeypatch.context() as patch:
        patch.setattr("store.deliveries.claim", gone)
        assert bench.postman.run() == 0
    assert "the database cannot be reached" in caplog.text
    assert bench.postman.idle == bench.settings.webhook_senders
    assert bench.postman.run() == 1
    assert bench.delivery(job_id).state == "delivered"


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("COLROW_WEBHOOK_ALLOW", "10.0.0.1/8", "is no network"),
        ("COLROW_WEBHOOK_TRIES", "0", "this must be at least 1"),
        ("COLROW_WEBHOOK_TIMEOUT_S", "3600", "this must be at most 30"),
    ],
)
def test_settings_that_make_no_sense_are_explained(monkeypatch, variable, value, said):
    from pydantic import ValidationError

    from worker.settings import NotifierSettings
    from worker.starting import explain

    monkeypatch.setenv(variable, value)
    with pytest.raises(ValidationError) as failure:
        NotifierSettings(database_url="sqlite://", broker_url="redis://")
    assert explain(failure.value).startswith(f"{variable}: ")
    assert said in explain(failure.value)
