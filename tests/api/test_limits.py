"""How often, how much and how slowly one may ask."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.concurrency import run_in_threadpool

from api.errors import Refusal
from api.live import Reader, TooManyOwnStreams
from api.rates import GUESSES, Buckets, Guesses
from api.settings import Settings
from tests.api.lab import Lab

once = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
Spec = Callable[..., dict[str, Any]]


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_a_bucket_holds_a_burst_and_fills_again() -> None:
    clock = Clock()
    buckets = Buckets(2.0, 3, clock=clock)
    assert [buckets.take("a") for _ in range(4)] == [0, 0, 0, 0.5]
    assert buckets.take("b") == 0
    clock.now_s += 0.4
    assert buckets.take("a") == pytest.approx(0.1)
    clock.now_s += 0.2
    assert buckets.wait_s("a") == 0
    assert buckets.take("a") == 0
    clock.now_s += 1000
    assert [buckets.take("a") for _ in range(4)] == [0, 0, 0, 0.5]


def test_buckets_do_not_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.rates.REMEMBERED", 3)
    buckets = Buckets(1.0, 1, clock=Clock())
    assert [buckets.take(key) for key in "abc"] == [0, 0, 0]
    assert buckets.take("a") > 0
    assert buckets.take("d") == 0  # b came least lately and is forgotten
    assert buckets.take("a") > 0
    assert buckets.take("b") == 0


def test_no_rate_is_no_limit() -> None:
    buckets = Buckets(0.0, 1, clock=Clock())
    assert [buckets.take("a") for _ in range(5)] == [0] * 5


def test_guessing_is_slowed_by_address_and_a_token_that_was_good_never_is() -> None:
    clock = Clock()
    guesses = Guesses(clock=clock)
    guesses.told("here", "good", is_valid=True)
    for _ in range(GUESSES):
        guesses.demand_room("here", "bad")
        guesses.told("here", "bad", is_valid=False)
    with pytest.raises(Refusal, match="too many tokens from this address"):
        guesses.demand_room("here", "bad")
    guesses.demand_room("here", "good")
    guesses.demand_room("there", "bad")
    guesses.told("here", "good", is_valid=False)
    with pytest.raises(Refusal):
        guesses.demand_room("here", "good")
    clock.now_s += 3
    guesses.demand_room("here", "bad")


@once
@pytest.mark.parametrize("lab", [{"rate_per_s": 0.01, "rate_burst": 3}], indirect=True)
def test_a_token_that_comes_too_often_waits_and_others_do_not(lab: Lab, spec: Spec) -> None:
    ada, bob = lab.user("ada"), lab.user("bob")
    answers = [ada.post("/api/v1/jobs", json={"spec": spec(seed=i)}) for i in range(4)]
    assert [a.status_code for a in answers] == [201, 201, 201, 429]
    last = answers[-1]
    assert last.json()["type"] == "urn:colrow:problem:rate"
    assert "wait 100 s" in last.json()["detail"]
    assert last.headers["retry-after"] == "100"
    assert len(lab.jobs()) == 3
    assert bob.get("/api/v1/jobs").status_code == 200


@once
def test_guesses_from_one_address_are_slowed_and_its_users_go_on(lab: Lab) -> None:
    ada = lab.user("ada")
    assert ada.get("/api/v1/jobs").status_code == 200
    stranger = lab.nobody()
    answers = [
        stranger.post("/api/v1/session", json={"token": f"colrow_{i:043d}"}).status_code
        for i in range(GUESSES + 3)
    ]
    assert answers[:GUESSES] == [401] * GUESSES
    assert answers[-1] == 429
    late = lab.by("colrow_" + "z" * 43).get("/api/v1/jobs")
    assert late.status_code == 429
    assert int(late.headers["retry-after"]) >= 1
    assert ada.get("/api/v1/jobs").status_code == 200


@once
def test_who_needs_no_login_has_no_rate(settings: Settings, client: TestClient) -> None:
    assert settings.rate_burst == 1000
    client.app.state.service.rates.burst = 1  # type: ignore[attr-defined]
    assert all(client.get("/api/v1/session").status_code == 200 for _ in range(5))


EVIL = {
    "open brackets": b'{"spec": ' + b"[" * 1_000_000,
    "nested lists": b'{"spec": ' + b"[" * 500_000 + b"]" * 500_000 + b"}",
    "nested objects": b'{"spec": ' + b'{"a":' * 160_000 + b"1" + b"}" * 160_000 + b"}",
    "deep, but not too deep to read": b'{"spec": {"model": ' + b"[" * 900 + b"]" * 900 + b"}}",
    "half a million wrong rules": b'{"spec": {"approximation": [' + b"0," * 500_000 + b"0]}}",
    "unknown fields": json.dumps({"spec": {f"a{i}": 1 for i in range(70_000)}}).encode(),
    "a long number": b'{"spec": {"seed": ' + b"9" * 1_000_000 + b"}}",
}
EVIL_SWEEPS = {
    "nested": b'{"base": ' + b'{"a":' * 160_000 + b"1" + b"}" * 160_000 + b"}",
    "no numbers": b'{"base": {"a": [' + b"NaN," * 250_000 + b"1]}}",
    "no mappings": b'{"base": {}, "variants": [' + b"1," * 500_000 + b"1]}",
    "empty variants": b'{"base": {}, "variants": [' + b"{}," * 300_000 + b"{}]}",
    "many axes": json.dumps({"base": {}, "axes": {f"a{i}": 1 for i in range(70_000)}}).encode(),
}


@pytest.mark.parametrize(
    ("path", "body"),
    [("jobs", body) for body in EVIL.values()]
    + [("plan", body) for body in EVIL.values()]
    + [("sweeps", body) for body in EVIL_SWEEPS.values()],
    ids=[f"{path} {name}" for path in ("jobs", "plan") for name in EVIL] + list(EVIL_SWEEPS),
)
def test_a_megabyte_of_nonsense_is_refused_with_little_work_and_a_short_answer(
    empty_client: TestClient, path: str, body: bytes
) -> None:
    began_s = time.process_time()
    headers = {"content-type": "application/json"}
    answer = empty_client.post(f"/api/v1/{path}", content=body, headers=headers)
    # Of the processor, not of the clock: it takes a tenth of that, and took 25 s once.
    assert time.process_time() - began_s < 5
    assert answer.status_code in (400, 413, 422)
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.content) < 30_000


def test_a_hundred_errors_are_named_and_the_rest_are_counted(
    empty_client: TestClient, spec: Spec
) -> None:
    body = {"spec": spec(approximation=[0] * 250)}
    problem = empty_client.post("/api/v1/jobs", json=body).json()
    assert len(problem["errors"]) == 100
    assert problem["detail"].endswith("; and 247 more")


@once
@pytest.mark.parametrize("lab", [{"streams_per_user": 1}], indirect=True)
def test_one_user_has_so_many_streams_and_others_have_theirs(lab: Lab) -> None:
    hub = lab.app.state.service.hub

    async def opened() -> None:
        with hub.admit(Reader("ada", 1), most=10, most_each=1):
            with (
                pytest.raises(TooManyOwnStreams, match="1 event streams of ada are open"),
                hub.admit(Reader("ada", 2), most=10, most_each=1),
            ):
                pass
            with hub.admit(Reader("bob", 3), most=10, most_each=1):
                assert hub.open_streams == 2
            ada = lab.user("ada")
            answer = await run_in_threadpool(ada.get, "/api/v1/events")
            assert answer.status_code == 429
            assert answer.json()["type"] == "urn:colrow:problem:streams"

    asyncio.run(opened())
    assert hub.open_streams == 0
