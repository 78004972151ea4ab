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


def test_a_plan_follows_the_schedule_of_a_rule(empty_client: TestClient, spec: Spec) -> None:
    def planned(schedule: dict[str, Any] | None) -> Any:
        rule = {"policy": "topk", "forward": 0.4, "min_samples": 1, "schedule": schedule}
        answer = empty_client.post("/api/v1/plan", json={"spec": spec(approximation=[rule])})
        assert answer.status_code == 200, answer.text
        return answer.json()

    plain, half = planned(None), planned({"exact_last": 0.5})
    assert [one["schedule"] for one in plain["layers"]] == [None, None]
    assert half["layers"][0]["schedule"]["exact_last"] == 0.5
    for field in ("exact_macs", "planned_macs"):
        assert half["layers"][0][field] == plain["layers"][0][field]
    wanted = half["planned_compute_reduction"]
    assert abs(wanted - plain["planned_compute_reduction"] / 2) < 0.01
    # The last layer has one product of few outputs less to round; all three lie near the whole.
    assert all(abs(one["reduction"] - wanted) < 0.02 for one in half["layers"])
    assert half["layers"][0]["products"][0]["reduction"] < 0.35


def test_a_schedule_that_ends_before_it_begins_is_told(
    empty_client: TestClient, spec: Spec
) -> None:
    schedule = {"shape": "linear", "end_step": 3, "exact_first_steps": 5}
    rule = {"policy": "topk", "forward": 0.4, "schedule": schedule}
    answer = empty_client.post("/api/v1/plan", json={"spec": spec(approximation=[rule])})
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["loc"] == "approximation.0.schedule"
    assert "the schedule ends at step 3 but begins at step 5" in error["msg"]


def test_a_plan_makes_no_job(empty_client: TestClient, spec: Spec) -> None:
    assert empty_client.post("/api/v1/plan", json={"spec": spec()}).status_code == 200
    assert empty_client.get("/api/v1/jobs").json() == {"items": [], "next": None}
