"""What a container's engine asks: is the worker, is the notifier in here well?"""

import socket

import pytest
from sqlalchemy import text

from store import jobs, webhooks, workers
from store.tables import Delivery
from worker import health


@pytest.fixture
def ask(bench, monkeypatch, capsys):
    monkeypatch.setenv("COLROW_DATABASE_URL", bench.database.url)

    def one(what):
        code = health.main([what])
        return code, capsys.readouterr().err

    return one


def test_a_worker_is_well_while_a_slot_of_its_host_beats(bench, ask):
    assert ask("worker") == (1, f"no worker of {socket.gethostname()} has a fresh heartbeat\n")
    new = workers.NewWorker("mine", socket.gethostname(), 1, "cpu", ["cpu"], 1)
    key = bench.write(workers.register, new)
    assert ask("worker") == (0, "")
    with bench.database.engine.begin() as connection:
        connection.execute(text("UPDATE workers SET seen_at = seen_at - 100"))
    assert ask("worker")[0] == 1
    bench.write(workers.beat, key, "busy")
    assert ask("worker") == (0, "")


def test_a_notifier_is_well_while_nothing_is_overdue(bench, ask):
    job_id = bench.submit()
    new = webhooks.NewWebhook("https://a.example/", "a.example:443", job_id=job_id)
    bench.write(webhooks.add, new)
    bench.write(jobs.request_cancel, job_id)
    assert ask("notifier") == (0, "")
    with bench.database.write() as session:
        session.query(Delivery).one().next_at -= 600
    assert ask("notifier") == (1, "1 messages are overdue\n")


def test_without_a_database_nobody_is_well(monkeypatch, capsys):
    monkeypatch.setenv("COLROW_DATABASE_URL", "postgresql+psycopg://postgres@127.0.0.1:9/x")
    assert health.main(["worker"]) == 1
    assert "the database does not answer" in capsys.readouterr().err
    monkeypatch.delenv("COLROW_DATABASE_URL")
    assert health.main(["notifier"]) == 1
    assert "COLROW_DATABASE_URL is not set" in capsys.readouterr().err
    assert health.main(["api"]) == 2
