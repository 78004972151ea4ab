import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from store import changes, curves, jobs, recording


@pytest.mark.parametrize(  # on SQLite there is one writer at a time: no such moment
    "database_url",
    [pytest.param("postgresql", marks=pytest.mark.needs("postgresql"))],
    indirect=True,
)
def test_changes_become_visible_in_the_order_of_their_numbers(bench):
    """The first to write is the last to commit: its number must be the later one."""
    first, second = bench.begin(), bench.begin()
    bench.record(first, bench.points(1, train_loss=1.0))  # a metric's first time waits for itself
    before = bench.read(changes.head)
    written, go = threading.Event(), threading.Event()

    def slow() -> None:
        with bench.database.write() as session:
            recording.record(session, first.attempt_id, [bench.points(1, train_loss=1.0)])
            written.set()
            go.wait(10)

    with ThreadPoolExecutor(1) as pool:
        slowly = pool.submit(slow)
        assert written.wait(10)
        bench.record(second, bench.points(1, train_loss=1.0))
        assert [c.job_id for c in bench.read(changes.since, before).items] == [second.job_id]
        go.set()
        slowly.result()
    assert [c.job_id for c in bench.read(changes.since, before).items] == [
        second.job_id,
        first.job_id,
    ]


def test_a_transaction_that_fails_tells_nothing(bench):
    claim = bench.begin()
    before = bench.read(changes.head)

    def fail(session) -> None:
        recording.record(session, claim.attempt_id, [bench.points(1, train_loss=1.0)])
        raise RuntimeError

    with pytest.raises(RuntimeError):
        bench.write(fail)
    assert bench.read(changes.since, before) == changes.Feed((), before, reset=False)
    assert bench.read(curves.read, [claim.job_id]) == []


def test_the_feed_tells_of_a_whole_life(bench):
    claim = bench.begin()
    bench.record(
        claim, bench.started(), bench.points(1, train_loss=1.0), bench.points(4, seconds=1)
    )
    bench.end(claim)
    bench.write(jobs.delete, claim.job_id)
    feed = bench.read(changes.since, 0)
    of_job = [c for c in feed.items if c.job_id == claim.job_id]
    assert [(c.kind, c.state) for c in of_job] == [
        ("job", "queued"),
        ("job", "running"),
        ("job", "running"),
        ("points", None),
        ("job", "succeeded"),
        ("job", "deleted"),
    ]
    told = of_job[3]
    assert (told.attempt, told.from_step, told.to_step) == (1, 1, 4)
    assert [c.state for c in feed.items if c.kind == "worker"] == ["idle", "busy", "idle"]
    assert feed.head == feed.items[-1].seq == bench.read(changes.head)
    assert bench.read(changes.since, feed.head).items == ()


def test_the_feed_is_read_piece_by_piece(bench):
    for _ in range(5):
        bench.submit()
    first = bench.read(changes.since, 0, limit=3)
    assert ([c.seq for c in first.items], first.head) == ([1, 2, 3], 3)
    assert [c.seq for c in bench.read(changes.since, first.head, limit=3).items] == [4, 5]


def test_a_cursor_that_was_trimmed_or_is_ahead_is_told_to_start_anew(bench):
    for _ in range(10):
        bench.submit()
    assert bench.write(changes.trim, keep=4) == 6
    assert bench.write(changes.trim, keep=4) == 0
    assert bench.read(changes.since, 5) == changes.Feed((), 10, reset=True)
    assert [c.seq for c in bench.read(changes.since, 6).items] == [7, 8, 9, 10]
    assert bench.read(changes.since, 11).reset
