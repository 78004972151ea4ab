"""The client against a real api, and against a server that fails on purpose."""

import itertools
import json
import threading
import time
from inspect import signature

import httpx
import pytest

import colrow
from colrow.client import Client
from colrow.errors import ColrowError, Unreachable
from colrow.stream import Event, parse


def scripted(*answers):
    """A client whose requests get these answers in turn, and the list of what was sent."""
    sent = []
    left = iter(answers)

    def answer(request):
        sent.append(request)
        given = next(left)
        if isinstance(given, Exception):
            raise given
        return given

    return Client("http://127.0.0.1:1", transport=httpx.MockTransport(answer)), sent


@pytest.fixture(autouse=True)
def _no_delays(monkeypatch):
    monkeypatch.setattr("colrow.transport.DELAYS_S", (0.001, 0.001, 0.001))
    monkeypatch.setattr("colrow.stream.RETRY_S", 0.001)


JOB = httpx.Response(201, json={"id": "1"})


def test_a_submission_cut_off_is_sent_again_with_the_same_key(spec):
    client, sent = scripted(httpx.ReadError("cut"), httpx.Response(503, json={}), JOB)
    assert client.submit(spec()) == {"id": "1"}
    keys = {request.headers["Idempotency-Key"] for request in sent}
    assert len(sent) == 3
    assert len(keys) == 1


def test_two_submissions_have_two_keys(spec):
    client, sent = scripted(JOB, JOB)
    client.submit(spec())
    client.submit(spec())
    assert sent[0].headers["Idempotency-Key"] != sent[1].headers["Idempotency-Key"]


def test_a_key_of_ones_own_is_sent(spec):
    client, sent = scripted(JOB)
    client.submit(spec(), idempotency_key="mine")
    assert sent[0].headers["Idempotency-Key"] == "mine"


def test_a_retry_that_was_cut_off_is_not_sent_again():
    client, sent = scripted(httpx.ReadError("cut"), JOB)
    with pytest.raises(Unreachable, match="did not answer"):
        client.retry("1")
    assert len(sent) == 1


def test_a_request_that_never_arrived_is_sent_again():
    client, sent = scripted(httpx.ConnectError("refused"), JOB)
    client.retry("1")
    assert len(sent) == 2


def test_a_service_that_stays_away_is_told_after_a_few_trials():
    client, sent = scripted(*itertools.repeat(httpx.ConnectError("refused"), 4))
    with pytest.raises(Unreachable, match=r"no Colrow answers at .*\(refused\)"):
        client.job("1")
    assert len(sent) == 4


def test_a_refusal_is_not_sent_again_and_has_its_parts():
    problem = {
        "status": 422,
        "title": "A field or parameter is wrong",
        "detail": "seed: too small",
        "errors": [{"loc": "seed", "msg": "too small"}],
    }
    client, sent = scripted(httpx.Response(422, json=problem))
    with pytest.raises(ColrowError) as caught:
        client.plan({})
    error = caught.value
    assert (error.status, error.title, error.detail) == (422, problem["title"], problem["title"])
    assert error.errors == (("seed", "too small"),)
    assert str(error) == "A field or parameter is wrong\n  seed: too small"
    assert len(sent) == 1


def test_pages_are_followed_to_the_end_and_no_further_than_asked():
    pages = [
        httpx.Response(200, json={"items": [{"id": n}, {"id": n + 1}], "next": cursor})
        for n, cursor in ((1, "c"), (3, None))
    ]
    client, sent = scripted(*pages)
    assert [job["id"] for job in client.jobs(state=["queued"])] == [1, 2, 3, 4]
    assert sent[1].url.params["cursor"] == "c"
    assert sent[1].url.params["state"] == "queued"
    client, sent = scripted(*pages)
    assert [job["id"] for job in client.jobs(limit=2)] == [1, 2]
    assert len(sent) == 1


def stream(*lines):
    return httpx.Response(
        200, headers={"content-type": "text/event-stream"}, text="\n".join([*lines, "", ""])
    )


def test_events_are_read_on_from_the_last_one_after_a_cut():
    first = stream("id: 7", "event: job", 'data: {"job": "a", "state": "running"}')
    second = stream(": keep-alive", "", "id: 8", "event: points", 'data: {"job": "a"}')
    client, sent = scripted(first, httpx.ReadError("cut"), second)
    events = list(itertools.islice(client.events(jobs=["a"]), 2))
    assert events == [
        Event("7", "job", {"job": "a", "state": "running"}),
        Event("8", "points", {"job": "a"}),
    ]
    assert "last-event-id" not in sent[0].headers
    assert sent[1].headers["last-event-id"] == sent[2].headers["last-event-id"] == "7"


def test_events_of_a_service_that_is_not_there_are_told():
    client, _ = scripted(httpx.ConnectError("refused"))
    with pytest.raises(Unreachable, match="no Colrow answers"):
        next(client.events())


def test_an_event_in_several_lines_is_one_and_an_unfinished_one_is_dropped():
    lines = ["event:x", "data: {", 'data: "a": 1}', "", "id: 3", "data: {}"]
    assert list(parse(iter(lines))) == [Event("", "x", {"a": 1})]


def test_a_proxy_of_the_environment_is_not_asked_for_loopback(server, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with Client(server) as client:
        assert client.catalog()["models"]


def test_the_package_exports_the_client_lightly():
    assert colrow.Client is Client
    assert colrow.ColrowError is ColrowError
    with pytest.raises(AttributeError, match="'colrow' has no attribute 'Server'"):
        _ = colrow.Server


# Against a real api.


def test_a_job_is_submitted_read_cancelled_retried_and_deleted(client, spec):
    job = client.submit(spec(), name="mine", tags=["x"], priority=3, idempotency_key="key-1")
    assert client.submit(
        spec(), name="mine", tags=["x"], priority=3, idempotency_key="key-1"
    )["id"] == job["id"]  # fmt: skip
    read = client.job(job["id"])
    assert (read["state"], read["name"], read["tags"]) == ("queued", "mine", ["x"])
    assert read["spec"]["model"]["hidden"] == [16]
    assert [j["id"] for j in client.jobs(tag=["x"])] == [job["id"]]
    assert client.cancel(job["id"])["state"] == "cancelled"
    assert client.cancel(job["id"])["state"] == "cancelled"
    assert client.retry(job["id"])["state"] == "queued"
    assert client.cancel(job["id"])["state"] == "cancelled"
    assert client.log(job["id"]) == ""
    assert client.layers(job["id"]) == []
    assert client.curves([job["id"]]) == []
    client.delete(job["id"])
    with pytest.raises(ColrowError, match="there is no job") as caught:
        client.job(job["id"])
    assert caught.value.status == 404


def test_a_sweep_is_planned_made_compared_and_cancelled(client, spec):
    arguments = {"axes": {"seed": [0, 1]}, "variants": [{"approximation": []}, {}]}
    plan = client.plan_sweep(spec(), **arguments)
    assert plan["count"] == 4
    sweep = client.sweep(spec(), name="four", **arguments)
    assert len(sweep["jobs"]) == 4
    assert next(client.sweeps())["id"] == sweep["id"]
    comparison = client.comparison(sweep=[sweep["id"]])
    assert [group["n"] for group in comparison["groups"]] == [0, 0]
    assert comparison["margin"] == {"value": 0.2, "is_relative": False}
    wider = client.comparison(sweep=[sweep["id"]], margin=0.5)
    assert wider["margin"]["value"] == 0.5
    with pytest.raises(ColrowError, match=r"above 0 and at most 100; got 0") as caught:
        client.comparison(sweep=[sweep["id"]], margin=0)
    assert caught.value.status == 422
    every = {"sweep": [sweep["id"]], "jobs": [sweep["jobs"][0]], "x": "time_saved"}
    every |= {"y": "train_loss", "group_by": ["seed"], "margin": 2.0}
    assert set(every) == set(signature(client.comparison).parameters)
    assert client.comparison(**every)["y"] == "train_loss"
    assert client.cancel_sweep(sweep["id"])["counts"]["cancelled"] == 4
    assert client.sweep_state(sweep["id"])["counts"]["queued"] == 0
    assert b"".join(client.export(sweep=[sweep["id"]], table="jobs")).count(b"\n") == 5


def test_the_plan_of_the_service_is_the_one_worked_out_here(client, spec):
    from crs_core.cost import plan_cost
    from crs_core.spec import parse_spec

    plan, cost = client.plan(spec()), plan_cost(parse_spec(spec()))
    assert plan["planned_macs"] == cost.planned_macs
    assert plan["planned_compute_reduction"] == pytest.approx(cost.reduction)


def test_a_nan_never_reaches_the_service(client):
    with pytest.raises(ColrowError, match=r"axes\.seed\.1: this must be a finite number; got nan"):
        client.sweep({}, axes={"seed": [1, float("nan")]})


def test_watching_gives_the_job_as_it_changes_until_its_end(client, spec):
    job = client.submit(spec())
    cancel = threading.Timer(0.5, client.cancel, [job["id"]])
    cancel.start()
    states = [found[0]["state"] for found in client.watch(jobs=[job["id"]])]
    cancel.join()
    assert states[0] == "queued"
    assert states[-1] == "cancelled"


def test_events_tell_of_a_job_as_it_changes(client, spec):
    job = client.submit(spec())
    cancel = threading.Timer(0.5, client.cancel, [job["id"]])
    cancel.start()
    event = next(client.events(jobs=[job["id"]]))
    cancel.join()
    assert (event.name, event.data["job"], event.data["state"]) == ("job", job["id"], "cancelled")


def test_waiting_gives_up_after_its_time(client, spec):
    job = client.submit(spec())
    begin = time.monotonic()
    with pytest.raises(ColrowError, match=r"is still queued after 0\.1 s"):
        client.wait(job["id"], timeout_s=0.1)
    assert time.monotonic() - begin < 5
    client.cancel(job["id"])
    assert client.wait(job["id"])["state"] == "cancelled"


def test_workers_and_queue_are_listed(client, spec):
    job = client.submit(spec(), priority=1000)
    assert client.workers() == []
    assert next(client.queue())["job"] == job["id"]
    client.cancel(job["id"])
    json.dumps(client.catalog())
