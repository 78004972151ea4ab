import base64
import math

import pytest

from store import attempts, cursors, jobs
from store.attempts import Outcome
from store.errors import BadQuery
from store.jobs import JobFilter


def names(bench, where=None, **how) -> list[str]:
    page = bench.read(jobs.list_jobs, where or JobFilter(), **how)
    return [job.name for job in page.items]


@pytest.fixture
def five(bench):
    """Five jobs a to e, of which c has ended and b runs."""
    spec = bench.spec
    bench.submit(spec("exact", dataset={"name": "mnist"}), name="a", tags=("x",), owner="ada")
    bench.submit(spec("topk"), name="b", tags=("x", "y"), priority=2)
    bench.submit(spec("nps", model={"name": "cnn"}), name="c", priority=5, owner="bob")
    bench.submit(
        spec(
            approximation=[{"policy": "topk", "forward": 0.5}, {"layers": "fc1", "policy": "nps"}]
        ),
        name="d",
        notes="100% Of_It",
    )
    bench.submit(spec(approximation=[]), name="e")
    c = bench.claim()
    bench.record(c, bench.points(1, seconds=4.0, train_loss=0.5))
    bench.write(attempts.finish, c.attempt_id, Outcome.SUCCEEDED)
    bench.record(bench.claim(), bench.points(2, seconds=2.0), bench.points(3, train_loss=0.9))
    return bench


FILTERS = [
    ({}, "edcba"),
    ({"states": ["queued"]}, "eda"),
    ({"states": ["running", "succeeded"]}, "cb"),
    ({"tags": ["x"]}, "ba"),
    ({"tags": ["x", "y"]}, "ba"),
    ({"owners": ["ada", "bob"]}, "ca"),
    ({"models": ["cnn"]}, "c"),
    ({"datasets": ["mnist"]}, "a"),
    ({"policies": ["nps"]}, "dc"),
    ({"policies": ["exact"]}, "ea"),
    ({"policies": ["topk"], "states": ["queued"]}, "d"),
    ({"policies": ["op"]}, ""),
    ({"text": "OF_IT"}, "d"),
    ({"text": "%"}, "d"),
    ({"text": "_"}, "d"),
    ({"owners": ["nobody"]}, ""),
    ({"ids": ["none"]}, ""),
    ({"ids": []}, ""),
    ({"ids": None}, "edcba"),
]


def test_filters(five):
    for where, found in FILTERS:
        assert names(five, JobFilter(**where)) == list(found), where


def test_a_job_is_found_by_part_of_its_id(five):
    (job,) = five.read(jobs.list_jobs, JobFilter(text="100%")).items
    assert names(five, JobFilter(text=job.id[-12:].upper())) == ["d"]


SORTS = [
    ("created_at", "abcde"),
    ("-created_at", "edcba"),
    ("name", "abcde"),
    ("-priority", "cbeda"),
    ("seconds", "bcade"),
    ("-seconds", "cbeda"),
    ("train_loss.best", "cbade"),
    ("-train_loss.last", "bceda"),
    ("started_at", "cbade"),
    ("finished_at", "cabde"),
    ("-state", "cbeda"),
]


def test_sorting_puts_jobs_without_a_value_last(five):
    for sort, found in SORTS:
        assert names(five, sort=sort) == list(found), sort


def pages(bench, **how) -> list[list[str]]:
    cursor, found = None, []
    while True:
        page = bench.read(jobs.list_jobs, cursor=cursor, **how)
        found.append([job.name for job in page.items])
        cursor = page.next
        if cursor is None:
            return found


def test_pages_follow_each_other_without_gap_or_double(five):
    for sort in ("-created_at", "name", "-seconds", "train_loss", "progress"):
        whole = names(five, sort=sort)
        for limit in (1, 2, 3, 5):
            found = pages(five, sort=sort, limit=limit)
            assert [name for page in found for name in page] == whole, (sort, limit)
            assert {len(page) for page in found[:-1]} <= {limit}


def test_a_sort_that_is_not_known_lists_those_that_are(five):
    for sort in ("colour", "train_loss.worst", "-"):
        with pytest.raises(
            BadQuery, match=r"cannot sort by .* there are: created_at, .*train_loss"
        ):
            five.read(jobs.list_jobs, sort=sort)


def test_a_cursor_that_is_none_is_refused(five):
    for cursor in ("", "x", "!!!", "W10", "é", "eyJhIjoxfQ"):
        with pytest.raises(BadQuery, match="is no cursor; use `next` of the page before"):
            five.read(jobs.list_jobs, cursor=cursor)


def test_a_cursor_of_another_sort_is_refused(five):
    cursor = five.read(jobs.list_jobs, sort="name", limit=1).next
    with pytest.raises(BadQuery, match="made for sort='name', not 'seconds'"):
        five.read(jobs.list_jobs, sort="seconds", cursor=cursor)


FORGED = [
    ["name", 3, 1],
    ["name", "a", 2**63],
    ["name", "a", True],
    ["name", "a", 1.5],
    ["name", "a", [1]],
    ["name", "a\0", 1],
    ["name", "\ud800", 1],
    ["seconds", "a", 1],
    ["seconds", math.nan, 1],
    ["seconds", {}, 1],
    ["priority", -(2**63) - 1, 1],
    [["name"], "a", 1],
]


@pytest.mark.parametrize("parts", FORGED, ids=str)
def test_a_cursor_with_other_things_inside_is_refused(five, parts):
    sort = parts[0] if isinstance(parts[0], str) else "name"
    with pytest.raises(BadQuery, match="cursor"):
        five.read(jobs.list_jobs, sort=sort, cursor=cursors.encode_cursor(parts))


def test_a_cursor_that_is_nested_deep_is_refused(five):
    cursor = base64.urlsafe_b64encode(b"[" * 100_000).decode()
    with pytest.raises(BadQuery, match="is no cursor"):
        five.read(jobs.list_jobs, cursor=cursor)


def test_a_job_that_comes_while_paging_shifts_nothing(five):
    first = five.read(jobs.list_jobs, limit=2)
    five.submit(name="f")
    second = five.read(jobs.list_jobs, limit=2, cursor=first.next)
    assert [job.name for job in second.items] == ["c", "b"]
