"""Pause, resume, retry with more time, clone; and the queue that they change."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from api.main import create_app
from api.settings import Settings
from crs_core.events import CheckpointSaved, Points, Started
from store import shares, slots, workers
from store.attempts import Outcome
from store.session import Database
from store.tables import Attempt, Owner
from tests.api.lab import BASE, Lab

Spec = Callable[..., dict[str, Any]]
Submit = Callable[..., dict[str, Any]]
JOBS = "/api/v1/jobs"
STARTED = Started(
    step=0, total_steps=40, steps_per_epoch=20, device="cpu", threads=1, versions={"torch": "2"}
)


def asked(client: TestClient, job_id: str, what: str, **body: Any) -> dict[str, Any]:
    answer = client.post(f"{JOBS}/{job_id}/{what}", json=body or None)
    assert answer.status_code == 202, answer.text
    job: dict[str, Any] = answer.json()
    return job


def refused(client: TestClient, job_id: str, what: str, **body: Any) -> str:
    answer = client.post(f"{JOBS}/{job_id}/{what}", json=body or None)
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    detail: str = answer.json()["detail"]
    return detail


def test_a_running_job_is_paused_and_resumed_and_both_may_be_said_twice(
    client: TestClient, submit: Submit, worker: Any
) -> None:
    job_id = submit()["id"]
    claim = worker.claim()
    for _ in range(2):
        job = asked(client, job_id, "pause")
        assert (job["state"], job["wish"]) == ("running", "pause")
    worker.finish(claim, Outcome.PAUSED)
    assert asked(client, job_id, "pause")["state"] == "paused"
    for _ in range(2):
        assert asked(client, job_id, "resume")["state"] == "queued"
    assert worker.claim().number == 2
    assert asked(client, job_id, "resume")["state"] == "running"


def test_a_pause_can_be_taken_back_before_it_has_happened(
    client: TestClient, submit: Submit, worker: Any
) -> None:
    job_id = submit()["id"]
    worker.claim()
    asked(client, job_id, "pause")
    assert asked(client, job_id, "resume")["wish"] is None


def test_what_cannot_be_paused_or_resumed_gets_409_saying_why(
    client: TestClient, submit: Submit, worker: Any
) -> None:
    job_id = submit()["id"]
    assert refused(client, job_id, "pause") == "the job is queued; only a running job can be paused"
    worker.train()
    assert "the job is succeeded; only a running job" in refused(client, job_id, "pause")
    assert refused(client, job_id, "resume") == "the job is succeeded, not paused"
    other = submit()["id"]
    asked(client, other, "cancel")
    assert "not paused; retry it instead" in refused(client, other, "resume")


@pytest.mark.parametrize("call", ["pause", "resume", "clone"])
def test_a_job_that_is_not_there_gets_404(client: TestClient, call: str) -> None:
    assert client.post(f"{JOBS}/no-such/{call}").status_code == 404


def test_a_clone_is_a_new_job_of_the_same_spec_name_tags_and_priority(
    client: TestClient, submit: Submit, worker: Any
) -> None:
    first = submit(name="first", tags=["paper", "a"])
    client.patch(f"{JOBS}/{first['id']}", json={"priority": 4, "notes": "mine"})
    worker.train()
    made = asked(client, first["id"], "clone")
    assert made["id"] != first["id"]
    same = ("spec", "name", "planned_compute_reduction")
    assert {key: made[key] for key in same} == {key: first[key] for key in same}
    assert (sorted(made["tags"]), made["priority"], made["notes"]) == (["a", "paper"], 4, "")
    assert (made["state"], made["sweep_id"], made["attempts"]) == ("queued", None, [])
    assert made["progress"]["of"] == 42
    assert client.get(f"{JOBS}/{first['id']}").json()["state"] == "succeeded"


def test_a_clone_may_differ(client: TestClient, submit: Submit) -> None:
    first = submit(name="first", tags=["a"])
    made = asked(
        client, first["id"], "clone", name="second", tags=[], priority=-1,
        changes={"seed": 9, "training.epochs": 4, "approximation.0.forward": 0.1},
    )  # fmt: skip
    assert (made["name"], made["tags"], made["priority"], made["seed"]) == ("second", [], -1, 9)
    assert made["spec"]["approximation"][0]["forward"] == 0.1
    assert made["progress"]["of"] == 84
    assert made["planned_compute_reduction"] > first["planned_compute_reduction"]


def test_the_same_key_makes_one_clone(client: TestClient, submit: Submit) -> None:
    first = submit()["id"]
    key = {"Idempotency-Key": "c-1"}
    one, again = (client.post(f"{JOBS}/{first}/clone", headers=key) for _ in range(2))
    assert one.json()["id"] == again.json()["id"] != first
    assert again.headers["idempotent-replayed"] == "true"
    assert one.headers["location"] == f"{JOBS}/{one.json()['id']}"
    other = client.post(f"{JOBS}/{first}/clone", headers=key, json={"name": "another"})
    assert other.status_code == 422


@pytest.mark.parametrize(
    ("changes", "loc", "words"),
    [
        ({"seed": -1}, "seed", "at least 0"),
        ({"modell.name": "mlp"}, "modell", "not known"),
        ({"approximation.7.forward": 0.5}, "approximation.7.forward", "there is no position 7"),
    ],
)
def test_changes_that_make_no_spec_are_named(
    client: TestClient, submit: Submit, changes: dict[str, Any], loc: str, words: str
) -> None:
    job_id = submit()["id"]
    answer = client.post(f"{JOBS}/{job_id}/clone", json={"changes": changes})
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["loc"] == loc
    assert words in error["msg"]


def test_a_job_that_used_up_its_time_is_retried_with_more(
    client: TestClient, submit: Submit, worker: Any, database: Database
) -> None:
    job_id = submit(resources={"wall_time_s": 60})["id"]
    claim = worker.claim()
    saved = CheckpointSaved(step=20, name="step-20.pt", size_bytes=1, sha256="0" * 64, best=False)
    worker.record(claim, STARTED, saved)
    with database.write() as session:
        session.get_one(Attempt, claim.attempt_id).started_at -= 61
    worker.finish(claim, Outcome.FAILED, kind="wall_time", message="m")
    assert client.get(f"{JOBS}/{job_id}/checkpoints").json()["items"][0]["step"] == 20
    assert "retry it with a larger wall_time_s" in refused(client, job_id, "retry")
    assert "retry it with a larger wall_time_s" in refused(client, job_id, "retry", wall_time_s=50)
    job = asked(client, job_id, "retry", wall_time_s=120)
    assert (job["state"], job["spec"]["resources"]["wall_time_s"]) == ("queued", 120)
    for wrong in (0, -1, 1e9):
        answer = client.post(f"{JOBS}/{job_id}/retry", json={"wall_time_s": wrong})
        assert answer.status_code == 422


def test_the_queue_says_about_when_a_job_starts_and_what_it_waits_for(
    client: TestClient, submit: Submit, worker: Any
) -> None:
    submit()
    claim = worker.claim()
    submit(seed=2)
    submit(seed=3, resources={"devices": 8})
    unknown, unfit = client.get("/api/v1/queue").json()["items"]
    assert (unknown["starts_at"], unknown["waits_for"]) == (None, None)
    assert (unfit["starts_at"], unfit["waits_for"]) == (None, "a worker that owns 8 devices")
    worker.record(
        claim, STARTED, Points(step=10, epoch=0.5, values={"train_loss": 1, "steps_per_s": 0.001})
    )
    known, _ = client.get("/api/v1/queue").json()["items"]
    from_now = datetime.fromisoformat(known["starts_at"]) - datetime.now(UTC)
    assert from_now.total_seconds() == pytest.approx(30_000, abs=100)


def test_workers_tell_what_their_devices_are(client: TestClient, database: Database) -> None:
    h100 = slots.Device("NVIDIA H100 80GB HBM3", 85_520_809_984)
    with database.write() as session:
        workers.register(
            session,
            workers.NewWorker("w", "h", 1, "cuda", ["0", "1"], 8, hardware=[h100, slots.Device()]),
        )
    (shown,) = client.get("/api/v1/workers").json()["items"]
    assert shown["hardware"] == [
        {"name": "NVIDIA H100 80GB HBM3", "memory_bytes": 85_520_809_984},
        {"name": None, "memory_bytes": None},
    ]


def test_the_rules_of_the_api_hold_for_all_who_claim(
    settings: Settings, database: Database, spec: Spec, worker: Any
) -> None:
    said = settings.model_copy(
        update={"max_running": 1, "half_life_s": 100.0, "preempt_after_s": 5.0}
    )
    with TestClient(create_app(said), base_url=BASE) as client:
        for seed in range(2):
            client.post(JOBS, json={"spec": spec(seed=seed)})
        worker.claim()
        (waiting,) = client.get("/api/v1/queue").json()["items"]
        assert waiting["waits_for"].startswith("the end of a job of local: 1 run, and at most 1")
    with database.read() as session:
        assert shares.rules(session) == shares.Rules(100, 1, 5)
    with database.write() as session:
        session.scalars(select(Owner)).one().max_running = 3
    with TestClient(create_app(settings), base_url=BASE) as client:
        client.get("/api/v1/queue")
    with database.read() as session:
        assert shares.rules(session) == shares.Rules(), "what is not set any more does not hold"


@pytest.mark.parametrize("lab", [{"max_priority": 40}], indirect=True)
def test_a_user_goes_up_to_the_highest_priority_and_an_admin_beyond(lab: Lab, spec: Spec) -> None:
    ada, root = lab.user("ada"), lab.user("root", "admin")
    job = {"spec": spec()}
    sweep = {"base": spec(), "axes": {"seed": [1, 2]}}
    for path, body in ((JOBS, job), ("/api/v1/sweeps", sweep)):
        answer = ada.post(path, json=body | {"priority": 41})
        assert answer.status_code == 422
        assert answer.json()["errors"] == [
            {
                "loc": "priority",
                "msg": "this must be at most 40, got 41; an admin may give a job more",
            }
        ]
    assert lab.jobs() == {}
    for who, priority in ((ada, 40), (ada, -1000), (root, 1000)):
        for path, body in ((JOBS, job), ("/api/v1/sweeps", sweep)):
            assert who.post(path, json=body | {"priority": priority}).status_code == 201


@pytest.mark.parametrize("lab", [{"max_priority": 40}], indirect=True)
def test_what_an_admin_raised_a_user_may_lower_but_not_raise_or_copy(lab: Lab, spec: Spec) -> None:
    ada, root = lab.user("ada"), lab.user("root", "admin")
    url = f"{JOBS}/{ada.post(JOBS, json={'spec': spec()}).json()['id']}"
    assert ada.patch(url, json={"priority": 41}).status_code == 422
    assert root.patch(url, json={"priority": 500}).status_code == 200
    assert ada.patch(url, json={"priority": 501}).status_code == 422
    assert ada.patch(url, json={"priority": 500, "name": "mine"}).status_code == 200
    assert ada.post(f"{url}/clone", json={"priority": 41}).status_code == 422
    assert ada.post(f"{url}/clone").json()["priority"] == 40
    assert root.post(f"{url}/clone").json()["priority"] == 500
    assert ada.patch(url, json={"priority": 300}).json()["priority"] == 300


def test_our_own_reproduction_may_be_asked_for_by_a_user() -> None:
    from colrow.reproduction.experiments import EXPERIMENTS

    most = Settings.model_fields["max_priority"].default
    assert all(-1000 <= one.priority <= most for one in EXPERIMENTS.values())
