import csv
import io
from collections.abc import Callable
from typing import Any

from fastapi.testclient import TestClient

from crs_core.events import CheckpointSaved, Points, Started

Submit = Callable[..., dict[str, Any]]


def test_a_curve_comes_whole_as_arrays(client: TestClient, submit: Submit, worker: Any) -> None:
    submit()
    job = worker.train()
    answer = client.get(f"/api/v1/jobs/{job}/curves?metric=train_loss").json()
    (curve,) = answer["items"]
    assert curve["job"] == job
    assert curve["steps"] == list(range(1, 41))
    assert curve["values"] == [1 / step for step in range(1, 41)]
    assert (curve["of"], curve["reduced"], curve["non_finite"]) == (40, False, [])


def test_a_reduced_curve_keeps_its_extremes_and_says_of_how_many(
    client: TestClient, submit: Submit, worker: Any
) -> None:
    submit()
    job = worker.train()
    (curve,) = client.get(f"/api/v1/jobs/{job}/curves?metric=train_loss&max_points=8").json()[
        "items"
    ]
    assert curve["reduced"] is True
    assert curve["of"] == 40
    assert len(curve["steps"]) <= 10
    assert (max(curve["values"]), min(curve["values"])) == (1.0, 0.025)


def test_only_points_after_a_step(client: TestClient, submit: Submit, worker: Any) -> None:
    submit()
    job = worker.train()
    (curve,) = client.get(f"/api/v1/jobs/{job}/curves?metric=train_loss&after=37").json()["items"]
    assert curve["steps"] == [38, 39, 40]


def test_a_value_that_is_not_finite_is_null_and_said_so(
    client: TestClient, submit: Submit, worker: Any
) -> None:
    job = submit()["id"]
    claim = worker.claim()
    values = [1.0, float("nan"), 3.0, float("inf")]
    points = (
        Points(step=i, epoch=0.1, values={"train_loss": v}) for i, v in enumerate(values, start=1)
    )
    started = Started(
        step=0, total_steps=40, steps_per_epoch=20, device="cpu", threads=1, versions={}
    )
    worker.record(claim, started, *points)
    answer = client.get(f"/api/v1/jobs/{job}/curves")
    assert "NaN" not in answer.text
    (curve,) = answer.json()["items"]
    assert curve["values"] == [1.0, None, 3.0, None]
    assert curve["non_finite"] == [1, 3]
    assert client.get(f"/api/v1/jobs/{job}").json()["summary"]["train_loss"]["last"] is None
    exported = client.get("/api/v1/export?format=json").json()["items"][0]
    assert exported["curves"]["train_loss"]["values"] == [1.0, None, 3.0, None]


def test_curves_of_many_jobs_come_in_one_answer(
    client: TestClient, submit: Submit, worker: Any
) -> None:
    for seed in (1, 2):
        submit(seed=seed)
    first, second = worker.train(), worker.train({"seconds": 1.5})
    answer = client.get("/api/v1/curves", params={"job": [second, first]}).json()
    found = [(c["job"], c["metric"]) for c in answer["items"]]
    assert found == [(second, "train_loss"), (second, "seconds"), (first, "train_loss")]


def test_layers_show_what_was_kept(client: TestClient, submit: Submit, worker: Any) -> None:
    job = submit()["id"]
    assert client.get(f"/api/v1/jobs/{job}/layers").json() == {
        "step": None,
        "items": [],
        "next": None,
    }
    worker.train()
    answer = client.get(f"/api/v1/jobs/{job}/layers").json()
    assert answer["step"] == 40
    (row,) = answer["items"]
    assert (row["layer"], row["kept"], row["never_kept"], row["error"]) == ("fc1", 26, 0.25, 0.125)


def test_a_log_is_read_by_range(client: TestClient, submit: Submit, worker: Any) -> None:
    job = submit()["id"]
    assert client.get(f"/api/v1/jobs/{job}/log").json()["text"] == ""
    worker.train(log="one\ntwo\nthrée\n")
    whole = client.get(f"/api/v1/jobs/{job}/log").json()
    assert (whole["text"], whole["start"], whole["next"], whole["size"]) == (
        "one\ntwo\nthrée\n",
        0,
        14,
        14,
    )
    part = client.get(f"/api/v1/jobs/{job}/log?start=4&limit=3").json()
    assert (part["text"], part["next"]) == ("two", 7)
    assert client.get(f"/api/v1/jobs/{job}/log?start=-6").json()["text"] == "thrée\n"
    assert client.get(f"/api/v1/jobs/{job}/log?start=99").json()["text"] == ""


def test_checkpoints_are_listed_newest_first(
    client: TestClient, submit: Submit, worker: Any
) -> None:
    job = submit()["id"]
    claim = worker.claim()
    for step, best in ((10, True), (20, False)):
        worker.record(
            claim,
            CheckpointSaved(
                step=step, name=f"step-{step}.pt", size_bytes=9, sha256="0" * 64, best=best
            ),
        )
    items = client.get(f"/api/v1/jobs/{job}/checkpoints").json()["items"]
    assert [(c["step"], c["best"], c["attempt"]) for c in items] == [(20, False, 1), (10, True, 1)]
    assert "path" not in items[0]


def test_an_export_has_every_point(client: TestClient, submit: Submit, worker: Any) -> None:
    submit(name="a, b")
    job = worker.train({"seconds": 2.5})
    answer = client.get("/api/v1/export")
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == 41
    assert rows[0] == {
        "job": job, "name": "a, b", "model": "mlp", "dataset": "digits", "policy": "topk",
        "seed": "0", "metric": "train_loss", "step": "1", "value": "1.0",
    }  # fmt: skip
    one = client.get("/api/v1/export?metric=seconds&format=json").json()["items"][0]
    assert one["curves"] == {"seconds": {"steps": [40], "values": [2.5], "non_finite": []}}
    assert one["spec"]["model"]["name"] == "mlp"


def test_a_table_of_jobs_has_specs_by_path_and_summaries(
    client: TestClient, submit: Submit, worker: Any
) -> None:
    submit(seed=1)
    submit(seed=2, policy="exact", forward=1.0)
    worker.train({"seconds": 2.5})
    rows = list(csv.DictReader(io.StringIO(client.get("/api/v1/export?table=jobs").text)))
    assert [row["spec.seed"] for row in rows] == ["1", "2"]
    assert rows[0]["spec.approximation.0.policy.name"] == "topk"
    assert rows[0]["seconds.last"] == "2.5"
    assert rows[1]["seconds.last"] == ""
    assert rows[0]["state"] == "succeeded"
    as_json = client.get("/api/v1/export?table=jobs&format=json").json()
    assert [job["seed"] for job in as_json["items"]] == [1, 2]


def test_an_export_takes_the_jobs_named_alone(
    client: TestClient, submit: Submit, worker: Any
) -> None:
    first, _ = submit(seed=1)["id"], submit(seed=2)["id"]
    items = client.get(f"/api/v1/export?job={first}&format=json").json()["items"]
    assert [job["id"] for job in items] == [first]


def test_an_export_takes_what_a_list_would_show(
    client: TestClient, submit: Submit, worker: Any
) -> None:
    submit(seed=1, name="first try")
    submit(seed=2, name="second try")
    worker.train()

    def seeds(query: str) -> list[str]:
        text = client.get(f"/api/v1/export?table=jobs&{query}").text
        return [row["spec.seed"] for row in csv.DictReader(io.StringIO(text))]

    assert seeds("text=TRY") == ["1", "2"]
    assert seeds("text=second") == ["2"]
    assert seeds("state=succeeded") == ["1"]
    assert seeds("text=second&state=succeeded") == []


def test_an_export_of_a_sweep_without_jobs_has_none(
    client: TestClient, submit: Submit, worker: Any
) -> None:
    submit(seed=7)
    base = client.get("/api/v1/jobs").json()["items"][0]["spec"]
    made = client.post("/api/v1/sweeps", json={"base": base, "axes": {"seed": [1]}}).json()
    assert client.delete(f"/api/v1/jobs/{made['jobs'][0]}").status_code == 204
    items = client.get(f"/api/v1/export?sweep={made['id']}&format=json").json()["items"]
    assert items == []


def test_a_comparison_groups_seeds_and_measures_against_exact(
    client: TestClient, submit: Submit, worker: Any
) -> None:
    made = []
    for policy, forward, accuracies in (("exact", 1.0, (0.9, 0.92)), ("topk", 0.5, (0.88, 0.9))):
        for seed, accuracy in enumerate(accuracies):
            submit(policy=policy, forward=forward, seed=seed)
            reduction = 0.0 if policy == "exact" else 0.5
            made.append(
                worker.train(
                    {
                        "best_test_accuracy": accuracy,
                        "compute_reduction": reduction,
                        "seconds": 2.0 if policy == "exact" else 1.0,
                    }
                )
            )
    found = client.get("/api/v1/comparison", params={"job": made, "y": "test_accuracy"}).json()
    assert (found["x"], found["y"], found["better"]) == (
        "compute_reduction",
        "best_test_accuracy",
        "higher",
    )
    by_policy = {group["policy"]: group for group in found["groups"]}
    exact, topk = by_policy["exact"], by_policy["topk"]
    assert exact["is_baseline"]
    assert exact["key"] == found["baseline"]
    assert exact["delta_y"] is None
    assert topk["n"] == 2
    assert round(topk["y"]["mean"], 6) == 0.89
    assert round(topk["y"]["std"], 6) == 0.014142
    assert round(topk["delta_y"]["mean"], 6) == -0.02
    assert topk["seconds_ratio"] == 0.5
    assert topk["is_pareto"]
    assert exact["is_pareto"]
    assert {m["job"] for m in topk["members"]} == set(made[2:])
    assert exact["evidence"] is None
    evidence = topk["evidence"]
    assert (evidence["verdict"], evidence["says"], evidence["n"]) == ("worse", "worse", 2)
    assert round(evidence["margin"], 9) == 0.002
    params = {"job": made, "margin": 5, "y": "seconds"}
    relative = client.get("/api/v1/comparison", params=params).json()
    assert relative["margin"] == {"value": 5, "is_relative": True}
    saved = client.get("/api/v1/comparison", params={"job": made, "x": "time_saved"}).json()
    assert {g["policy"]: g["x"]["mean"] for g in saved["groups"]} == {"exact": 0.0, "topk": 0.5}
