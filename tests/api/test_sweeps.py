from collections.abc import Callable
from typing import Any

from fastapi.testclient import TestClient

Spec = Callable[..., dict[str, Any]]


def body(spec: Spec, **changes: Any) -> dict[str, Any]:
    base = spec()
    del base["approximation"]
    return {
        "name": "small",
        "base": base,
        "axes": {"seed": [1, 2, 3]},
        "variants": [
            {"approximation": []},
            {"approximation": [{"policy": "topk", "forward": 0.5}]},
        ],
        "tags": ["grid"],
        **changes,
    }


def test_a_sweep_makes_a_job_of_every_combination(client: TestClient, spec: Spec) -> None:
    answer = client.post("/api/v1/sweeps", json=body(spec))
    assert answer.status_code == 201, answer.text
    sweep = answer.json()
    assert client.get(answer.headers["location"]).json() == sweep
    assert sweep["counts"]["queued"] == 6
    assert len(sweep["jobs"]) == 6
    jobs = client.get(f"/api/v1/jobs?sweep={sweep['id']}&sort=created_at").json()["items"]
    assert {(job["policy"], job["seed"]) for job in jobs} == {
        (policy, seed) for policy in ("exact", "topk") for seed in (1, 2, 3)
    }
    assert {job["id"] for job in jobs} == set(sweep["jobs"])
    assert all(job["tags"] == ["grid"] and job["sweep_id"] == sweep["id"] for job in jobs)
    assert client.get("/api/v1/sweeps").json()["items"][0]["id"] == sweep["id"]


def test_a_dry_run_counts_and_plans_and_makes_nothing(client: TestClient, spec: Spec) -> None:
    answer = client.post("/api/v1/sweeps", json=body(spec, dry_run=True))
    assert answer.status_code == 200, answer.text
    plan = answer.json()
    assert plan["count"] == 6
    assert plan["dry_run"] is True
    reductions = [job["planned_compute_reduction"] for job in plan["jobs"]]
    assert reductions[:3] == [0.0, 0.0, 0.0]
    assert 0.3 < reductions[3] < 0.6
    assert plan["planned_compute_reduction"] == 1 - plan["planned_macs"] / plan["exact_macs"]
    assert plan["jobs"][4]["settings"]["seed"] == 2
    assert client.get("/api/v1/jobs").json()["items"] == []
    assert client.get("/api/v1/sweeps").json()["items"] == []


def test_the_same_key_makes_one_sweep(client: TestClient, spec: Spec) -> None:
    headers = {"Idempotency-Key": "s-1"}
    first = client.post("/api/v1/sweeps", json=body(spec), headers=headers)
    second = client.post("/api/v1/sweeps", json=body(spec), headers=headers)
    assert first.json()["id"] == second.json()["id"]
    assert second.headers["idempotent-replayed"] == "true"
    other = client.post("/api/v1/sweeps", json=body(spec, name="other"), headers=headers)
    assert other.status_code == 422
    assert len(client.get("/api/v1/jobs").json()["items"]) == 6


def test_cancelling_a_sweep_spares_what_has_ended(
    client: TestClient, spec: Spec, worker: Any
) -> None:
    sweep = client.post("/api/v1/sweeps", json=body(spec)).json()
    worker.train()
    for _ in range(2):
        answer = client.post(f"/api/v1/sweeps/{sweep['id']}/cancel")
        assert answer.status_code == 202
        counts = answer.json()["counts"]
        assert (counts["succeeded"], counts["cancelled"], counts["queued"]) == (1, 5, 0)


def test_sweeps_are_paged(client: TestClient, spec: Spec) -> None:
    made = []
    for number in range(3):
        answer = client.post("/api/v1/sweeps", json=body(spec, name=f"s{number}"))
        made.append(answer.json()["id"])
    first = client.get("/api/v1/sweeps?limit=2").json()
    rest = client.get(f"/api/v1/sweeps?limit=2&cursor={first['next']}").json()
    assert [s["id"] for s in first["items"] + rest["items"]] == made[::-1]
    assert rest["next"] is None


def test_a_job_that_cannot_be_planned_is_named(client: TestClient, spec: Spec) -> None:
    lost = {"policy": "topk", "forward": 0.5, "layers": "conv*"}
    variants = [{"approximation": []}, {"approximation": [lost]}]
    answer = client.post("/api/v1/sweeps", json=body(spec, variants=variants, axes={"seed": [4]}))
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert "'conv*' matches no layer" in error["msg"]
    assert error["msg"].endswith("(at variants.1: approximation=topk 0.5 conv*, seed=4)")
