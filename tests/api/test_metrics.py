"""What Prometheus reads: every number with its unit, and nothing that is not known."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import event, text

from crs_core.events import Points, Started
from store import attempts, sweeper, workers
from store.attempts import Outcome
from store.session import Database
from store.tables import Attempt, Job
from store.workers import DeviceUse, NewWorker

Submit = Callable[..., dict[str, Any]]
once = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class Scrape:
    """The samples of one answer, by name and labels."""

    def __init__(self, client: TestClient) -> None:
        answer = client.get("/metrics")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain; version=")
        self.families = {f.name: f for f in text_string_to_metric_families(answer.text)}
        self.samples = {
            (s.name, *sorted(s.labels.items())): s.value
            for f in self.families.values()
            for s in f.samples
        }

    def __call__(self, name: str, /, **labels: str) -> float | None:
        return self.samples.get((name, *sorted(labels.items())))

    def labels(self, name: str) -> list[dict[str, str]]:
        return [dict(labels) for found, *labels in self.samples if found == name]  # type: ignore[misc]


def test_every_family_has_a_name_with_our_prefix_a_type_and_help(
    client: TestClient, worker: Any
) -> None:
    families = Scrape(client).families
    ours = {name for name in families if name.startswith("colrow_")}
    assert ours == set(families)
    for name, family in families.items():
        assert family.documentation, name
        assert family.type in ("gauge", "counter", "histogram"), name
        if "seconds" in name or "bytes" in name or "ratio" in name:
            assert name.endswith(("_seconds", "_bytes", "_ratio")), name
    assert families["colrow_points_written"].type == "counter"
    assert families["colrow_job_wait_seconds"].type == "histogram"


def test_the_queue_is_told_by_kind_with_the_longest_wait(
    client: TestClient, submit: Submit, database: Database
) -> None:
    scrape = Scrape(client)
    assert scrape("colrow_queued_jobs", kind="any") == 0
    assert scrape.labels("colrow_queue_oldest_wait_seconds") == []
    submit()
    submit()
    submit(resources={"kind": "cuda", "devices": 2})
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET queued_at = queued_at - 500 WHERE kind = 'cuda'"))
    scrape = Scrape(client)
    assert scrape("colrow_queued_jobs", kind="any") == 2
    assert scrape("colrow_queued_jobs", kind="cuda") == 1
    assert scrape("colrow_queued_jobs", kind="cpu") == 0
    assert scrape("colrow_jobs", state="queued") == 3
    assert 500 <= scrape("colrow_queue_oldest_wait_seconds", kind="cuda") < 700
    assert 0 <= scrape("colrow_queue_oldest_wait_seconds", kind="any") < 200


def test_waits_attempts_and_points_are_counted(
    client: TestClient, submit: Submit, worker: Any, database: Database
) -> None:
    job = submit()["id"]
    with database.write() as session:
        session.query(Job).filter_by(id=job).one().queued_at -= 100
    claim = worker.claim()
    said = {"total_steps": 9, "steps_per_epoch": 3, "device": "cpu", "threads": 1, "versions": {}}
    worker.record(
        claim,
        Started(step=0, **said),
        *(Points(step=n, epoch=1.0, values={"train_loss": 1.0, "seconds": 2.0}) for n in (1, 2)),
    )
    scrape = Scrape(client)
    assert scrape("colrow_points_written_total") == 4
    assert scrape("colrow_jobs", state="running") == 1
    assert scrape("colrow_job_wait_seconds_bucket", le="60.0") == 0
    assert scrape("colrow_job_wait_seconds_bucket", le="300.0") == 1
    assert scrape("colrow_job_wait_seconds_bucket", le="+Inf") == 1
    assert scrape("colrow_job_wait_seconds_count") == 1
    assert 100 <= scrape("colrow_job_wait_seconds_sum") < 300
    with database.write() as session:
        session.get_one(Attempt, claim.attempt_id).lease_until = 0
        sweeper.sweep(session)
    worker.finish(worker.claim())
    worker_again = Scrape(client)
    assert worker_again("colrow_attempts_ended_total", state="lost", reason="worker_lost") == 1
    assert worker_again("colrow_attempts_ended_total", state="succeeded", reason="") == 1
    assert worker_again("colrow_job_wait_seconds_count") == 1


def test_workers_are_told_by_state_and_those_that_live_one_by_one(
    client: TestClient, submit: Submit, worker: Any, database: Database
) -> None:
    submit()
    worker.claim()
    with database.write() as session:
        for name in ("gone", "stopped"):
            key = workers.register(
                session, NewWorker(name, "h2", 1, "cpu", ["cpu"], 1, memory_bytes=5)
            )
            workers.beat(session, key, "stopped" if name == "stopped" else "idle")
        workers.beat(session, worker.key, "busy", memory_used_bytes=123)
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE workers SET seen_at = seen_at - 999 WHERE name = 'gone'"))
    scrape = Scrape(client)
    assert {s: scrape("colrow_workers", state=s) for s in ("idle", "busy", "stopped", "lost")} == {
        "idle": 0, "busy": 1, "stopped": 1, "lost": 1,
    }  # fmt: skip
    here = {"worker": "host-1/0", "host": "host-1"}
    assert scrape.labels("colrow_worker_memory_bytes") == [here]
    assert scrape("colrow_worker_memory_bytes", **here) == 1 << 30
    assert scrape("colrow_worker_memory_used_bytes", **here) == 123
    assert 0 <= scrape("colrow_worker_heartbeat_age_seconds", **here) < 100
    assert abs(scrape("colrow_worker_clock_offset_seconds", **here)) < 60


def test_devices_tell_what_they_know_and_no_zero_for_the_rest(
    client: TestClient, worker: Any, database: Database
) -> None:
    scrape = Scrape(client)
    assert scrape.labels("colrow_device_memory_bytes") == []
    assert "colrow_device_utilization_ratio" in scrape.families
    uses = [
        DeviceUse("0", "NVIDIA H100", 80 << 30, 3 << 30, 0.75),
        DeviceUse("1", "NVIDIA H100", 80 << 30),
    ]
    with database.write() as session:
        workers.beat(session, worker.key, "idle", device_use=uses)
    scrape = Scrape(client)
    first, second = (
        {"worker": "host-1/0", "host": "host-1", "device": d, "name": "NVIDIA H100"} for d in "01"
    )
    assert scrape("colrow_device_memory_bytes", **second) == 80 << 30
    assert scrape("colrow_device_memory_used_bytes", **first) == 3 << 30
    assert scrape("colrow_device_utilization_ratio", **first) == 0.75
    assert scrape("colrow_device_memory_used_bytes", **second) is None
    assert scrape("colrow_device_utilization_ratio", **second) is None
    with database.write() as session:
        workers.beat(session, worker.key, "idle")
    assert Scrape(client).labels("colrow_device_memory_bytes") == []


@once
def test_requests_are_timed_by_route_and_messages_counted_by_state(
    client: TestClient, submit: Submit, worker: Any
) -> None:
    job = submit()["id"]
    client.post(f"/api/v1/jobs/{job}/webhooks", json={"url": "https://hooks.example/x"})
    worker.finish(worker.claim(), Outcome.FAILED, kind="diverged", message="nan")
    scrape = Scrape(client)
    assert scrape("colrow_deliveries", state="waiting") == 1
    assert scrape("colrow_deliveries", state="given_up") == 0
    assert scrape("colrow_event_streams") == 0
    assert scrape("colrow_request_seconds_count", route="/jobs") == 1
    counted = {"method": "POST", "route": "/jobs", "status": "201"}
    assert scrape("colrow_requests_total", **counted) == 1
    (build,) = scrape.labels("colrow_build_info")
    assert set(build) == {"version", "schema"}
    for name, value in scrape.samples.items():
        assert not math.isnan(value), name


def test_a_scrape_never_looks_at_points_and_asks_few_things(
    client: TestClient, submit: Submit, worker: Any, database: Database
) -> None:
    submit()
    worker.train({"test_accuracy": 0.9})
    Scrape(client)
    asked: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    engine = client.app.state.service.database.engine  # type: ignore[attr-defined]
    event.listen(engine, "before_cursor_execute", note)
    Scrape(client)
    event.remove(engine, "before_cursor_execute", note)
    assert 4 <= len(asked) <= 9
    assert not [one for one in asked if "FROM points" in one or "FROM summaries" in one]
    assert attempts.LEASE_S == 60
