"""Tokens, sessions, caps and use, as an admin and a browser meet them."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.api.conftest import HandWorker
from tests.api.lab import BASE, Lab

once = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
Spec = Callable[..., dict[str, Any]]
COOKIE = "colrow_8750"


def test_an_admin_issues_lists_and_revokes_tokens(lab: Lab) -> None:
    root = lab.user("root", "admin")
    body = {"user": "ada", "role": "user", "name": "<laptop>", "expires_in_s": 600}
    answer = root.post("/api/v1/tokens", json=body)
    made = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/api/v1/tokens/{made['id']}"
    assert answer.headers["cache-control"] == "no-store"
    ada = lab.by(made["token"])
    assert ada.get("/api/v1/session").json() == {
        "user": "ada",
        "role": "user",
        "by": "token",
        "token_id": made["id"],
        "token_name": "<laptop>",
        "expires_at": made["expires_at"],
    }
    items = root.get("/api/v1/tokens").json()["items"]
    assert [(t["user"], t["role"], t["state"]) for t in items] == [
        ("ada", "user", "valid"),
        ("root", "admin", "valid"),
    ]
    assert items[0]["last_used_at"] is not None
    assert made["token"] not in root.get("/api/v1/tokens").text
    assert root.delete(f"/api/v1/tokens/{made['id']}").status_code == 204
    assert root.delete(f"/api/v1/tokens/{made['id']}").status_code == 204
    refused = ada.get("/api/v1/session")
    assert refused.status_code == 401
    assert "was revoked" in refused.json()["detail"]
    assert root.get("/api/v1/tokens").json()["items"][0]["state"] == "revoked"


@once
def test_a_token_holds_90_days_unless_something_else_is_said(lab: Lab) -> None:
    root = lab.user("root", "admin")
    made = root.post("/api/v1/tokens", json={"user": "ada"}).json()
    held = datetime.fromisoformat(made["expires_at"]) - datetime.fromisoformat(made["created_at"])
    assert held == timedelta(days=90)
    assert made["role"] == "user"
    ever = root.post("/api/v1/tokens", json={"user": "ada", "expires_in_s": None}).json()
    assert ever["expires_at"] is None


@once
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"user": "a b"}, "no name of a user"),
        ({"user": "<script>"}, "no name of a user"),
        ({"user": ""}, "no name of a user"),
        ({"user": "ada", "role": "root"}, "'viewer', 'user' or 'admin'"),
        ({"user": "ada", "expires_in_s": 0}, "above 0"),
        ({"user": "ada", "expires_in_s": 1e12}, "at most 315360000"),
        ({"role": "user"}, "missing"),
    ],
)
def test_a_token_for_nobody_is_refused(lab: Lab, body: Any, said: str) -> None:
    root = lab.user("root", "admin")
    answer = root.post("/api/v1/tokens", json=body)
    assert answer.status_code == 422
    assert said in answer.json()["detail"]
    assert len(root.get("/api/v1/tokens").json()["items"]) == 1


@once
def test_the_last_admin_cannot_lock_everybody_out(lab: Lab) -> None:
    made = lab.issue("root", "admin")
    root = lab.by(made)
    answer = root.delete(f"/api/v1/tokens/{made.token.id}")
    assert answer.status_code == 409
    assert "issue one first" in answer.json()["detail"]
    assert root.get("/api/v1/tokens").status_code == 200
    missing = root.delete("/api/v1/tokens/x")
    assert missing.status_code == 404
    assert "GET /api/v1/tokens lists those there are" in missing.json()["detail"]


@pytest.mark.parametrize("how", ["expired", "revoked", "unknown", "malformed", "basic", "empty"])
def test_a_token_that_is_not_valid_changes_nothing(lab: Lab, spec: Spec, how: str) -> None:
    made = lab.issue("ada")
    client = lab.by(made)
    if how == "expired":
        lab.expire(made)
    if how == "revoked":
        lab.revoke(made)
    if how == "unknown":
        client = lab.by("colrow_" + "x" * 43)
    if how == "malformed":
        client = lab.by("x" * 5000)
    if how == "basic":
        client.headers["authorization"] = f"Basic {made.secret}"
    if how == "empty":
        client.headers["authorization"] = "Bearer"
    for path in ("jobs", "nothing"):
        answer = client.post(f"/api/v1/{path}", json={"spec": spec()})
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        said = how if how in ("expired", "revoked") else "no token of this service"
        assert said in answer.json()["detail"]
    assert lab.jobs() == {}


def test_a_browser_shows_its_token_once_and_then_its_cookie(lab: Lab, spec: Spec) -> None:
    made, browser = lab.issue("ada"), lab.nobody()
    answer = browser.post("/api/v1/session", json={"token": made.secret})
    assert answer.status_code == 200
    assert answer.json()["user"] == "ada"
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    assert "secure" not in cookie.lower()
    assert made.secret not in cookie
    assert browser.get("/api/v1/session").json()["by"] == "cookie"
    job = browser.post("/api/v1/jobs", json={"spec": spec()}).json()
    assert job["owner"] == "ada"
    assert browser.get("/api/v1/export?table=jobs").status_code == 200
    out = browser.delete("/api/v1/session")
    assert out.status_code == 204
    assert f'{COOKIE}=""; ' in out.headers["set-cookie"]
    assert browser.get("/api/v1/jobs").status_code == 401
    browser.cookies.set(COOKIE, cookie.partition("=")[2].partition(";")[0])  # kept by somebody
    assert browser.get("/api/v1/jobs").status_code == 401
    assert browser.delete("/api/v1/session").status_code == 204
    assert lab.by(made).get("/api/v1/jobs").status_code == 200


@once
def test_a_session_ends_with_its_token_and_its_cookie_is_dropped(lab: Lab) -> None:
    made, browser = lab.issue("ada"), lab.nobody()
    browser.post("/api/v1/session", json={"token": made.secret})
    lab.revoke(made)
    answer = browser.get("/api/v1/jobs")
    assert answer.status_code == 401
    assert re.match(rf'{COOKIE}=""; .*Max-Age=0', answer.headers["set-cookie"])
    assert not browser.cookies


@once
def test_a_bad_token_makes_no_session(lab: Lab) -> None:
    ended, browser = lab.issue("ada"), lab.nobody()
    lab.expire(ended)
    for secret in (ended.secret, "colrow_" + "y" * 43, "", "x"):
        answer = browser.post("/api/v1/session", json={"token": secret})
        assert answer.status_code == 401
        assert "set-cookie" not in answer.headers
    assert browser.post("/api/v1/session", json={"token": 3}).status_code == 422
    assert browser.post("/api/v1/session", json={"token": "x" * 201}).status_code == 422


@once
def test_over_https_the_cookie_is_secure_and_a_token_goes_before_a_cookie(lab: Lab) -> None:
    made = lab.issue("ada")
    with TestClient(lab.app, base_url=BASE.replace("http", "https")) as browser:
        answer = browser.post("/api/v1/session", json={"token": made.secret})
        assert "secure" in answer.headers["set-cookie"].lower()
        bob = lab.issue("bob")
        headers = {"authorization": f"Bearer {bob.secret}"}
        assert browser.get("/api/v1/session", headers=headers).json()["user"] == "bob"


@once
def test_a_page_of_another_site_changes_nothing_with_a_users_cookie(lab: Lab, spec: Spec) -> None:
    browser = lab.nobody()
    browser.post("/api/v1/session", json={"token": lab.issue("ada").secret})
    for headers in (
        {"origin": "https://evil.example"},
        {"origin": "http://127.0.0.1:3000"},
        {"sec-fetch-site": "same-site"},
    ):
        answer = browser.post("/api/v1/jobs", json={"spec": spec()}, headers=headers)
        assert answer.status_code == 403
        assert "another site" in answer.json()["detail"]
        assert browser.delete("/api/v1/session", headers=headers).status_code == 403
        token = {"token": lab.issue("mallory").secret}
        assert browser.post("/api/v1/session", json=token, headers=headers).status_code == 403
    assert lab.jobs() == {}
    assert browser.get("/api/v1/session").json()["user"] == "ada"


@once
def test_a_foreign_host_is_refused_with_a_token_too(lab: Lab) -> None:
    ada = lab.user("ada")
    answer = ada.get("/api/v1/jobs", headers={"host": "evil.example"})
    assert answer.status_code == 403
    assert "COLROW_HOSTS" in answer.json()["detail"]


def test_an_admin_caps_a_users_queue(lab: Lab, spec: Spec) -> None:
    root, ada = lab.user("root", "admin"), lab.user("ada")
    changed = root.patch("/api/v1/users/ada", json={"max_queued": 2, "max_running": 1}).json()
    assert (changed["max_queued"], changed["max_running"]) == (2, 1)
    sweep = {"base": spec(), "axes": {"seed": [1, 2, 3]}}
    answer = ada.post("/api/v1/sweeps", json=sweep)
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:colrow:problem:cap"
    assert "may have 2 jobs in the queue and has 0" in answer.json()["detail"]
    assert lab.jobs() == {}
    for seed in (1, 2):
        assert ada.post("/api/v1/jobs", json={"spec": spec(seed=seed)}).status_code == 201
    assert ada.post("/api/v1/jobs", json={"spec": spec(seed=3)}).status_code == 409
    (user,) = [u for u in root.get("/api/v1/users").json()["items"] if u["name"] == "ada"]
    assert (user["queued"], user["running"], user["max_queued"]) == (2, 0, 2)
    back = root.patch("/api/v1/users/ada", json={"max_queued": None}).json()
    assert (back["max_queued"], back["max_running"]) == (None, 1)
    assert ada.post("/api/v1/jobs", json={"spec": spec(seed=3)}).status_code == 201


@once
@pytest.mark.parametrize("lab", [{"max_queued": 1}], indirect=True)
def test_the_settings_cap_holds_for_all_without_their_own(lab: Lab, spec: Spec) -> None:
    ada = lab.user("ada")
    assert ada.post("/api/v1/jobs", json={"spec": spec()}).status_code == 201
    assert ada.post("/api/v1/jobs", json={"spec": spec(seed=2)}).status_code == 409
    assert lab.user("bob").post("/api/v1/jobs", json={"spec": spec()}).status_code == 201


@once
@pytest.mark.parametrize(
    ("user", "body", "status"),
    [
        ("eve", {"max_queued": 1}, 404),
        ("ada", {"max_queued": -1}, 422),
        ("ada", {"max_queued": "2"}, 422),
        ("ada", {"priority": 1}, 422),
    ],
)
def test_caps_that_are_none_are_refused(lab: Lab, user: str, body: Any, status: int) -> None:
    root = lab.user("root", "admin")
    lab.issue("ada")
    answer = root.patch(f"/api/v1/users/{user}", json=body)
    assert answer.status_code == status
    assert root.get("/api/v1/users").json()["items"][0]["max_queued"] is None


def test_use_is_told_by_user_and_day(lab: Lab, worker: HandWorker, spec: Spec) -> None:
    ada = lab.user("ada")
    ada.post("/api/v1/jobs", json={"spec": spec()})
    worker.train({"seconds": 3.0})
    (item,) = ada.get("/api/v1/usage").json()["items"]
    assert item["device_s"] > 0
    assert item | {"device_s": 0} == {
        "user": "ada",
        "kind": "cpu",
        "device_s": 0,
        "attempts": 1,
        "exact_macs": 1000,
        "performed_macs": 400,
        "saved_macs": 600,
        "saved_device_s": None,
        "compared_jobs": 0,
    }
    today = datetime.now(UTC).date()
    tomorrow, yesterday = today + timedelta(days=1), today - timedelta(days=1)
    assert len(ada.get(f"/api/v1/usage?since={yesterday}&until={tomorrow}").json()["items"]) == 1
    assert ada.get(f"/api/v1/usage?since={tomorrow}").json()["items"] == []
    assert ada.get("/api/v1/usage?user=bob").json()["items"] == []
    assert ada.get("/api/v1/usage?since=yesterday").status_code == 422
    assert ada.get(f"/api/v1/usage?since={today}&until={yesterday}").status_code == 422
