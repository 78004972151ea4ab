import pytest

from store import audit, clock
from store.audit import Call
from store.cursors import encode_cursor
from store.errors import BadQuery
from store.tables import Audit
from tests.store.conftest import Bench


def note(bench: Bench, user: str | None = "ada", path: str = "/x", **said: object) -> None:
    known: dict[str, object] = {
        "token_id": None, "address": "127.0.0.1", "method": "POST", "status": 201,
    }  # fmt: skip
    bench.write(audit.note, Call(user=user, path=path, **(known | said)))  # type: ignore[arg-type]


def age(bench: Bench, path: str, days: float) -> None:
    with bench.database.write() as session:
        row = session.query(Audit).filter_by(path=path).one()
        row.at = clock.read(session) - days * 86_400


def paths(bench: Bench, **where: object) -> list[str]:
    return [entry.path for entry in bench.read(audit.read, **where).items]


def test_calls_are_read_newest_first_by_user_and_time_and_in_pages(bench: Bench) -> None:
    for number, user in enumerate(["ada", "bob", "ada", "eve"]):
        note(bench, user, f"/{number}")
    assert paths(bench) == ["/3", "/2", "/1", "/0"]
    assert paths(bench, users=["ada", "eve"]) == ["/3", "/2", "/0"]
    age(bench, "/1", 2)
    with bench.database.read() as session:
        now = clock.read(session)
    assert paths(bench, since=now - 86_400) == ["/3", "/2", "/0"]
    assert paths(bench, until=now - 86_400) == ["/1"]
    page = bench.read(audit.read, limit=3)
    assert bench.read(audit.read, limit=3, cursor=page.next).items[0].path == "/0"
    with pytest.raises(BadQuery):
        bench.read(audit.read, cursor="nonsense")
    with pytest.raises(BadQuery, match="made for another list"):
        bench.read(audit.read, cursor=encode_cursor(["a"]))


def test_everything_told_of_a_call_is_kept_and_what_no_database_keeps_is_replaced(
    bench: Bench,
) -> None:
    note(bench, None, "/\0\ud800" + "x" * 999, token_id="t", status=403, detail="why " * 200)
    (entry,) = bench.read(audit.read).items
    assert (entry.user, entry.token_id, entry.address) == (None, "t", "127.0.0.1")
    assert (entry.method, entry.status) == ("POST", 403)
    assert entry.path.startswith("/\ufffd?x")
    assert (len(entry.path), len(entry.detail or "")) == (500, 300)


def test_refusals_of_one_user_that_are_alike_share_an_entry_for_a_minute(bench: Bench) -> None:
    for number in range(5):
        note(bench, path=f"/{number}", status=403, detail=f"why {number}")
    note(bench, path="/other", status=422)
    note(bench, "bob", path="/bob", status=403)
    note(bench, path="/token", status=403, token_id="t")
    for _ in range(2):
        note(bench, path="/done")
    found = {e.path: e.times for e in bench.read(audit.read).items if e.status >= 400}
    assert found == {"/0": 5, "/other": 1, "/bob": 1, "/token": 1}
    assert len(paths(bench)) == 6
    age(bench, "/0", 61 / 86_400)
    note(bench, path="/later", status=403)
    assert paths(bench)[0] == "/later"


def test_refusals_do_not_push_changes_out_of_the_log(bench: Bench) -> None:
    note(bench, path="/change")
    for status in range(400, 410):
        note(bench, path=f"/{status}", status=status)
    bench.write(audit.trim, kept_s=86_400.0, kept_rows=2)
    assert paths(bench) == ["/409", "/408", "/change"]


def test_the_log_is_bounded_in_age_and_in_number(bench: Bench) -> None:
    for number in range(6):
        note(bench, path=f"/{number}")
    age(bench, "/5", 11)
    bench.write(audit.trim, kept_s=10 * 86_400.0, kept_rows=1000)
    assert paths(bench) == ["/4", "/3", "/2", "/1", "/0"]
    bench.write(audit.trim, kept_s=10 * 86_400.0, kept_rows=2)
    assert paths(bench) == ["/4", "/3"]
    bench.write(audit.trim, kept_s=0.0, kept_rows=1)
    assert paths(bench) == []
    bench.write(audit.trim, kept_s=1.0, kept_rows=1)
