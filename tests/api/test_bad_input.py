"""What bad input gets: every line of it that reaches the api, with its sentence."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

Spec = Callable[..., dict[str, Any]]
NAN = float("nan")


def changed(spec: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Set one field by its path."""
    *parents, last = path.split(".")
    inner: Any = spec
    for part in parents:
        inner = inner[int(part) if part.isdigit() else part]
    inner[last] = value
    return spec


CASES = {
    "unknown policy": ("approximation.0.policy", "topp", "topk"),
    "unknown network": ("model", {"name": "transformer"}, "'mlp', 'cnn'"),
    "unknown data set": ("dataset.name", "imagenet", "fashion-mnist"),
    "unknown field": ("training.epoch", 3, "not known"),
    "unknown field at the top": ("modell", {}, "not known"),
    "unknown optimizer": ("training.optimizer", {"name": "lion"}, "adamw"),
    "ratio of 0": ("approximation.0.forward", 0, "above 0 and at most 1; got 0"),
    "ratio of -1": ("approximation.0.forward", -1, "above 0 and at most 1; got -1"),
    "ratio of 1.5": ("approximation.0.forward", 1.5, "above 0 and at most 1; got 1.5"),
    "ratio of NaN": ("approximation.0.forward", NAN, "above 0 and at most 1; got nan"),
    "ratio that is no number": ("approximation.0.backward", "half", "number; got 'half'"),
    "rule without a layer": ("approximation.0.layers", "conv*", "there are: fc1, fc2"),
    "batch larger than the data": ("training.batch_size", 5_000, "1077 training examples"),
    "10^12 epochs": ("training.epochs", 10**12, "100000; got 1000000000000"),
    "validation takes all": ("dataset.validation", 2_000, "leave none to train on"),
    "learning rate of infinity": ("training.optimizer", {"name": "sgd", "lr": 1e999}, "finite"),
}


@pytest.mark.parametrize("route", ["plan", "jobs"])
@pytest.mark.parametrize("case", CASES)
def test_a_bad_spec_gets_422_with_its_field_and_what_to_do(
    empty_client: TestClient, spec: Spec, route: str, case: str
) -> None:
    path, value, said = CASES[case]
    body = json.dumps({"spec": changed(spec(), path, value)})
    answer = empty_client.post(
        f"/api/v1/{route}", content=body, headers={"content-type": "application/json"}
    )
    problem = answer.json()
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["type"] == "urn:colrow:problem:spec"
    assert [e for e in problem["errors"] if e["loc"].startswith(path) and said in e["msg"]], problem
    assert said in problem["detail"]
    assert empty_client.get("/api/v1/jobs").json()["items"] == []


def test_every_field_at_fault_is_named_at_once(empty_client: TestClient, spec: Spec) -> None:
    body = changed(changed(spec(), "approximation.0.forward", 2), "training.epochs", 0)
    problem = empty_client.post("/api/v1/jobs", json={"spec": body}).json()
    assert {e["loc"] for e in problem["errors"]} == {"approximation.0.forward", "training.epochs"}


def test_a_missing_part_is_named(empty_client: TestClient, spec: Spec) -> None:
    body = spec()
    del body["training"]
    problem = empty_client.post("/api/v1/jobs", json={"spec": body}).json()
    assert problem["errors"] == [{"loc": "training", "msg": "this field is missing"}]


@pytest.mark.parametrize(
    "body",
    [b"{", b"model: mlp", b"\xff\xfe", b'{"spec": ' + b"[" * 100_000],
    ids=["cut off", "yaml", "not text", "deep"],
)
def test_a_body_that_is_not_json_gets_400_or_422(empty_client: TestClient, body: bytes) -> None:
    answer = empty_client.post(
        "/api/v1/jobs", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"
    assert "JSON" in answer.json()["detail"]


@pytest.mark.parametrize("body", ["[]", '"job"', "3", "null", ""])
def test_a_body_that_is_not_an_object_gets_422(empty_client: TestClient, body: str) -> None:
    answer = empty_client.post(
        "/api/v1/jobs", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 422
    assert "JSON object" in answer.json()["detail"]


def test_a_body_that_is_not_said_to_be_json_gets_422(empty_client: TestClient, spec: Spec) -> None:
    body = json.dumps({"spec": spec()})
    answer = empty_client.post("/api/v1/jobs", content=body, headers={"content-type": "text/plain"})
    assert answer.status_code == 422
    assert "application/json" in answer.json()["detail"]


def test_a_body_of_10_mb_gets_413(empty_client: TestClient, spec: Spec) -> None:
    answer = empty_client.post("/api/v1/jobs", json={"spec": spec(), "name": "x" * 10_000_000})
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert "1,048,576 bytes" in answer.json()["detail"]
    assert empty_client.get("/api/v1/jobs").json()["items"] == []


def test_a_body_without_a_length_is_measured_as_it_comes(empty_client: TestClient) -> None:
    pieces = (b"x" * 100_000 for _ in range(20))
    assert empty_client.post("/api/v1/jobs", content=pieces).status_code == 413


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/jobs/{id}"),
        ("PATCH", "/api/v1/jobs/{id}"),
        ("DELETE", "/api/v1/jobs/{id}"),
        ("POST", "/api/v1/jobs/{id}/cancel"),
        ("POST", "/api/v1/jobs/{id}/retry"),
        ("GET", "/api/v1/jobs/{id}/curves"),
        ("GET", "/api/v1/jobs/{id}/layers"),
        ("GET", "/api/v1/jobs/{id}/log"),
        ("GET", "/api/v1/jobs/{id}/checkpoints"),
        ("GET", "/api/v1/sweeps/{id}"),
        ("POST", "/api/v1/sweeps/{id}/cancel"),
        ("GET", "/api/v1/curves?job={id}"),
        ("GET", "/api/v1/curves?sweep={id}"),
        ("GET", "/api/v1/comparison?sweep={id}"),
        ("GET", "/api/v1/comparison?job={id}"),
        ("GET", "/api/v1/export?job={id}"),
        ("GET", "/api/v1/export?sweep={id}"),
    ],
)
@pytest.mark.parametrize("unknown", ["019ab4f2-7c1e-7d3a-9b52-0c6f1d2e3a4b", "no such id"])
def test_an_id_that_does_not_exist_gets_404_saying_which(
    empty_client: TestClient, method: str, path: str, unknown: str
) -> None:
    answer = empty_client.request(
        method, path.format(id=unknown), json={} if method == "PATCH" else None
    )
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:colrow:problem:not-found"
    assert unknown in answer.json()["detail"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("jobs?limit=0", "limit"),
        ("jobs?limit=1001", "limit"),
        ("jobs?limit=many", "limit"),
        ("jobs?cursor=nonsense", "cursor"),
        ("jobs?sort=beauty", "beauty"),
        ("jobs?state=asleep", "asleep"),
        ("jobs?columns=beauty", "beauty"),
        ("jobs?stat=queued", "no parameter"),
        ("sweeps?cursor=nonsense", "cursor"),
        ("queue?cursor=-1", "cursor"),
        ("curves", "at least one job or sweep"),
        ("comparison", "at least one sweep or job"),
        ("curves?job=x&metric=beauty", "beauty"),
        ("comparison?job=x&y=beauty", "beauty"),
        ("comparison?job=x&x=beauty", "beauty"),
        ("comparison?job=x&margin=0", "above 0 and at most 100; got 0"),
        ("comparison?job=x&margin=-0.2", "above 0 and at most 100; got -0.2"),
        ("comparison?job=x&margin=nan", "above 0 and at most 100; got nan"),
        ("comparison?job=x&margin=inf", "above 0 and at most 100; got inf"),
        ("comparison?job=x&margin=much", "got 'much'"),
        ("export?format=xlsx", "xlsx"),
        ("export?metric=beauty", "beauty"),
    ],
)
def test_a_bad_parameter_gets_422_and_its_sentence(
    empty_client: TestClient, query: str, said: str
) -> None:
    answer = empty_client.get(f"/api/v1/{query}")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert said in answer.json()["detail"]


def test_an_unknown_route_gets_404_as_a_problem(empty_client: TestClient) -> None:
    for method in ("GET", "POST", "DELETE"):
        answer = empty_client.request(method, "/api/v1/experiments")
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
        assert "/api/v1/experiments" in answer.json()["detail"]


def test_a_wrong_method_gets_405_saying_which_go(empty_client: TestClient) -> None:
    answer = empty_client.put("/api/v1/catalog")
    assert answer.status_code == 405
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["allow"] == "GET"
    assert "it takes GET" in answer.json()["detail"]


def test_fields_that_a_body_does_not_have_are_refused(empty_client: TestClient, spec: Spec) -> None:
    problem = empty_client.post("/api/v1/jobs", json={"spec": spec(), "nmae": "x"}).json()
    assert problem["errors"] == [
        {"loc": "nmae", "msg": "this field is not known; remove it or mend its name"}
    ]


@pytest.mark.parametrize(
    ("axes", "said"),
    [
        ({"approximation.0.forward": [0.4, 1.5]}, "got 1.5"),
        ({"training.batch_size": [50, 5_000]}, "1077 training examples"),
        ({"no.such.path": [1]}, "no"),
        ({"seed": []}, "seed"),
    ],
)
def test_a_bad_combination_refuses_the_whole_sweep(
    empty_client: TestClient, spec: Spec, axes: dict[str, Any], said: str
) -> None:
    answer = empty_client.post("/api/v1/sweeps", json={"base": spec(), "axes": axes})
    assert answer.status_code == 422
    assert said in answer.json()["detail"]
    assert empty_client.get("/api/v1/jobs").json()["items"] == []
    assert empty_client.get("/api/v1/sweeps").json()["items"] == []


def test_a_sweep_of_a_million_jobs_is_refused_before_it_is_expanded(
    empty_client: TestClient, spec: Spec
) -> None:
    axes = {"seed": list(range(1000)), "training.batch_size": list(range(1, 1001))}
    answer = empty_client.post("/api/v1/sweeps", json={"base": spec(), "axes": axes})
    assert answer.status_code == 422
    assert "10" in answer.json()["detail"]
