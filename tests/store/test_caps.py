"""Caps on queued jobs. (How many run at once, the claim's own tests tell.)"""

import threading

import pytest

from store import jobs, owners, sweeps
from store.errors import CapReached, NotFound
from store.jobs import NewJob
from store.sweeps import NewSweep
from tests.store.conftest import Bench, make_spec


def submit(
    bench: Bench, owner: str = "ada", *, key: str | None = None, most: int | None = None
) -> str:
    new = NewJob(make_spec(), owner=owner)
    made: jobs.Submitted = bench.write(jobs.submit, new, idempotency_key=key, max_queued=most)
    return made.job.id


def queued(bench: Bench, owner: str = "ada") -> int:
    found: owners.User = bench.read(owners.get, owner)
    return found.queued


def test_without_a_cap_there_is_none(bench: Bench) -> None:
    for _ in range(5):
        submit(bench)
    assert queued(bench) == 5


def test_the_settings_cap_holds_for_each_owner_by_themselves(bench: Bench) -> None:
    for _ in range(2):
        submit(bench, "ada", most=2)
    with pytest.raises(CapReached, match=r"ada may have 2 jobs in the queue and has 2.*higher cap"):
        submit(bench, "ada", most=2)
    submit(bench, "bob", most=2)
    assert (queued(bench, "ada"), queued(bench, "bob")) == (2, 1)


def test_an_owners_own_cap_goes_before_the_settings(bench: Bench) -> None:
    submit(bench, "ada")
    submit(bench, "bob")
    bench.write(owners.set_caps, "ada", max_queued=1)
    bench.write(owners.set_caps, "bob", max_queued=3)
    with pytest.raises(CapReached):
        submit(bench, "ada", most=50)
    submit(bench, "bob", most=1)
    bench.write(owners.set_caps, "ada", max_queued=None)
    submit(bench, "ada", most=50)
    assert (queued(bench, "ada"), queued(bench, "bob")) == (2, 2)


def test_caps_are_set_one_by_one_and_of_users_there_are(bench: Bench) -> None:
    submit(bench)
    bench.write(owners.set_caps, "ada", max_running=4, max_queued=9)
    found = bench.write(owners.set_caps, "ada", max_queued=None)
    assert (found.max_running, found.max_queued) == (4, None)
    with pytest.raises(NotFound, match="no user 'eve'"):
        bench.write(owners.set_caps, "eve", max_running=1)


def test_a_sweep_is_queued_whole_or_not_at_all(bench: Bench) -> None:
    submit(bench, most=4)
    new = NewSweep("big", base={}, axes={}, owner="ada")
    members = [NewJob(make_spec(), owner="ada") for _ in range(4)]
    with pytest.raises(CapReached, match="has 1, so that 4 more jobs are too many and none was"):
        bench.write(sweeps.create, new, members, max_queued=4)
    assert queued(bench) == 1
    assert bench.read(sweeps.list_sweeps).items == ()
    bench.write(sweeps.create, new, members[:3], max_queued=4)
    assert queued(bench) == 4


def test_a_repeated_submission_is_no_second_one(bench: Bench) -> None:
    first = submit(bench, key="k", most=1)
    assert submit(bench, key="k", most=1) == first


def test_a_key_that_was_refused_may_be_sent_again(bench: Bench) -> None:
    first = submit(bench, most=1)
    with pytest.raises(CapReached):
        submit(bench, key="k", most=1)
    bench.write(jobs.request_cancel, first)
    submit(bench, key="k", most=1)
    assert queued(bench) == 1


def test_what_starts_makes_room_and_what_comes_back_takes_it(bench: Bench) -> None:
    running = submit(bench, most=1)
    claim = bench.claim()
    assert claim is not None
    waiting = submit(bench, most=1)
    bench.end(claim)
    bench.write(jobs.request_cancel, waiting)
    submit(bench, most=1)
    with pytest.raises(CapReached):
        bench.write(jobs.retry, waiting, max_queued=1)
    assert bench.job(waiting).state == "cancelled"
    assert bench.job(running).state == "succeeded"


def test_of_many_at_once_no_more_are_queued_than_may_be(bench: Bench) -> None:
    submit(bench)
    bench.write(owners.set_caps, "ada", max_queued=4)
    start = threading.Barrier(8)
    refused: list[str] = []

    def try_it() -> None:
        start.wait()
        try:
            submit(bench)
        except CapReached as error:
            refused.append(str(error))

    threads = [threading.Thread(target=try_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert queued(bench) == 4
    assert len(refused) == 5
