"""Who may do what: every route has its role, and refuses whoever has less."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter
from fastapi.testclient import TestClient

from api import access
from api.access import ACCESS, Access
from api.main import create_app
from api.settings import Settings
from store.tokens import ROLES
from tests.api.lab import Lab

once = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
Spec = Callable[..., dict[str, Any]]
ROUTES = Path(__file__).parents[2] / "api" / "routes"
NO_ID = "019ab4f2-7c1e-7d3a-9b52-0c6f1d2e3a4b"


def every_route() -> list[str]:
    """Every route of the OpenAPI document, as `GET /api/v1/jobs`."""
    document = create_app(Settings(database_url="postgresql+psycopg://")).openapi()
    return [
        f"{method.upper()} {path}"
        for path, methods in document["paths"].items()
        for method in methods
    ]


def called(client: TestClient, route: str) -> Any:
    method, path = route.split(" ")
    path = re.sub(r"\{\w+\}", NO_ID, path)
    body = {} if method in ("POST", "PATCH", "PUT") else None
    return client.request(method, path, json=body)


@pytest.mark.parametrize("route", every_route())
def test_every_route_has_its_role(route: str) -> None:
    assert route in ACCESS, f"say in api/access.py which role {route} needs"


def test_no_route_is_hidden_from_the_document_that_is_walked() -> None:
    for file in ROUTES.glob("*.py"):
        assert "include_in_schema" not in file.read_text(), file.name


def test_the_table_names_no_route_that_is_not_there() -> None:
    assert set(ACCESS) - set(every_route()) == {"GET /api/v1/openapi.json"}


def test_every_change_needs_more_than_a_viewer_and_every_change_of_one_thing_its_owner() -> None:
    for route, given in ACCESS.items():
        method, path = route.split(" ")
        if method == "GET" or path == "/api/v1/session" or not given.is_change:
            continue
        assert given.role in ("user", "admin"), route
        kind = re.match(r"/api/v1/(job|sweep)s/\{id\}", path)
        if kind and not path.endswith("/clone"):  # which changes nothing of another's
            assert given.own == kind[1], route


@once
@pytest.mark.parametrize("route", [r for r, a in ACCESS.items() if a.role is not None])
def test_a_stranger_gets_401_from_every_route(lab: Lab, route: str) -> None:
    answer = called(lab.nobody(), route)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["type"] == "urn:colrow:problem:login"
    assert "colrow token create" in answer.json()["detail"]


@once
def test_who_has_less_than_a_route_needs_gets_403_and_who_has_it_does_not(lab: Lab) -> None:
    people = {role: lab.user(f"a-{role}", role) for role in ROLES}
    for route, given in ACCESS.items():
        if given.role is None or route == "GET /api/v1/events":
            continue
        for role, client in people.items():
            answer = called(client, route)
            is_refused = answer.status_code == 403
            assert is_refused == (ROLES.index(role) < ROLES.index(given.role)), (route, role)
            if is_refused:
                assert answer.json()["type"] == "urn:colrow:problem:role"
                assert f"needs the role {given.role}" in answer.json()["detail"]


@once
def test_a_route_that_nobody_assigned_needs_an_admin(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    extra = APIRouter()

    @extra.get("/api/v1/forgotten")
    def forgotten() -> dict[str, bool]:
        """Answer."""
        return {"open": True}

    lab.app.include_router(extra)
    assert lab.user("vic", "viewer").get("/api/v1/forgotten").status_code == 403
    assert lab.user("ada").get("/api/v1/forgotten").status_code == 403
    assert lab.user("root", "admin").get("/api/v1/forgotten").json() == {"open": True}


@once
def test_paths_and_methods_that_are_none_are_told_to_those_who_are_known(lab: Lab) -> None:
    assert lab.nobody().get("/api/v1/nothing").status_code == 401
    viewer = lab.user("vic", "viewer")
    assert viewer.get("/api/v1/nothing").status_code == 404
    answer = viewer.put("/api/v1/jobs")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")


@once
def test_the_page_and_what_watches_over_the_service_need_no_login(lab: Lab) -> None:
    stranger = lab.nobody()
    assert stranger.get("/healthz").status_code == 200
    assert stranger.get("/readyz").status_code == 200
    assert stranger.get("/api/v1/openapi.json").status_code == 200
    assert stranger.get("/").status_code == 503  # it is not built in this test
    assert stranger.get("/metrics").status_code == 401
    assert lab.user("prometheus", "viewer").get("/metrics").status_code == 200


CHANGES = [
    ("PATCH", "/api/v1/jobs/{id}", {"name": "mine"}),
    ("POST", "/api/v1/jobs/{id}/cancel", None),
    ("POST", "/api/v1/jobs/{id}/retry", None),
    ("DELETE", "/api/v1/jobs/{id}", None),
]


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
def test_another_users_job_is_seen_and_not_changed(
    lab: Lab, spec: Spec, method: str, path: str, body: Any
) -> None:
    ada, bob, root = lab.user("ada"), lab.user("bob"), lab.user("root", "admin")
    job = ada.post("/api/v1/jobs", json={"spec": spec(), "name": "hers"}).json()
    assert job["owner"] == "ada"
    before = bob.get(f"/api/v1/jobs/{job['id']}").json()
    answer = bob.request(method, path.format(id=job["id"]), json=body)
    assert answer.status_code == 403
    assert answer.json()["type"] == "urn:colrow:problem:owner"
    assert "belongs to ada; only ada or an admin" in answer.json()["detail"]
    assert bob.get(f"/api/v1/jobs/{job['id']}").json() == before
    if path.endswith("retry"):
        ada.post(f"/api/v1/jobs/{job['id']}/cancel")
    assert root.request(method, path.format(id=job["id"]), json=body).status_code < 300


def test_another_users_sweep_is_not_cancelled(lab: Lab, spec: Spec) -> None:
    ada, bob = lab.user("ada"), lab.user("bob")
    sweep = ada.post("/api/v1/sweeps", json={"base": spec(), "axes": {"seed": [1, 2]}}).json()
    assert sweep["owner"] == "ada"
    assert bob.post(f"/api/v1/sweeps/{sweep['id']}/cancel").status_code == 403
    assert set(lab.jobs().values()) == {"queued"}
    assert ada.post(f"/api/v1/sweeps/{sweep['id']}/cancel").status_code == 202
    assert set(lab.jobs().values()) == {"cancelled"}


def test_an_id_that_is_none_is_not_found_whoever_asks(lab: Lab) -> None:
    ada = lab.user("ada")
    for path in ("jobs/x/cancel", "sweeps/x/cancel"):
        answer = ada.post(f"/api/v1/{path}")
        assert answer.status_code == 404
        assert "there is no" in answer.json()["detail"]
    assert ada.post("/api/v1/jobs/%00/cancel").status_code == 422


@once
def test_a_viewer_submits_nothing(lab: Lab, spec: Spec) -> None:
    viewer = lab.user("vic", "viewer")
    for path, body in (
        ("jobs", {"spec": spec()}),
        ("sweeps", {"base": spec(), "axes": {"seed": [1, 2]}}),
        ("jobs", {"spec": "nonsense"}),
    ):
        assert viewer.post(f"/api/v1/{path}", json=body).status_code == 403
    bad = viewer.post("/api/v1/jobs", content=b"{", headers={"content-type": "application/json"})
    assert bad.status_code == 403
    assert lab.jobs() == {}
    assert viewer.post("/api/v1/plan", json={"spec": spec()}).status_code == 200


@once
def test_the_same_key_of_two_users_makes_two_jobs(lab: Lab, spec: Spec) -> None:
    body, key = {"spec": spec()}, {"Idempotency-Key": "k"}
    made = [
        lab.user(name).post("/api/v1/jobs", json=body, headers=key).json()["id"]
        for name in ("ada", "bob", "ada")
    ]
    assert made[0] == made[2] != made[1]


def test_an_access_is_found_by_method_and_path() -> None:
    assert access.access_to("GET", "/api/v1/jobs") == (access.VIEWER, {})
    found = access.access_to("DELETE", "/api/v1/jobs/x")
    assert found is not None
    assert found.access == Access("user", own="job")
    assert found.params == {"id": "x"}
    assert access.access_to("PUT", "/api/v1/jobs") is None
    assert access.access_to("GET", "/api/v1/jobs/x/y/z") is None
