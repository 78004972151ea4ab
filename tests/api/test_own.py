"""Networks and data sets of an installed package, over REST."""

from typing import Any

import pytest

from api import catalog as catalog_module
from crs_core.own import Broken, Found
from crs_core.spec import own as own_module

SPEC: dict[str, Any] = {
    "model": {"name": "residual-mlp", "width": 20},
    "dataset": {"name": "tumours"},
    "approximation": [{"layers": "blocks.*", "policy": "topk", "forward": 0.5}],
    "training": {"epochs": 2, "batch_size": 25},
}


@pytest.fixture(autouse=True)
def _asked_anew(example):
    catalog_module._own_models.cache_clear()
    yield
    catalog_module._own_models.cache_clear()


def test_they_stand_in_the_catalog_beside_ours(empty_client):
    catalog = empty_client.get("/api/v1/catalog").json()
    model = catalog["models"][-1]
    assert model["name"] == "residual-mlp"
    assert model["task"] == "classification"
    assert model["summary"].endswith("(package colrow-example 1.0)")
    assert model["parameters"]["properties"]["width"] == {
        "default": 48,
        "description": "Features of every block.",
        "maximum": 100_000,
        "minimum": 1,
        "title": "Width",
        "type": "integer",
    }
    assert model["layers"] == [
        "embed", "blocks.0.expand", "blocks.0.contract", "blocks.1.expand", "blocks.1.contract",
        "out",
    ]  # fmt: skip
    dataset = catalog["datasets"][-1]
    assert (dataset["name"], dataset["bundled"]) == ("tumours", True)
    assert (dataset["input_shape"], dataset["classes"]) == ([1, 1, 30], 2)
    assert catalog["broken"] == []


def test_what_is_broken_is_told_and_the_rest_is_served(empty_client, monkeypatch):
    broken = Found[Any]({}, (Broken("mine", "odd 0.1", "ImportError: no"),))
    for module in (own_module, catalog_module):
        monkeypatch.setattr(module, "own_networks", lambda: broken)
    answer = empty_client.get("/api/v1/catalog")
    assert answer.status_code == 200
    assert answer.json()["broken"] == [
        "network 'mine' of package odd 0.1 can't be used: ImportError: no"
    ]
    refused = empty_client.post("/api/v1/plan", json={"spec": SPEC | {"model": {"name": "mine"}}})
    assert refused.status_code == 422
    assert "'mine' of package odd 0.1 can't be used" in refused.text


def test_a_plan_counts_its_layers(empty_client):
    plan = empty_client.post("/api/v1/plan", json={"spec": SPEC}).json()
    assert [layer["policy"]["name"] for layer in plan["layers"]] == [
        "exact", "topk", "topk", "topk", "topk", "exact",
    ]  # fmt: skip
    assert plan["spec"]["model"] == {"name": "residual-mlp", "width": 20, "blocks": 2}


def test_a_field_at_fault_is_named_as_one_of_ours_would_be(empty_client):
    wrong = SPEC | {"model": {"name": "residual-mlp", "width": 0, "run": "import os"}}
    answer = empty_client.post("/api/v1/plan", json={"spec": wrong})
    assert answer.status_code == 422
    assert {e["loc"] for e in answer.json()["errors"]} == {"model.width", "model.run"}


def test_jobs_are_listed_though_their_package_is_gone(client, monkeypatch):
    made = client.post("/api/v1/jobs", json={"spec": SPEC})
    assert made.status_code == 201
    nothing = Found[Any]({}, ())
    monkeypatch.setattr(own_module, "own_networks", lambda: nothing)
    monkeypatch.setattr(own_module, "own_datasets", lambda: nothing)
    assert client.get(f"/api/v1/jobs/{made.json()['id']}").json()["model"] == "residual-mlp"
    listed = client.get("/api/v1/jobs").json()["items"]
    assert [job["dataset"] for job in listed] == ["tumours"]
    assert listed[0]["spec"]["model"]["width"] == 20
    refused = client.post("/api/v1/jobs", json={"spec": SPEC})
    assert refused.status_code == 422
    assert "'residual-mlp' is not known; there are: 'mlp'" in refused.text
