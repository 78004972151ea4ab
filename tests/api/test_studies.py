"""Studies over REST: planned, submitted, listed, refused in words, read as curves, exported."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from crs_core.events import Points, Started
from tests.api.conftest import HandWorker

STUDY: dict[str, Any] = {
    "kind": "matmul_error",
    "operation": {"name": "matmul", "m": 9, "n": 20, "p": 6},
    "method": {"name": "nps", "replacement": True, "scaled": True},
    "ratios": [0.1, 0.5],
    "draws": 100,
}


def test_a_study_is_planned_without_layers(empty_client: TestClient) -> None:
    plan = empty_client.post("/api/v1/plan", json={"spec": STUDY}).json()
    assert plan["layers"] == []
    assert (plan["steps"], plan["steps_per_epoch"]) == (10, 20)
    assert plan["exact_macs"] == 100 * 2 * 9 * 20 * 6
    assert plan["planned_macs"] == 100 * 9 * 6 * (2 + 10)
    assert plan["spec"]["distribution"] == {"name": "normal", "mean": 0.0, "std": 1.0}
    again = empty_client.post("/api/v1/plan", json={"spec": plan["spec"]}).json()
    assert again == plan


def test_a_study_stands_in_lists_with_its_operation_and_distribution(client: TestClient) -> None:
    body = {"spec": STUDY | {"distribution": {"name": "normal", "mean": 1.0}}, "name": "one"}
    job = client.post("/api/v1/jobs", json=body).json()
    assert (job["model"], job["dataset"], job["policy"], job["seed"]) == (
        "matmul_error", "normal(1,1)", "nps", 0,
    )  # fmt: skip
    assert job["planned_compute_reduction"] == pytest.approx(0.7)
    for query in ("model=matmul_error", "dataset=normal(1,1)", "policy=nps"):
        assert [j["id"] for j in client.get(f"/api/v1/jobs?{query}").json()["items"]] == [job["id"]]
    assert client.get("/api/v1/jobs?model=mlp").json()["items"] == []
    shown = client.get(f"/api/v1/jobs/{job['id']}").json()
    assert shown["spec"]["kind"] == "matmul_error"
    assert shown["progress"]["of"] == 10


@pytest.mark.parametrize(
    ("changes", "loc", "text"),
    [
        ({"kind": "sweep"}, "kind", "'sweep' is not known; there are: 'training', 'matmul_error'"),
        ({"kind": 3}, "kind", "'3' is not known"),
        ({"ratios": [0.1, 0.11]}, "ratios", "both keep 2 of 20 pairs"),
        ({"method": {"name": "topk", "scaled": True}}, "method", "policy 'topk' has no"),
        ({"method": "best"}, "method", "'best' is not known"),
        ({"operation": {"name": "matmul", "m": 0}}, "operation.m", "this must be at least 1"),
        ({"method": "random_walk"}, "", "choose exponential, or uniform"),
        ({"training": {"epochs": 1}}, "training", "this field is not known"),
    ],
)
@pytest.mark.parametrize("path", ["plan", "jobs"])
def test_a_study_that_cannot_be_run_is_refused_in_words(
    empty_client: TestClient, path: str, changes: dict[str, Any], loc: str, text: str
) -> None:
    answer = empty_client.post(f"/api/v1/{path}", json={"spec": STUDY | changes})
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["errors"][0]["loc"] == (loc or "spec")
    assert text in problem["errors"][0]["msg"]


@pytest.mark.parametrize("spec", [[], "x", 3, None])
def test_what_is_no_spec_at_all_is_refused(empty_client: TestClient, spec: Any) -> None:
    answer = empty_client.post("/api/v1/plan", json={"spec": spec})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == "spec"


def test_a_sweep_over_methods_is_counted_and_made(client: TestClient) -> None:
    base = {key: value for key, value in STUDY.items() if key != "method"}
    body = {
        "base": base,
        "variants": [{"method": "topk"}, {"method": {"name": "nps", "scaled": True}},
                     {"method": "svd"}],
        "axes": {"seed": [0, 1]},
    }  # fmt: skip
    plan = client.post("/api/v1/sweeps", json=body | {"dry_run": True}).json()
    assert plan["count"] == 6
    assert plan["planned_compute_reduction"] < 0  # a factorization costs more than the product
    assert plan["jobs"][2]["name"] == "method=nps scaled, seed=0"
    sweep = client.post("/api/v1/sweeps", json=body).json()
    assert len(sweep["jobs"]) == 6
    found = client.get(f"/api/v1/jobs?sweep={sweep['id']}").json()["items"]
    assert {job["policy"] for job in found} == {"topk", "nps", "svd"}


def measured(client: TestClient, worker: HandWorker, errors: dict[int, float]) -> list[str]:
    """Run two studies to their ends, with these errors by pairs kept times 0.2 and 0.4."""
    ratios = [k / 20 for k in errors]
    for method in ("topk", "uniform"):
        spec = STUDY | {"method": method, "ratios": ratios}
        assert client.post("/api/v1/jobs", json={"spec": spec}).status_code == 201
    ids = []
    for error in (0.2, 0.4):
        claim = worker.claim()
        ids.append(claim.job_id)
        worker.record(
            claim,
            Started(
                step=0, total_steps=10, steps_per_epoch=20, device="cpu", threads=1, versions={}
            ),
            *(
                Points(
                    step=k,
                    epoch=k / 20,
                    values={
                        "frobenius_error": e * error, "compute_reduction": 1 - k / 20,
                        "seconds": 5.0,
                    },
                )
                for k, e in errors.items()
            ),
        )  # fmt: skip
        worker.finish(claim)
    return ids


def test_points_of_a_study_are_curves_and_exports(client: TestClient, worker: HandWorker) -> None:
    ids = measured(client, worker, {2: 2.0, 10: 1.0})
    curves = client.get(f"/api/v1/curves?job={ids[0]}&metric=frobenius_error").json()["items"]
    assert (curves[0]["steps"], curves[0]["values"]) == ([2, 10], [0.4, 0.2])
    text = client.get(f"/api/v1/export?job={ids[0]}&format=csv").text
    assert f'{ids[0]},,matmul_error,"normal(0,1)",topk,0,frobenius_error,2,0.4' in text


@pytest.mark.parametrize("asked", ["", "&y=frobenius_error", "&y=macs"])
def test_studies_of_several_ratios_are_not_compared_by_one(
    client: TestClient, worker: HandWorker, asked: str
) -> None:
    query = "&".join(f"job={i}" for i in measured(client, worker, {2: 2.0, 10: 1.0}))
    answer = client.get(f"/api/v1/comparison?{query}{asked}")
    assert answer.status_code == 422
    assert "a study has its errors ratio by ratio" in answer.json()["detail"]
    assert "`colrow report SWEEP`" in answer.json()["detail"]


def test_what_a_study_has_once_is_compared(client: TestClient, worker: HandWorker) -> None:
    query = "&".join(f"job={i}" for i in measured(client, worker, {2: 2.0, 10: 1.0}))
    found = client.get(f"/api/v1/comparison?{query}&y=seconds").json()
    assert {(g["label"], g["y"]["mean"]) for g in found["groups"]} == {
        ("topk", 5.0), ("uniform", 5.0),
    }  # fmt: skip


def test_studies_of_a_single_ratio_are_compared(client: TestClient, worker: HandWorker) -> None:
    query = "&".join(f"job={i}" for i in measured(client, worker, {10: 1.0}))
    found = client.get(f"/api/v1/comparison?{query}").json()
    assert (found["y"], found["better"]) == ("frobenius_error", "lower")
    assert {(g["label"], g["y"]["mean"], g["model"]) for g in found["groups"]} == {
        ("topk", 0.2, "matmul_error"), ("uniform", 0.4, "matmul_error"),
    }  # fmt: skip


def test_the_catalog_says_what_a_study_can_name(empty_client: TestClient) -> None:
    catalog = empty_client.get("/api/v1/catalog").json()
    assert [c["name"] for c in catalog["operations"]] == ["matmul", "conv2d"]
    assert [c["name"] for c in catalog["distributions"]] == ["normal", "uniform", "exponential"]
    assert [c["name"] for c in catalog["alternatives"]] == [
        "random_projection", "svd", "count_sketch", "random_walk",
    ]  # fmt: skip
    assert "walks_per_pair" in catalog["alternatives"][3]["parameters"]["properties"]
    assert "frobenius_error" in [m["name"] for m in catalog["metrics"]]
