"""Webhooks from the client and from the command line, and what a receiver checks them with."""

import pytest

from colrow.client import Client
from colrow.signature import is_genuine
from worker.notifier.signature import sign

URL = "https://hooks.example/services/colrow"


@pytest.fixture
def job(client: Client, spec):
    return client.submit(spec())["id"]


def test_the_client_enters_lists_and_removes(client: Client, job):
    made = client.add_webhook(URL, job=job)
    assert made["job"] == job
    again = client.add_webhook(URL, job=job, secret="x" * 16)
    assert (again["id"], again["secret"]) == (made["id"], "x" * 16)
    client.cancel(job)
    (listed,) = client.webhooks(job=job)
    assert [d["event"] for d in listed["deliveries"]] == ["job.cancelled"]
    assert "secret" not in listed
    client.delete_webhook(made["id"])
    assert client.webhooks(job=job) == []


def test_a_webhook_is_of_one_job_or_one_sweep(client: Client, job):
    for of in ({}, {"job": job, "sweep": job}):
        with pytest.raises(ValueError, match="of one job or of one sweep"):
            client.webhooks(**of)


def test_the_command_line_does_the_same(remote, client: Client, spec):
    sweep = client.sweep(spec(), axes={"seed": [1, 2]})["id"]
    made = remote("webhook", "add", URL, "--sweep", sweep)
    assert made.code == 0
    assert made.out.startswith("whsec_")
    assert made.out.count("\n") == 1
    webhook = made.err.split()[1].rstrip(";")
    assert "it has no" not in remote("webhook", "ls", "--sweep", sweep).err
    client.cancel_sweep(sweep)
    shown = remote("webhook", "ls", "--sweep", sweep).out
    for word in (webhook, "https://hooks.example/…lrow", "sweep.ended", "waiting"):
        assert word in shown
    assert remote("webhook", "rm", webhook).out == f"{webhook} removed\n"
    told = remote("webhook", "ls", "--sweep", sweep).err
    assert f"it has no webhooks; enter one with: colrow webhook add URL --sweep {sweep}" in told


def test_what_cannot_be_is_refused_in_a_sentence(refused, job):
    assert "name it with --job or --sweep" in refused("webhook", "add", URL)
    assert "is not a public address" in refused("webhook", "add", "http://10.0.0.1/", "--job", job)
    assert "there is no job" in refused("webhook", "ls", "--job", "nix")
    assert "there is no webhook" in refused("webhook", "rm", "nix")


def test_what_we_sign_a_receiver_finds_genuine():
    body = '{"event":"job.succeeded","name":"größer"}'.encode()
    header = sign(body, "whsec_x", 1_700_000_000)
    assert is_genuine(body, header, "whsec_x", now_s=1_700_000_100)
    assert not is_genuine(body, header, "whsec_y", now_s=1_700_000_100)
