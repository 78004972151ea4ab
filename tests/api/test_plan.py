from collections.abc import Callable
from typing import Any

from fastapi.testclient import TestClient

Spec = Callable[..., dict[str, Any]]


def test_a_plan_says_what_each_product_keeps_and_costs(
    empty_client: TestClient, spec: Spec
) -> None:
    rules = [{"layers": "*", "policy": "topk", "forward": 0.4, "backward": 0.05}]
    body = {
        "model": {"name": "mlp"},
        "dataset": {"name": "mnist"},
        "approximation": rules,
        "training": {"epochs": 20},
    }
    plan = empty_client.post("/api/v1/plan", json={"spec": body}).json()
    assert round(plan["planned_compute_reduction"], 3) == 0.795
    assert plan["steps"] == 22_000
    assert plan["steps_per_epoch"] == 1_100
    first = plan["layers"][0]
    assert (first["name"], first["kind"], first["rule"]) == ("fc1", "linear", 0)
    # The gradient to the data is not computed, so the first layer has two products.
    assert [p["product"] for p in first["products"]] == ["forward", "grad_weight"]
    assert (first["products"][0]["pairs"], first["products"][0]["kept"]) == (784, 314)
    assert plan["exact_macs"] == plan["steps"] * sum(one["exact_macs"] for one in plan["layers"])


def test_a_plan_gives_the_spec_with_every_default(empty_client: TestClient, spec: Spec) -> None:
    plan = empty_client.post("/api/v1/plan", json={"spec": spec()}).json()
    assert plan["spec"]["training"]["batch_size"] == 50
    assert plan["spec"]["training"]["optimizer"]["name"] == "adam"
    assert plan["spec"]["approximation"][0]["policy"] == {
        "name": "topk",
        "replacement": False,
        "scaled": False,
    }
    again = empty_client.post("/api/v1/plan", json={"spec": plan["spec"]}).json()
    assert again == plan


def test_a_plan_makes_no_job(empty_client: TestClient, spec: Spec) -> None:
    assert empty_client.post("/api/v1/plan", json={"spec": spec()}).status_code == 200
    assert empty_client.get("/api/v1/jobs").json() == {"items": [], "next": None}
