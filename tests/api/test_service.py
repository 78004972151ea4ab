from collections.abc import Callable
from typing import Any, get_args

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import exc, text

from api.main import create_app
from api.settings import Settings
from crs_core.events import METRICS
from crs_core.spec import (
    DatasetName,
    JobSpec,
    ModelName,
    PolicyName,
    Rule,
    StudySpec,
    Training,
    parse_any,
)
from store import jobs
from store.session import Database
from tests.read_only import read_only

once = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
Spec = Callable[..., dict[str, Any]]
Submit = Callable[..., dict[str, Any]]


@once
def test_the_catalog_names_everything_that_a_spec_can(client: TestClient, worker: Any) -> None:
    catalog = client.get("/api/v1/catalog").json()

    def names(part: str) -> list[str]:
        return [choice["name"] for choice in catalog[part]]

    assert names("models") == list(get_args(ModelName))
    assert names("datasets") == list(get_args(DatasetName))
    assert names("policies") == list(get_args(PolicyName))
    assert names("optimizers") == ["sgd", "momentum", "adam", "adamw"]
    assert names("schedules") == ["constant", "step", "exponential", "cosine", "linear"]
    assert names("metrics") == list(METRICS)
    mlp = catalog["models"][0]
    assert mlp["layers"] == ["fc1", "fc2", "fc3"]
    assert mlp["parameters"]["properties"]["hidden"]["default"] == [500, 500]
    assert "name" not in mlp["parameters"]["properties"]
    digits, mnist, *_ = catalog["datasets"]
    assert (digits["workers"], mnist["workers"]) == (["host-1/0"], [])
    assert (digits["input_shape"], mnist["train"]) == ([1, 8, 8], 60_000)
    by_policy = {policy["name"]: policy for policy in catalog["policies"]}
    assert set(by_policy["uniform"]["parameters"]["properties"]) == {"replacement", "scaled"}
    assert set(by_policy["topk"]["parameters"]["properties"]) == {
        "exploration", "refresh_every", "coverage",
    }  # fmt: skip
    assert by_policy["exact"]["parameters"]["properties"] == {}
    assert all(
        choice["summary"]
        for part in ("models", "policies", "optimizers", "schedules")
        for choice in catalog[part]
    )


@once
def test_a_worker_that_is_gone_is_forgotten(
    client: TestClient, worker: Any, database: Database
) -> None:
    def forget(name: str) -> Any:
        return client.delete("/api/v1/workers", params={"name": name})

    lives = forget("host-1/0")
    assert (lives.status_code, "stop it first" in lives.json()["detail"]) == (409, True)
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE workers SET seen_at = seen_at - 600"))
    assert client.get("/api/v1/workers").json()["items"][0]["state"] == "lost"
    assert forget("host-1/0").status_code == 204
    assert client.get("/api/v1/workers").json()["items"] == []
    told = forget("host-1/0").json()["detail"]
    assert told == "there is no worker 'host-1/0'; GET /api/v1/workers lists those there are"


@once
def test_the_catalog_holds_the_schema_of_every_spec_for_forms(client: TestClient) -> None:
    catalog = client.get("/api/v1/catalog").json()
    assert set(catalog["study"]["properties"]) == set(StudySpec.model_fields)
    schema = catalog["spec"]
    assert set(schema["properties"]) == set(JobSpec.model_fields)
    assert set(schema["$defs"]["Rule"]["properties"]) == set(Rule.model_fields)
    assert set(schema["$defs"]["Training"]["properties"]) == set(Training.model_fields)


@once
def test_every_preset_can_be_planned(client: TestClient) -> None:
    presets = client.get("/api/v1/catalog").json()["presets"]
    assert {preset["spec"]["kind"] for preset in presets} == {"training", "matmul_error"}
    for preset in presets:
        parse_any(preset["spec"])
        answer = client.post("/api/v1/plan", json={"spec": preset["spec"]})
        assert answer.status_code == 200, preset["name"]


def test_workers_tell_what_they_are_and_do(client: TestClient, submit: Submit, worker: Any) -> None:
    (idle,) = client.get("/api/v1/workers").json()["items"]
    assert (idle["name"], idle["state"], idle["job"]) == ("host-1/0", "idle", None)
    assert (idle["devices"], idle["datasets"], idle["threads"]) == (["cpu"], ["digits"], 1)
    job = submit()["id"]
    worker.claim()
    (busy,) = client.get("/api/v1/workers").json()["items"]
    assert (busy["job"], busy["attempt"]) == (job, 1)


def test_a_worker_without_heartbeat_is_lost(
    client: TestClient, database: Database, worker: Any
) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE workers SET seen_at = seen_at - 100"))
    assert client.get("/api/v1/workers").json()["items"][0]["state"] == "lost"


def test_the_queue_is_in_the_order_of_starting_and_paged(
    client: TestClient, submit: Submit
) -> None:
    made = [submit(name=str(i))["id"] for i in range(5)]
    client.patch(f"/api/v1/jobs/{made[4]}", json={"priority": 1})
    order = [made[4], *made[:4]]
    first = client.get("/api/v1/queue?limit=3").json()
    rest = client.get(f"/api/v1/queue?limit=3&cursor={first['next']}").json()
    assert [q["job"] for q in first["items"] + rest["items"]] == order
    assert [q["position"] for q in first["items"] + rest["items"]] == [1, 2, 3, 4, 5]
    assert rest["next"] is None


@once
def test_the_service_is_alive_and_degraded_without_a_broker(client: TestClient) -> None:
    assert client.get("/healthz").json()["status"] == "ok"
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["status"] == "degraded"
    assert (ready.json()["database"], ready.json()["broker"]) == ("ok", "down")


@pytest.mark.parametrize(
    ("version", "said"), [("9999", "written by a newer Colrow"), ("0000", "colrow db upgrade")]
)
def test_a_database_of_another_schema_gets_503_and_what_to_do(
    settings: Settings, database: Database, version: str, said: str
) -> None:
    with database.engine.begin() as connection:
        kept = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        connection.execute(text("UPDATE alembic_version SET version_num = :v"), {"v": version})
    try:
        with TestClient(create_app(settings), base_url="http://127.0.0.1") as client:
            for path in ("/readyz", "/api/v1/jobs", "/api/v1/events", "/metrics"):
                answer = client.get(path)
                assert answer.status_code == 503, path
                assert answer.headers["content-type"] == "application/problem+json"
                assert said in answer.json()["detail"]
            assert client.get("/healthz").status_code == 200
    finally:
        with database.engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :v"), {"v": kept})


@once
def test_a_database_that_does_not_answer_gets_503(settings: Settings, spec: Spec) -> None:
    nowhere = "postgresql+psycopg://postgres@127.0.0.1:9/nothing"
    gone = settings.model_copy(update={"database_url": nowhere})
    with TestClient(create_app(gone), base_url="http://127.0.0.1") as client:
        for path in ("/readyz", "/api/v1/jobs", "/api/v1/events"):
            answer = client.get(path)
            assert answer.status_code == 503
            assert answer.json()["type"] == "urn:colrow:problem:database"
        answer = client.post("/api/v1/jobs", json={"spec": spec()})
        assert answer.status_code == 503
        assert client.get("/healthz").status_code == 200


@once
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (exc.DataError, 500),
        (exc.ProgrammingError, 500),
        (exc.IntegrityError, 500),
        (exc.OperationalError, 503),
        (exc.InterfaceError, 503),
    ],
)
def test_an_error_of_the_database_that_is_our_making_is_a_defect(
    client: TestClient,
    monkeypatch: pytest.MonkeyPatch,
    error: type[exc.DBAPIError],
    status: int,
) -> None:
    def fail(*_args: Any, **_named: Any) -> None:
        raise error("SELECT", {}, Exception("of the driver"))

    monkeypatch.setattr(jobs, "list_jobs", fail)
    answer = client.get("/api/v1/jobs")
    assert answer.status_code == status
    assert ("does not answer" in answer.json()["detail"]) == (status == 503)


@pytest.mark.parametrize(
    "database_url",
    [pytest.param("postgresql", marks=pytest.mark.needs("postgresql"))],
    indirect=True,
)
def test_a_server_that_only_reads_gets_503_and_reading_goes_on(
    client: TestClient, database_url: str, spec: Spec
) -> None:
    assert client.get("/api/v1/jobs").status_code == 200
    with read_only(database_url):
        assert client.get("/api/v1/jobs").status_code == 200
        answer = client.post("/api/v1/jobs", json={"spec": spec()})
        assert answer.status_code == 503
        assert answer.json()["type"] == "urn:colrow:problem:database"
    assert client.post("/api/v1/jobs", json={"spec": spec()}).status_code == 201


@once
def test_a_pool_without_a_free_connection_gets_503(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: Any, **_named: Any) -> None:
        raise exc.TimeoutError("QueuePool limit of size 4 overflow 5 reached")

    monkeypatch.setattr(jobs, "list_jobs", fail)
    assert client.get("/api/v1/jobs").status_code == 503


def test_metrics_count_requests_by_route_and_jobs_by_state(
    client: TestClient, submit: Submit
) -> None:
    job = submit()["id"]
    client.get(f"/api/v1/jobs/{job}")
    text_of = client.get("/metrics").text
    assert 'colrow_jobs{state="queued"} 1.0' in text_of
    assert 'colrow_jobs{state="running"} 0.0' in text_of
    assert 'colrow_requests_total{method="GET",route="/jobs/{id}",status="200"} 1.0' in text_of
    assert job not in text_of


@once
def test_a_defect_is_answered_as_a_problem_without_its_insides(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("secret inside")

    monkeypatch.setattr("store.jobs.list_jobs", broken)
    answer = client.get("/api/v1/jobs")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text
