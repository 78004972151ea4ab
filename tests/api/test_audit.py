"""The audit log: every changing call of a known user, and what became of it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.api.lab import Lab

once = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
Spec = Callable[..., dict[str, Any]]


def log(root: TestClient, **where: Any) -> list[dict[str, Any]]:
    answer = root.get("/api/v1/audit", params=where)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def test_changes_and_refusals_of_known_users_are_in_the_log(lab: Lab, spec: Spec) -> None:
    made = lab.issue("ada")
    ada, bob, root = lab.by(made), lab.user("bob"), lab.user("root", "admin")
    job = ada.post("/api/v1/jobs", json={"spec": spec()}).json()["id"]
    bob.delete(f"/api/v1/jobs/{job}")
    ada.patch(f"/api/v1/jobs/{job}", json={"name": 3})
    ada.delete(f"/api/v1/jobs/{job}")
    bob.post("/api/v1/jobs", json={"spec": spec()}, headers={"origin": "https://evil.example"})
    told = [(e["user"], e["method"], e["path"], e["status"]) for e in reversed(log(root))]
    assert told == [
        ("ada", "POST", "/api/v1/jobs", 201),
        ("bob", "DELETE", f"/api/v1/jobs/{job}", 403),
        ("ada", "PATCH", f"/api/v1/jobs/{job}", 422),
        ("ada", "DELETE", f"/api/v1/jobs/{job}", 204),
        ("bob", "POST", "/api/v1/jobs", 403),
    ]
    entries = log(root, user="ada")
    assert {e["token_id"] for e in entries} == {made.token.id}
    assert {e["address"] for e in entries} == {"testclient"}
    assert entries[-1]["detail"] == f"/api/v1/jobs/{job}"
    assert "name: this must be a text" in entries[1]["detail"]
    assert "belongs to ada" in log(root, user="bob")[1]["detail"]


@once
def test_what_only_looks_and_what_strangers_do_is_not_in_the_log(lab: Lab, spec: Spec) -> None:
    ada, root = lab.user("ada"), lab.user("root", "admin")
    ada.get("/api/v1/jobs")
    ada.post("/api/v1/plan", json={"spec": spec()})
    sweep = {"base": spec(), "axes": {"seed": [1, 2]}, "dry_run": True}
    assert ada.post("/api/v1/sweeps", json=sweep).status_code == 200
    lab.nobody().post("/api/v1/jobs", json={"spec": spec()})
    lab.by("colrow_" + "x" * 43).post("/api/v1/jobs", json={"spec": spec()})
    lab.nobody().post("/api/v1/session", json={"token": "nonsense"})
    assert log(root) == []


@once
def test_signing_in_and_out_tokens_and_caps_are_in_the_log_and_no_secret_is(lab: Lab) -> None:
    root, browser = lab.user("root", "admin"), lab.nobody()
    made = root.post("/api/v1/tokens", json={"user": "ada"}).json()
    browser.post("/api/v1/session", json={"token": made["token"]})
    browser.delete("/api/v1/session")
    root.patch("/api/v1/users/ada", json={"max_queued": 3})
    root.delete(f"/api/v1/tokens/{made['id']}")
    told = [(e["user"], e["method"], e["path"]) for e in reversed(log(root))]
    assert told == [
        ("root", "POST", "/api/v1/tokens"),
        ("ada", "POST", "/api/v1/session"),
        ("ada", "DELETE", "/api/v1/session"),
        ("root", "PATCH", "/api/v1/users/ada"),
        ("root", "DELETE", f"/api/v1/tokens/{made['id']}"),
    ]
    assert made["token"] not in str(log(root))


@once
def test_who_needs_no_login_is_in_the_log_as_local(client: TestClient, spec: Spec) -> None:
    client.post("/api/v1/jobs", json={"spec": spec()})
    (entry,) = log(client)
    assert (entry["user"], entry["token_id"], entry["status"]) == ("local", None, 201)


@once
def test_the_log_is_filtered_by_time_and_paged(client: TestClient, spec: Spec) -> None:
    for seed in range(3):
        client.post("/api/v1/jobs", json={"spec": spec(seed=seed)})
    now = datetime.now(UTC)
    hour = timedelta(hours=1)
    assert len(log(client, since=(now - hour).isoformat(), until=(now + hour).isoformat())) == 3
    assert log(client, since=(now + hour).isoformat()) == []
    assert log(client, until=(now - hour).isoformat()) == []
    zone = timedelta(hours=5)
    elsewhere = (now - hour + zone).replace(tzinfo=None).isoformat() + "+05:00"
    assert len(log(client, since=elsewhere)) == 3
    page = client.get("/api/v1/audit?limit=2").json()
    rest = client.get("/api/v1/audit", params={"limit": 2, "cursor": page["next"]}).json()
    assert (len(page["items"]), len(rest["items"]), rest["next"]) == (2, 1, None)
    for wrong in ("today", "0", "1.5e9"):
        assert client.get(f"/api/v1/audit?since={wrong}").status_code == 422
        assert client.get(f"/api/v1/usage?since={wrong}").status_code == 422
    assert client.get("/api/v1/audit?cursor=x").status_code == 422


@once
@pytest.mark.parametrize("lab", [{"audit_rows": 2}], indirect=True)
def test_the_log_is_trimmed_by_the_settings(
    lab: Lab, spec: Spec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.auditing.TRIM_EVERY_S", 0.0)
    root = lab.user("root", "admin")
    for seed in range(4):
        root.post("/api/v1/jobs", json={"spec": spec(seed=seed)})
    assert len(log(root)) == 2


@once
@pytest.mark.parametrize("lab", [{"rate_per_s": 0.01, "rate_burst": 30}], indirect=True)
def test_who_is_refused_again_and_again_does_not_fill_the_log(lab: Lab) -> None:
    eve, root = lab.user("eve"), lab.user("root", "admin")
    statuses = [eve.post(f"/api/v1/jobs/{i}/cancel").status_code for i in range(40)]
    assert statuses == [404] * 30 + [429] * 10
    (entry,) = log(root)
    assert (entry["path"], entry["status"], entry["times"]) == ("/api/v1/jobs/0/cancel", 404, 30)
