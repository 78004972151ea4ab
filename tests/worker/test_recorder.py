"""What a trainer tells is written while the lease lasts, and by nobody else."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from crs_core.events import Points, Started
from store import attempts, curves, jobs, logs
from store.attempts import Outcome, Wish
from store.recording import record
from store.session import Database
from tests.read_only import read_only
from tests.worker.conftest import wait_until
from worker import recorder
from worker.recorder import Pace, Recorder

STARTED = Started(
    step=0, total_steps=9, steps_per_epoch=3, device="cpu", threads=1, versions={"torch": "2"}
)
BRISK = Pace(lease_s=5, heartbeat_s=0.05, flush_s=0.02)


class Failing(Database):
    """A database that is away while `is_away`."""

    is_away = False

    @contextmanager
    def write(self) -> Iterator[Session]:
        if self.is_away:
            raise OperationalError("a statement", {}, Exception("the server is gone"))
        with super().write() as session:
            yield session


class Forgetful(Database):
    """A database whose first commits are done, and their answers lost."""

    lost = 3

    @contextmanager
    def write(self) -> Iterator[Session]:
        with super().write() as session:
            yield session
        if self.lost:
            self.lost -= 1
            raise OperationalError("COMMIT", {}, Exception("the connection was closed"))


@pytest.fixture
def failing(database_url):
    made = Failing(database_url)
    yield made
    made.close()


def told(step):
    return Points(step=step, epoch=step / 3, values={"train_loss": step / 2})


def steps(bench, job_id):
    found = bench.read(curves.read, [job_id], ["train_loss"], max_points=10_000)
    return list(found[0].steps) if found else []


def succeed(claim):
    return lambda session: attempts.finish(session, claim.attempt_id, Outcome.SUCCEEDED)


def test_events_are_written_soon_and_all_of_them_before_the_end(bench):
    claim = bench.begin()
    made = Recorder(bench.database, claim.attempt_id, BRISK)
    made.add([STARTED, told(1)], "a line\n")
    wait_until(lambda: steps(bench, claim.job_id) == [1], timeout_s=5)
    made.add([told(step) for step in range(2, 5002)], "another\n")
    assert made.end(succeed(claim))
    assert steps(bench, claim.job_id) == list(range(1, 5002))
    assert bench.read(logs.read, claim.job_id).text == "a line\nanother\n"
    assert bench.job(claim.job_id).state == "succeeded"


def test_a_heartbeat_extends_the_lease_and_brings_the_wish(bench):
    claim = bench.begin()
    made = Recorder(bench.database, claim.attempt_id, BRISK)
    bench.write(jobs.request_cancel, claim.job_id)
    wait_until(lambda: made.wish is Wish.CANCEL, timeout_s=5)
    assert made.end(lambda session: attempts.finish(session, claim.attempt_id, Outcome.CANCELLED))
    assert bench.job(claim.job_id).state == "cancelled"


def test_a_database_that_comes_back_within_the_lease_has_lost_nothing(bench, failing):
    claim = bench.begin()
    made = Recorder(failing, claim.attempt_id, BRISK)
    failing.is_away = True
    made.add([STARTED, told(1)], "said meanwhile")
    wait_until(lambda: not made._pending, timeout_s=5)
    made.add([told(2)], "")
    failing.is_away = False
    assert made.end(succeed(claim))
    assert steps(bench, claim.job_id) == [1, 2]
    assert bench.read(logs.read, claim.job_id).text == "said meanwhile"


@pytest.mark.parametrize(
    "database_url",
    [pytest.param("postgresql", marks=pytest.mark.needs("postgresql"))],
    indirect=True,
)
def test_a_server_that_only_reads_for_a_while_loses_nothing(bench, database_url):
    claim = bench.begin()
    made = Recorder(bench.database, claim.attempt_id, BRISK)
    with read_only(database_url):
        made.add([STARTED, told(1)], "")
        wait_until(lambda: not made._pending, timeout_s=5)
        time.sleep(0.2)  # for heartbeats
    made.add([told(2)], "")
    assert made.end(succeed(claim))
    assert steps(bench, claim.job_id) == [1, 2]


def test_what_was_written_without_an_answer_is_not_written_again(bench, database_url, monkeypatch):
    monkeypatch.setattr(recorder, "_AGAIN_S", 0.01)
    first = bench.begin()
    bench.write(record, first.attempt_id, [], log="of the first\n")
    bench.write(attempts.release, first.attempt_id, kind="k", message="m")
    claim = bench.claim()
    forgetful = Forgetful(database_url)
    running = Recorder(forgetful, claim.attempt_id, BRISK)
    running.add([STARTED, told(3)], "one\n")
    wait_until(lambda: forgetful.lost == 0)
    running.add([told(6)], "two\0\n")
    assert running.end(lambda session: None)
    forgetful.close()
    assert bench.read(logs.read, claim.job_id).text == "of the first\none\ntwo\ufffd\n"
    assert bench.read(curves.read, [claim.job_id])[0].steps == [3, 6]


def test_a_database_that_stays_away_costs_the_lease_and_the_attempt(bench, failing):
    claim = bench.begin()
    failing.is_away = True
    made = Recorder(failing, claim.attempt_id, Pace(lease_s=0.3, heartbeat_s=0.05, flush_s=0.02))
    made.add([STARTED], "")
    wait_until(lambda: made.wish is Wish.FENCED, timeout_s=5)
    failing.is_away = False
    assert not made.end(succeed(claim))
    assert bench.job(claim.job_id).state == "running"


def test_an_attempt_that_is_not_current_any_more_writes_nothing(bench):
    claim = bench.begin()
    made = Recorder(bench.database, claim.attempt_id, Pace(5, heartbeat_s=2, flush_s=0.02))
    bench.write(attempts.release, claim.attempt_id, kind="worker_lost", message="a sweep")
    made.add([STARTED, told(1)], "late")
    wait_until(lambda: made.wish is Wish.FENCED, timeout_s=5)
    assert not made.end(succeed(claim))
    assert steps(bench, claim.job_id) == []
    assert bench.read(logs.read, claim.job_id).text == ""
    assert bench.job(claim.job_id).state == "queued"


def test_an_error_of_the_recorder_is_raised_where_the_attempt_is_supervised(bench):
    claim = bench.begin()
    made = Recorder(bench.database, claim.attempt_id, BRISK)
    made.check()
    made.add([Points(step=-(2**70), epoch=0, values={"train_loss": 0.0})], "")
    wait_until(made._done.done, timeout_s=5)
    with pytest.raises(Exception, match=r"int|range"):
        made.check()
    with pytest.raises(Exception, match=r"int|range"):
        made.end(succeed(claim))


def test_a_trainer_is_not_read_from_while_too_much_waits(bench, failing, monkeypatch):
    monkeypatch.setattr(recorder, "MAX_BACKLOG", 10)
    claim = bench.begin()
    failing.is_away = True
    made = Recorder(failing, claim.attempt_id, BRISK)
    made.add([STARTED], "")
    wait_until(lambda: not made._pending, timeout_s=5)
    made.add([told(step) for step in range(1, 12)], "")
    assert made.is_behind
    failing.is_away = False
    wait_until(lambda: not made.is_behind, timeout_s=5)
    assert made.end(succeed(claim))
    assert steps(bench, claim.job_id) == list(range(1, 12))
