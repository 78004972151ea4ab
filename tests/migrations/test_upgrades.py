"""A database of every earlier schema, with a history in it, is upgraded and goes on."""

from typing import Any

import pytest
from sqlalchemy import MetaData, insert

import migrations
from crs_core.events import Points, Started
from store import attempts, checkpoints, curves, jobs, logs, queue, recording, sweeper, sweeps
from store import usage as usages
from store import workers as slots
from store.attempts import Outcome
from store.session import Database, check_schema

AT = 1_750_000_000.0
SPEC = {
    "model": {"name": "mlp", "hidden": [20]},
    "dataset": {"name": "digits"},
    "approximation": [
        {
            "layers": "*",
            "policy": {"name": "topk", "replacement": False, "scaled": False},
            "forward": 0.4,
            "backward": 1.0,
            "min_samples": 10,
        }
    ],
    "training": {
        "epochs": 2,
        "steps": None,
        "batch_size": 50,
        "optimizer": {"name": "adam", "lr": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8},
    },
    "report": {"every_steps": 10, "probe_every_steps": None, "checkpoint_every_s": 30.0},
    "resources": {"kind": "any", "devices": 1, "threads": 1},
    "seed": 0,
}
"""As it was stored when the first schema was new."""


def job(key: int, state: str, **said: Any) -> dict[str, Any]:
    return {
        "key": key,
        "id": f"00000000-0000-7000-8000-00000000000{key}",
        "owner_key": 1,
        "sweep_key": 1,
        "name": f"job {key}",
        "notes": "kept",
        "priority": 0,
        "spec": SPEC,
        "model": "mlp",
        "dataset": "digits",
        "policies": ",topk,",
        "kind": "any",
        "devices": 1,
        "state": state,
        "created_at": AT,
        "queued_at": AT + key,
        "attempt_count": 0,
        "barren_attempts": 0,
        "step": 0,
    } | said


def attempt(key: int, job_key: int, state: str, **said: Any) -> dict[str, Any]:
    return {
        "key": key,
        "job_key": job_key,
        "number": 1,
        "worker_key": 1,
        "state": state,
        "started_at": AT + 10,
        "lease_until": AT + 70,
        "heartbeat_at": AT + 20,
    } | said


def checkpoint(key: int, job_key: int, step: int) -> dict[str, Any]:
    return {
        "key": key,
        "job_key": job_key,
        "attempt_key": job_key,
        "step": step,
        "name": f"step-{step}.pt",
        "size_bytes": 9,
        "sha256": "a" * 64,
        "best": True,
        "current": True,
        "created_at": AT + 20,
    }


FIRST: dict[str, list[dict[str, Any]]] = {
    "owners": [{"key": 1, "name": "ada", "created_at": AT}],
    "metrics": [{"name": "train_loss"}],
    "workers": [
        {
            "key": 1, "name": "w1", "host": "h", "pid": 7, "kind": "cpu", "devices": ["cpu"],
            "threads": 1, "state": "busy", "started_at": AT, "seen_at": AT, "state_since": AT,
        }
    ],
    "sweeps": [
        {
            "key": 1, "id": "s1", "owner_key": 1, "name": "old", "base": SPEC,
            "axes": {"seed": [0]}, "variants": [], "created_at": AT,
        }
    ],
    "jobs": [
        job(1, "succeeded", attempt_count=1, step=20, total_steps=20, started_at=AT + 10,
            finished_at=AT + 30),
        job(2, "running", attempt_count=1, step=10, total_steps=20, started_at=AT + 10),
        job(3, "queued"),
    ],
    "attempts": [
        attempt(1, 1, "succeeded", ended_at=AT + 30, start_step=0, device="cpu", threads=1,
                versions={"torch": "2"}),
        attempt(2, 2, "running", start_step=0, device="cpu", threads=1),
    ],
    "points": [
        {"job_key": key, "metric_id": 1, "step": step, "value": 1 / step}
        for key, last in ((1, 20), (2, 10)) for step in range(10, last + 1, 10)
    ],
    "summaries": [
        {"job_key": key, "metric_id": 1, "last_step": last, "last_value": 1 / last}
        for key, last in ((1, 20), (2, 10))
    ],
    "checkpoints": [checkpoint(1, 1, 20), checkpoint(2, 2, 10)],
    "tags": [{"job_key": 1, "tag": "old"}],
    "log_chunks": [
        {"job_key": 1, "start": 0, "attempt_number": 1, "length": 6, "text": "began\n"}
    ],
    "submissions": [
        {
            "owner_key": 1, "idempotency_key": "k", "digest": "d", "job_key": None, "sweep_key": 1,
            "created_at": AT,
        }
    ],
}  # fmt: skip
HISTORIES = {"0001": FIRST}
"""Of each earlier schema what a service wrote into it."""


def test_every_earlier_schema_has_a_history():
    assert [*HISTORIES, migrations.head()] == [
        f"{number:04}" for number in range(1, int(migrations.head()) + 1)
    ]


@pytest.fixture(params=HISTORIES)
def upgraded(request, bare_url):
    migrations.upgrade(bare_url, request.param)
    database = Database(bare_url)
    then = MetaData()
    with database.engine.begin() as connection:
        then.reflect(connection)
        for name, rows in HISTORIES[request.param].items():
            for row in rows:  # numbered by the database, from 1 on
                values = {column: value for column, value in row.items() if column != "key"}
                connection.execute(insert(then.tables[name]), values)
    migrations.upgrade(bare_url)
    yield database
    database.close()


def test_what_was_there_is_there(upgraded):
    check_schema(upgraded)
    first = job(1, "")["id"]
    with upgraded.read() as session:
        found = jobs.get(session, first)
        (curve,) = curves.read(session, [first], ["train_loss"])
        (saved,) = checkpoints.read(session, first)
        sweep = sweeps.get(session, "s1")
        log = logs.read(session, first)
    assert (found.state, found.owner, found.notes, found.tags) == (
        "succeeded", "ada", "kept", ("old",),
    )  # fmt: skip
    assert found.spec == SPEC
    assert (found.attempts[0].host, found.attempts[0].versions) == ("h", {"torch": "2"})
    assert (curve.steps, curve.values) == ([10, 20], [0.1, 0.05])
    assert (saved.step, saved.sha256) == (20, "a" * 64)
    assert (sweep.name, len(sweep.jobs)) == ("old", 3)
    assert log.text == "began\n"


def test_what_ran_and_what_waited_goes_on(upgraded):
    _, running, queued = (job(key, "")["id"] for key in (1, 2, 3))
    with upgraded.write() as session:
        assert sweeper.sweep(session).requeued == (running,)
    with upgraded.write() as session:
        new = slots.NewWorker(name="w2", host="h", pid=8, kind="cpu", devices=["cpu"], threads=1)
        key = slots.register(session, new)
    with upgraded.read() as session:
        assert {place.job_id for place in queue.read(session)} == {running, queued}
    for _ in range(2):
        with upgraded.write() as session:
            claim = attempts.claim(session, key)
            from_step = claim.checkpoints[0].step if claim.checkpoints else 0
            assert (claim.job_id, from_step) in ((running, 10), (queued, 0))
            began = Started(
                step=from_step, total_steps=20, steps_per_epoch=10, device="cpu", threads=1,
                versions={},
            )  # fmt: skip
            told = [began, Points(step=20, epoch=2, values={"train_loss": 0.5})]
            recording.record(session, claim.attempt_id, told)
            attempts.finish(session, claim.attempt_id, Outcome.SUCCEEDED)
    with upgraded.read() as session:
        (curve,) = curves.read(session, [running], ["train_loss"])
        assert curve.steps == [10, 20]
        assert sweeps.get(session, "s1").counts["succeeded"] == 3
        assert {line.user for line in usages.read(session)} == {"ada"}
