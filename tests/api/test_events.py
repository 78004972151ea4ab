"""Live events, over a real connection: a test client does not stream."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from api.live import Hub, Mark, Reader
from api.settings import Settings
from crs_core.events import Points, Started
from store import changes
from store.changes import Change
from store.session import Database

once = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
Spec = Callable[..., dict[str, Any]]
Event = dict[str, str]


class Stream:
    """An open stream, read by a thread of its own."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self.events: list[Event] = []
        self.comments = 0
        self.ended = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        event: Event = {}
        try:
            for line in self.answer.iter_lines():
                if not line and event:
                    self.events.append(event)
                    event = {}
                elif line.startswith(":"):
                    self.comments += 1
                elif line:
                    name, _, value = line.partition(": ")
                    event[name] = value
        except httpx.HTTPError:
            pass
        self.ended.set()

    def named(self) -> list[Event]:
        return [event for event in self.events if "event" in event]


def until(question: Callable[[], object], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not question():
        assert time.monotonic() < end
        time.sleep(0.01)


@contextmanager
def opened(address: str, query: str = "", **headers: str) -> Iterator[Stream]:
    url = f"{address}/api/v1/events{query}"
    with httpx.stream("GET", url, headers=headers, timeout=20) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        stream = Stream(answer)
        yield stream
        # Closing alone does not wake the thread that reads.
        answer.extensions["network_stream"].get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        assert stream.ended.wait(5)


def note(database: Database, *numbers: int) -> None:
    for number in numbers:
        with database.write() as session:
            changes.note(
                session, Change(kind="points", job_id="j", from_step=number, to_step=number)
            )


def steps(events: list[Event]) -> list[int]:
    return [int(e["data"].split('"to_step":')[1].rstrip("}")) for e in events]


def test_a_job_is_followed_from_submission_to_its_points(
    serving: str, spec: Spec, worker: Any
) -> None:
    with opened(serving) as stream:
        job = httpx.post(f"{serving}/api/v1/jobs", json={"spec": spec()}).json()["id"]
        claim = worker.claim()
        started = Started(
            step=0, total_steps=40, steps_per_epoch=20, device="cpu", threads=1, versions={}
        )
        worker.record(claim, started, Points(step=5, epoch=0.25, values={"train_loss": 1.0}))
        worker.finish(claim)
        until(lambda: any('"succeeded"' in e["data"] for e in stream.named()))
    of_job = [e for e in stream.named() if job in e["data"]]
    names = [e["event"] for e in of_job]
    assert names[0] == "job"
    assert "points" in names
    assert names.index("points") < len(names) - 1 - names[::-1].index("job")
    states = [e["data"] for e in of_job if e["event"] == "job"]
    assert '"queued"' in states[0]
    assert '"succeeded"' in states[-1]
    points = next(e for e in of_job if e["event"] == "points")
    assert '"to_step":5' in points["data"]
    numbers = [int(e["id"]) for e in stream.events]
    assert numbers == sorted(numbers)


@once
def test_a_point_written_is_a_point_seen_within_a_second(serving: str, database: Database) -> None:
    with opened(serving) as stream:
        note(database, 1)
        until(stream.named, seconds=1.0)


def test_a_stream_goes_on_after_the_last_event_seen(serving: str, database: Database) -> None:
    with opened(serving) as stream:
        note(database, 1, 2)
        until(lambda: len(stream.named()) == 2)
    last = stream.named()[0]["id"]
    note(database, 3, 4)
    with opened(serving, **{"Last-Event-ID": last}) as stream:
        note(database, 5)
        until(lambda: len(stream.named()) >= 4)
        assert steps(stream.named()) == [2, 3, 4, 5]


def test_a_new_stream_begins_with_now_and_says_where_that_is(
    serving: str, database: Database
) -> None:
    note(database, 1, 2)
    with opened(serving) as stream:
        until(lambda: stream.events)
        assert stream.events[0] == {"id": "2", "retry": "1000"}
        note(database, 3)
        until(stream.named)
        assert steps(stream.named()) == [3]


@pytest.mark.parametrize("place", ["0", "99"])
def test_a_place_that_is_gone_or_never_was_gets_reset(
    serving: str, database: Database, place: str
) -> None:
    note(database, 1, 2, 3)
    with database.write() as session:
        changes.trim(session, keep=1)
    with opened(serving, **{"Last-Event-ID": place}) as stream:
        until(stream.named)
        assert stream.named()[0]["event"] == "reset"
        assert stream.named()[0]["id"] == "3"
        note(database, 4)
        until(lambda: len(stream.named()) == 2)
        assert steps(stream.named()[1:]) == [4]


@once
def test_a_stream_may_ask_for_some_jobs_alone(serving: str, spec: Spec) -> None:
    def post() -> str:
        made: str = httpx.post(f"{serving}/api/v1/jobs", json={"spec": spec()}).json()["id"]
        return made

    wanted = post()
    with opened(serving, f"?job={wanted}") as stream:
        post()
        httpx.post(f"{serving}/api/v1/jobs/{wanted}/cancel")
        until(stream.named)
        time.sleep(0.1)
        assert all(wanted in e["data"] for e in stream.named())


@once
def test_a_stream_may_ask_for_a_sweep_alone(serving: str, spec: Spec) -> None:
    def post(name: str) -> str:
        body = {"base": spec(), "axes": {"seed": [1, 2]}, "name": name}
        made: str = httpx.post(f"{serving}/api/v1/sweeps", json=body).json()["id"]
        return made

    wanted = post("a")
    with opened(serving, f"?sweep={wanted}") as stream:
        post("b")
        httpx.post(f"{serving}/api/v1/sweeps/{wanted}/cancel")
        until(lambda: len(stream.named()) >= 2)
        assert all(wanted in e["data"] for e in stream.named())


@once
@pytest.mark.parametrize("place", ["abc", "9" * 19, "1" * 5000])
def test_an_id_that_is_none_gets_422(serving: str, place: str) -> None:
    answer = httpx.get(f"{serving}/api/v1/events", headers={"Last-Event-ID": place})
    assert answer.status_code == 422
    assert f"{place[:80]!r} is no event id" in answer.json()["detail"]


@once
@pytest.mark.parametrize("streams", [2])
def test_more_streams_than_may_be_open_get_503_and_what_to_do(serving: str) -> None:
    with opened(serving) as first, opened(serving) as second:
        until(lambda: first.events and second.events)
        answer = httpx.get(f"{serving}/api/v1/events")
        assert answer.status_code == 503
        assert answer.json()["type"] == "urn:colrow:problem:streams"
        assert "2 event streams are open" in answer.json()["detail"]
        assert "COLROW_STREAMS" in answer.json()["detail"]
    time.sleep(0.2)
    with opened(serving):
        pass


@once
def test_a_silent_stream_is_kept_alive_by_comments(
    serving: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.routes.events.PING_S", 0.05)
    with opened(serving) as stream:
        until(lambda: stream.comments >= 2)


@once
def test_a_stream_is_kept_alive_too_while_others_alone_get_events(
    serving: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.routes.events.PING_S", 0.3)
    with opened(serving, "?job=another") as stream:
        until(lambda: stream.events)
        for number in range(20):  # always sooner than the patience ends
            note(database, number)
            time.sleep(0.05)
        assert stream.comments >= 2
        assert not stream.named()


@once
def test_a_reader_that_leaves_is_forgotten(serving: str) -> None:
    def open_streams() -> float:
        text = httpx.get(f"{serving}/metrics").text
        line = next(x for x in text.splitlines() if x.startswith("colrow_event_streams "))
        return float(line.split()[1])

    with opened(serving) as stream:
        until(lambda: stream.events)
        until(lambda: open_streams() == 1)
    until(lambda: open_streams() == 0)


@once
def test_forty_open_streams_leave_the_other_routes_free(serving: str) -> None:
    with httpx.Client(limits=httpx.Limits(max_connections=None)) as many:
        streams = [many.stream("GET", f"{serving}/api/v1/events") for _ in range(40)]
        answers = [stream.__enter__() for stream in streams]
        assert {answer.status_code for answer in answers} == {200}
        begin = time.monotonic()
        assert httpx.get(f"{serving}/api/v1/jobs").status_code == 200
        assert time.monotonic() - begin < 2
        for stream in streams:
            stream.__exit__(None, None, None)


@once
def test_a_reader_that_is_too_slow_gets_reset_and_memory_stays_bounded(
    database: Database, settings: Settings
) -> None:
    hub = Hub(database, poll_s=0.01, queue=3)
    hub.start()

    async def slow() -> list[Change | Mark]:
        with hub.admit(Reader("ada")) as subscriber:
            stream = hub.follow(0, subscriber)
            seen = [*await anext(stream)]
            waiting = asyncio.ensure_future(anext(stream))
            while subscriber.start is None:
                await asyncio.sleep(0.01)
            await asyncio.to_thread(note, database, 1)
            seen += await waiting
            await asyncio.to_thread(note, database, *range(2, 9))
            await asyncio.sleep(0.3)
            while seen[-1].seq < 8:
                seen += await anext(stream)
            await stream.aclose()
        return seen

    seen = asyncio.run(slow())
    hub.join()
    # Of 2 to 8 the queue held the last few at most; what was dropped is told in one word.
    assert [item.seq for item in seen[:2]] == [0, 1]
    assert seen[2:] == [Mark(8, reset=True)]
    assert hub.open_streams == 0
