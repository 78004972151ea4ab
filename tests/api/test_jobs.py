import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.settings import Settings
from store import jobs, place
from store.attempts import Outcome
from store.files import Folder
from store.session import Database

Spec = Callable[..., dict[str, Any]]
Submit = Callable[..., dict[str, Any]]


def ids(client: TestClient, query: str = "") -> list[str]:
    answer = client.get(f"/api/v1/jobs?{query}")
    assert answer.status_code == 200, answer.text
    return [job["id"] for job in answer.json()["items"]]


def test_a_job_is_there_when_its_submission_is_answered(client: TestClient, spec: Spec) -> None:
    body = {"spec": spec(seed=7), "name": "first", "tags": ["paper", "a"], "priority": 3}
    answer = client.post("/api/v1/jobs", json=body)
    assert answer.status_code == 201
    job = answer.json()
    assert answer.headers["location"] == f"/api/v1/jobs/{job['id']}"
    assert client.get(answer.headers["location"]).json() == job
    assert (job["state"], job["name"], job["priority"], job["owner"]) == (
        "queued",
        "first",
        3,
        "local",
    )
    assert sorted(job["tags"]) == ["a", "paper"]
    assert (job["model"], job["dataset"], job["policy"], job["seed"]) == (
        "mlp",
        "digits",
        "topk",
        7,
    )
    assert job["queue_position"] == 1
    assert job["spec"]["training"]["batch_size"] == 50
    assert job["progress"] == {"step": 0, "of": 42, "epoch": 0.0} | {
        "steps_per_s": None,
        "eta_s": None,
    }
    assert 0 < job["planned_compute_reduction"] < 0.6
    assert job["attempts"] == []
    assert job["summary"] == {}
    assert job["created_at"].endswith("Z")
    assert datetime.fromisoformat(job["created_at"]).utcoffset() is not None


def test_the_same_key_and_body_give_the_same_job(client: TestClient, spec: Spec) -> None:
    body = {"spec": spec(), "name": "once"}
    headers = {"Idempotency-Key": "k-1"}
    first = client.post("/api/v1/jobs", json=body, headers=headers)
    second = client.post("/api/v1/jobs", json=body, headers=headers)
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json()["id"] == first.json()["id"]
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert len(ids(client)) == 1


def test_the_same_key_and_another_body_get_422(client: TestClient, spec: Spec) -> None:
    headers = {"Idempotency-Key": "k-1"}
    assert client.post("/api/v1/jobs", json={"spec": spec()}, headers=headers).status_code == 201
    other = client.post("/api/v1/jobs", json={"spec": spec(seed=2)}, headers=headers)
    assert other.status_code == 422
    assert other.json()["type"] == "urn:colrow:problem:idempotency"
    assert len(ids(client)) == 1


def test_the_key_of_a_deleted_job_gets_410(client: TestClient, spec: Spec) -> None:
    body, headers = {"spec": spec()}, {"Idempotency-Key": "k-1"}
    made = client.post("/api/v1/jobs", json=body, headers=headers).json()["id"]
    assert client.delete(f"/api/v1/jobs/{made}").status_code == 204
    again = client.post("/api/v1/jobs", json=body, headers=headers)
    assert again.status_code == 410
    assert again.json()["type"] == "urn:colrow:problem:deleted"
    assert ids(client) == []


def test_twins_sent_at_once_make_one_job(client: TestClient, spec: Spec) -> None:
    made: list[str] = []

    def send() -> None:
        answer = client.post(
            "/api/v1/jobs", json={"spec": spec()}, headers={"Idempotency-Key": "twins"}
        )
        made.append(answer.json()["id"])

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 6
    assert len(set(made)) == 1
    assert len(ids(client)) == 1


def test_a_broker_that_is_down_does_not_keep_a_job_from_being_taken(
    settings: Settings, spec: Spec, tmp_path: Any
) -> None:
    from api.main import create_app

    down = settings.model_copy(
        update={"broker_url": f"redis+socket://{tmp_path}/nobody.sock?virtual_host=0"}
    )
    with TestClient(create_app(down), base_url="http://127.0.0.1:8750") as client:
        assert client.post("/api/v1/jobs", json={"spec": spec()}).status_code == 201
        assert client.get("/readyz").json()["status"] == "degraded"
        assert len(ids(client)) == 1


def test_filters_find_what_they_name(client: TestClient, submit: Submit) -> None:
    topk = submit(name="Alpha run", tags=["paper"])["id"]
    nps = submit(policy="nps", name="beta", tags=["other"])["id"]
    exact = submit(policy="exact", forward=1.0, name="gamma")["id"]
    assert ids(client) == [exact, nps, topk]
    assert ids(client, "policy=nps") == [nps]
    assert ids(client, "policy=nps&policy=topk") == [nps, topk]
    assert ids(client, "tag=paper") == [topk]
    assert ids(client, f"job={topk}&job={exact}&job=gone") == [exact, topk]
    assert ids(client, "job=gone") == []
    assert ids(client, "text=ALPHA") == [topk]
    assert ids(client, f"text={nps[-8:]}") == [nps]
    assert ids(client, "model=mlp&dataset=digits&owner=local&state=queued") == [exact, nps, topk]
    assert ids(client, "model=cnn") == []
    assert ids(client, "state=running") == []


def test_pages_give_every_job_once(client: TestClient, submit: Submit) -> None:
    made = [submit(name=f"n{i}")["id"] for i in range(7)]
    found: list[str] = []
    cursor = None
    for _ in range(4):
        query = {"limit": 3, "sort": "created_at"} | ({"cursor": cursor} if cursor else {})
        page = client.get("/api/v1/jobs", params=query).json()
        found += [job["id"] for job in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert found == made


def test_jobs_are_sorted_by_a_metric_and_show_the_chosen_columns(
    client: TestClient, submit: Submit, worker: Any
) -> None:
    first, second = submit(seed=1)["id"], submit(seed=2)["id"]
    worker.train({"best_test_accuracy": 0.8, "seconds": 2.0})
    worker.train({"best_test_accuracy": 0.9, "seconds": 3.0})
    assert ids(client, "sort=-best_test_accuracy") == [second, first]
    assert ids(client, "sort=best_test_accuracy") == [first, second]
    page = client.get("/api/v1/jobs?columns=seconds&sort=created_at").json()
    assert page["items"][0]["spec"] is None
    assert list(page["items"][0]["summary"]) == ["seconds"]
    assert page["items"][0]["summary"]["seconds"]["last"] == 2.0
    with_spec = client.get("/api/v1/jobs?columns=spec").json()["items"][0]
    assert with_spec["spec"]["seed"] == 2
    assert with_spec["summary"] == {}


def test_a_trained_job_tells_its_summary_and_attempts(
    client: TestClient, submit: Submit, worker: Any
) -> None:
    submit()
    job_id = worker.train({"validation_accuracy": 0.9, "test_accuracy": 0.8})
    job = client.get(f"/api/v1/jobs/{job_id}").json()
    assert job["state"] == "succeeded"
    assert job["progress"]["step"] == 40
    assert job["progress"]["epoch"] == 2.0
    assert job["summary"]["train_loss"]["best"] == 1 / 40
    assert job["summary"]["test_accuracy"]["at_best_validation"] == 0.8
    (attempt,) = job["attempts"]
    assert (attempt["number"], attempt["state"], attempt["worker"]) == (1, "succeeded", "host-1/0")
    assert (attempt["device"], attempt["device_name"], attempt["device_count"]) == (
        "cpu",
        "Quick 9000",
        1,
    )
    assert (attempt["versions"], attempt["git_revision"]) == ({"torch": "2"}, "a" * 40)
    assert attempt["environment"]["MKL_DYNAMIC"] == "FALSE"
    assert attempt["shared"] is False
    assert (job["device"], job["time_caveat"]) == ("Quick 9000, 1 thread", None)
    assert attempt["finished_at"] is not None
    assert job["queue_position"] is None


def test_a_failed_job_says_why_and_can_be_tried_again(
    client: TestClient, submit: Submit, worker: Any
) -> None:
    job_id = submit()["id"]
    why = "the loss is nan at step 3; lower training.optimizer.lr"
    worker.finish(worker.claim(), Outcome.FAILED, kind="diverged", message=why)
    job = client.get(f"/api/v1/jobs/{job_id}").json()
    assert (job["state"], job["reason"]) == ("failed", {"kind": "diverged", "message": why})
    again = client.post(f"/api/v1/jobs/{job_id}/retry")
    assert again.status_code == 202
    assert again.json()["state"] == "queued"


def test_cancel_is_taken_at_once_and_may_be_said_twice(client: TestClient, submit: Submit) -> None:
    job_id = submit()["id"]
    for _ in range(2):
        answer = client.post(f"/api/v1/jobs/{job_id}/cancel")
        assert answer.status_code == 202
        assert answer.json()["state"] == "cancelled"


def test_a_running_job_that_is_cancelled_shows_the_wish(
    client: TestClient, submit: Submit, worker: Any
) -> None:
    job_id = submit()["id"]
    worker.claim()
    job = client.post(f"/api/v1/jobs/{job_id}/cancel").json()
    assert (job["state"], job["wish"]) == ("running", "cancel")


@pytest.mark.parametrize("call", ["cancel", "retry"])
def test_a_transition_that_cannot_be_gets_409_saying_why(
    client: TestClient, submit: Submit, worker: Any, call: str
) -> None:
    submit()
    job_id = worker.train()
    answer = client.post(f"/api/v1/jobs/{job_id}/{call}")
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:colrow:problem:conflict"
    assert "succeeded" in answer.json()["detail"]


def test_name_tags_notes_and_priority_may_change(client: TestClient, submit: Submit) -> None:
    first, second = submit()["id"], submit()["id"]
    change = {"name": "new", "tags": ["x"], "notes": "look again", "priority": 5}
    job = client.patch(f"/api/v1/jobs/{second}", json=change).json()
    assert {key: job[key] for key in change} == change
    assert job["queue_position"] == 1
    queue = client.get("/api/v1/queue").json()["items"]
    assert [(q["position"], q["job"]) for q in queue] == [(1, second), (2, first)]
    assert client.patch(f"/api/v1/jobs/{second}", json={"state": "succeeded"}).status_code == 422
    assert client.patch(f"/api/v1/jobs/{second}", json={"name": "last"}).json()["tags"] == ["x"]


def test_a_deleted_job_is_gone_with_its_folder(
    client: TestClient, submit: Submit, worker: Any, settings: Settings
) -> None:
    submit()
    job_id = worker.train(log="hello")
    assert settings.home is not None
    place.settle(worker.database, Folder(settings.home, is_home=True))
    folder = settings.home / "jobs" / job_id / "a1"
    folder.mkdir(parents=True)
    (folder / "step-40.pt").write_bytes(b"x")
    assert client.delete(f"/api/v1/jobs/{job_id}").status_code == 204
    assert client.get(f"/api/v1/jobs/{job_id}").status_code == 404
    assert not folder.parent.exists()
    assert (settings.home / "jobs").exists()


def test_a_running_job_cannot_be_deleted(client: TestClient, submit: Submit, worker: Any) -> None:
    job_id = submit()["id"]
    worker.claim()
    answer = client.delete(f"/api/v1/jobs/{job_id}")
    assert answer.status_code == 409
    assert "running" in answer.json()["detail"]


def test_a_job_whose_stored_spec_is_none_any_more_is_shown_as_it_was_stored(
    client: TestClient, database: Database, submit: Submit
) -> None:
    job = submit(name="old")
    outdated = job["spec"] | {"model": {"name": "perceptron"}}
    with database.write() as session:
        jobs.lock(session, job["id"]).spec = outdated
    assert client.get("/api/v1/jobs").json()["items"][0]["spec"] == outdated
    shown = client.get(f"/api/v1/jobs/{job['id']}").json()
    assert (shown["spec"], shown["model"]) == (outdated, "perceptron")
