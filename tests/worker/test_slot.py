"""A slot has one turn: a second thread does not wait for it, for it may take days."""

import threading

import pytest

from store.workers import NewWorker
from worker import slot as slots
from worker.slot import Slot


@pytest.fixture
def slot(bench):
    worker = NewWorker(name="w", host="here", pid=1, kind="cpu", devices=["cpu"], threads=1)
    return Slot(bench.settings, bench.database, worker)


def test_a_second_caller_is_told_that_nobody_looked(bench, slot, monkeypatch):
    bench.submit()
    begun, end = threading.Event(), threading.Event()

    def supervise(_claim, _post):
        begun.set()
        assert end.wait(20)

    monkeypatch.setattr(slots, "supervise", supervise)
    looked = []
    thread = threading.Thread(target=lambda: looked.append(slot.work()))
    thread.start()
    assert begun.wait(20)
    assert slot.is_busy
    assert slot.state == "busy"
    assert not slot.work()
    end.set()
    thread.join(20)
    assert looked == [True]
    assert not slot.is_busy
    assert slot.work()


def test_a_slot_that_stops_does_not_look(bench, slot):
    job_id = bench.submit()
    slot.stop()
    assert not slot.work()
    assert bench.job(job_id).state == "queued"
