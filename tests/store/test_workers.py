"""A worker that is gone is listed no more, by itself or when somebody says so; its records stay."""

import pytest

from store import jobs, workers
from store.errors import Conflict, NotFound
from store.tables import Worker


def age(bench, name, seconds):
    with bench.database.write() as session:
        row = session.query(Worker).filter_by(name=name).one()
        row.seen_at -= seconds


def names(bench):
    return [view.name for view in bench.read(workers.list_workers)]


def test_who_was_not_heard_of_for_a_month_is_listed_no_more(bench):
    bench.worker("old")
    key = bench.worker("older")
    age(bench, "old", 29 * 86_400)
    age(bench, "older", 31 * 86_400)
    assert names(bench) == ["old"]
    bench.write(workers.beat, key, "idle")
    assert sorted(names(bench)) == ["old", "older"]


def test_one_that_is_gone_is_forgotten_and_what_it_ran_is_not(bench):
    key = bench.worker("a/cpu/1")
    job_id = bench.submit()
    bench.end(bench.claim(key))
    age(bench, "a/cpu/1", 600)
    bench.write(workers.forget, "a/cpu/1")
    assert names(bench) == []
    (attempt,) = bench.read(jobs.get, job_id).attempts
    assert attempt.worker == "a/cpu/1"
    assert bench.worker("a/cpu/1") == key
    assert names(bench) == ["a/cpu/1"]


def test_one_that_stopped_just_now_is_forgotten_and_one_that_lives_is_not(bench):
    key = bench.worker("w")
    with pytest.raises(Conflict, match="worker w on host lives; stop it first"):
        bench.write(workers.forget, "w")
    bench.write(workers.beat, key, "stopped")
    bench.write(workers.forget, "w")
    with pytest.raises(NotFound, match="there is no worker 'w'"):
        bench.write(workers.forget, "w")
