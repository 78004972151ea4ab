"""What the database tells of the others: clocks, versions, workers, messages, and what waits."""

import socket
import time
from dataclasses import replace

import pytest
from sqlalchemy import text

from colrow.local.doctor import fleet
from crs_core.spec import parse_spec
from store import jobs, webhooks, workers
from store.tables import Delivery
from store.webhooks import NewWebhook
from tests.colrow.doctor.conftest import faults
from worker.host import versions


@pytest.fixture
def register(database):
    def one(name="a", *, beat=True, **said):
        known = {"host": socket.gethostname(), "pid": 7, "kind": "cpu", "devices": ["cpu"]}
        with database.write() as session:
            new = workers.NewWorker(name=name, threads=1, versions=versions(), **known | said)
            key = workers.register(session, new)
            if beat:
                workers.beat(session, key, "idle")

    return one


def of(check, place):
    return [finding for finding in fleet.check(place) if finding.check == check]


def test_a_fleet_that_agrees_is_well(cluster, register):
    register("a")
    register("b")
    found = fleet.check(cluster)
    assert {finding.status for finding in found} == {"ok"}
    assert [finding.check for finding in found] == ["clock", "versions", "workers", "webhooks"]
    assert "2 workers agree" in found[0].found
    assert "2 live, 0 of them busy" in found[2].found


def test_without_a_worker_jobs_wait(cluster, place):
    (found,) = faults(of("workers", cluster))
    assert found.advice.startswith("start one: `colrow worker")
    unstarted = replace(cluster, is_embedded=True)
    assert faults(of("workers", unstarted)) == []


def test_a_worker_that_was_lost_is_told(cluster, register, database):
    register("a")
    register("gone", pid=4711)
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE workers SET seen_at = seen_at - 600 WHERE name = 'gone'"))
    alive, lost = of("workers", cluster)
    assert (alive.status, lost.status) == ("ok", "warning")
    assert "process 4711) was last heard of 10 minutes ago" in lost.found


@pytest.mark.parametrize(
    ("off_s", "status", "said"),
    [(3600.0, "fault", "3,600 s ahead of"), (-10.0, "warning", "10 s behind")],
)
def test_a_worker_whose_clock_is_off_is_told(cluster, register, monkeypatch, off_s, status, said):
    now = time.time
    with monkeypatch.context() as patch:
        patch.setattr(workers.time, "time", lambda: now() + off_s)
        register("late")
    (found,) = of("clock", cluster)
    assert found.status == status
    assert f"the clock of worker late ({socket.gethostname()}) is" in found.found
    assert "timedatectl" in found.advice
    assert said in found.found


def test_the_clock_of_this_host_is_compared_too(cluster, register, monkeypatch):
    register()
    now = time.time
    monkeypatch.setattr(fleet.time, "time", lambda: now() - 7200)
    (found,) = faults(of("clock", cluster))
    assert "this host's clock is" in found.found
    assert "behind the database's" in found.found


def test_other_versions_are_told(cluster, register, database):
    register("same")
    register("old")
    old = versions() | {"colrow": "0.0.9", "torch": "2.9.0"}
    with database.write() as session:
        workers.register(
            session,
            workers.NewWorker("old", socket.gethostname(), 1, "cpu", ["cpu"], 1, versions=old),
        )
    found = of("versions", cluster)
    assert {(f.status, " ".join(f.found.split()[3:6])) for f in found} == {
        ("fault", "has colrow 0.0.9,"), ("warning", "has torch 2.9.0,"),
    }  # fmt: skip


def test_jobs_that_no_worker_can_run_are_told(cluster, register, database):
    register()
    spec = {
        "model": {"name": "mlp", "hidden": [4]},
        "dataset": {"name": "digits"},
        "training": {"epochs": 1},
        "resources": {"kind": "cuda"},
    }
    with database.write() as session:
        for _ in range(3):
            jobs.submit(session, jobs.NewJob(parse_spec(spec)))
    (found,) = of("queue", cluster)
    assert (found.status, found.found.split()[0]) == ("warning", "3")
    assert "cuda" in found.found


def test_messages_that_nobody_sends_and_those_given_up_are_told(cluster, register, database):
    register()
    spec = {
        "model": {"name": "mlp", "hidden": [4]},
        "dataset": {"name": "digits"},
        "training": {"epochs": 1},
    }
    with database.write() as session:
        for _ in range(2):
            job_id = jobs.submit(session, jobs.NewJob(parse_spec(spec))).job.id
            webhooks.add(session, NewWebhook("https://a.example/", "a.example:443", job_id=job_id))
            jobs.request_cancel(session, job_id)
    assert {f.status for f in of("webhooks", cluster)} == {"ok"}
    with database.write() as session:
        first, second = session.query(Delivery).order_by(Delivery.key)
        first.next_at -= 600
        second.state, second.ended_at = "given_up", second.next_at
    overdue, given_up = of("webhooks", cluster)
    assert (overdue.status, given_up.status) == ("fault", "warning")
    assert "1 message is due" in overdue.found
    assert "colrow notifier" in overdue.advice
    assert "1 message was given up" in given_up.found
