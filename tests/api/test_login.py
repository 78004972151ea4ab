"""When a login is needed, and that the service does not start where nobody could log in."""

import socket
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from api.login import reason_for_login
from api.main import create_app
from api.settings import Settings
from store import tokens
from store.session import Database
from store.tokens import Issued, Role
from tests.api.conftest import Process
from tests.api.lab import BASE, Lab

once = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
Start = Callable[..., Process]
SQLITE, POSTGRESQL = "sqlite:////x/colrow.db", "postgresql+psycopg://u@h/n"


@pytest.mark.parametrize(
    ("url", "changes", "said"),
    [
        (SQLITE, {}, None),
        (SQLITE, {"host": "localhost"}, None),
        (SQLITE, {"host": "::1", "hosts": ("lab.example",)}, None),
        (POSTGRESQL, {"profile": "embedded"}, None),
        (SQLITE, {"private": True}, "--private"),
        (SQLITE, {"host": "0.0.0.0"}, "0.0.0.0 can be reached from other machines"),
        (SQLITE, {"host": "::"}, "can be reached"),
        (SQLITE, {"host": ""}, "can be reached"),
        (SQLITE, {"host": "192.0.2.1"}, "can be reached"),
        (SQLITE, {"host": "lab.example"}, "can be reached"),
        (SQLITE, {"proxies": ("127.0.0.1",)}, "a proxy lets others in"),
        (SQLITE, {"profile": "cluster"}, "shared"),
        (POSTGRESQL, {}, "shared"),
        (POSTGRESQL, {"profile": "embedded", "host": "10.0.0.1"}, "can be reached"),
    ],
)
def test_only_the_embedded_profile_on_loopback_needs_no_login(
    url: str, changes: dict[str, Any], said: str | None
) -> None:
    reason = reason_for_login(Settings(database_url=url, **changes))
    assert reason is None if said is None else said in (reason or "")


@once
def test_without_a_login_one_is_the_local_admin(client: TestClient) -> None:
    who = client.get("/api/v1/session").json()
    assert (who["user"], who["role"], who["by"]) == ("local", "admin", "loopback")
    assert who["token_id"] is None


@once
def test_a_name_that_is_listed_but_not_loopback_needs_a_token(
    settings: Settings, database: Database
) -> None:
    app = create_app(settings.model_copy(update={"hosts": ("lab.example",)}))
    with TestClient(app, base_url="http://lab.example:8750") as client:
        assert client.get("/api/v1/jobs").status_code == 401
        with database.write() as session:
            secret = tokens.issue(session, "ada", "user", expires_in_s=60.0).secret
        headers = {"authorization": f"Bearer {secret}"}
        assert client.get("/api/v1/session", headers=headers).json()["user"] == "ada"


@once
def test_a_token_is_believed_and_a_bad_one_refused_where_none_is_needed(
    client: TestClient, database: Database, spec: Callable[..., dict[str, Any]]
) -> None:
    with database.write() as session:
        secret = tokens.issue(session, "vic", "viewer", expires_in_s=60.0).secret
    viewer = {"authorization": f"Bearer {secret}"}
    assert client.get("/api/v1/session", headers=viewer).json()["user"] == "vic"
    assert client.post("/api/v1/jobs", json={"spec": spec()}, headers=viewer).status_code == 403
    forwarded = viewer | {"x-forwarded-for": "10.0.0.1"}
    assert client.get("/api/v1/session", headers=forwarded).json()["user"] == "vic"
    bad = {"authorization": "Bearer colrow_" + "x" * 43}
    assert client.get("/api/v1/jobs", headers=bad).status_code == 401
    client.cookies.set("colrow_8750", "of another database")
    answer = client.get("/api/v1/session")
    assert answer.json()["by"] == "loopback"
    assert "Max-Age=0" in answer.headers["set-cookie"]


@once
def test_forwarding_headers_are_passed_over_where_a_login_is_needed(lab: Lab) -> None:
    ada = lab.user("ada")
    headers = {"x-forwarded-for": "10.0.0.1", "forwarded": "for=10.0.0.1"}
    ada.post("/api/v1/jobs", json={}, headers=headers)
    entry = lab.user("root", "admin").get("/api/v1/audit").json()["items"][0]
    assert entry["address"] == "testclient"


@once
def test_its_own_host_name_is_one_of_the_services_where_a_login_is_needed(
    lab: Lab, client: TestClient
) -> None:
    host = f"{socket.gethostname()}:8750"
    assert lab.user("ada").get("/api/v1/jobs", headers={"host": host}).status_code == 200
    assert client.get("/api/v1/jobs", headers={"host": host}).status_code == 403


def issue(settings: Settings, role: Role = "admin") -> Issued:
    database = Database(settings.database_url)
    with database.write() as session:
        made = tokens.issue(session, "root", role, expires_in_s=600.0)
    database.close()
    return made


@pytest.mark.system
@once
@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("COLROW_HOST", "0.0.0.0"),
        ("COLROW_PRIVATE", "1"),
        ("COLROW_PROXIES", "127.0.0.1"),
        ("COLROW_PROFILE", "cluster"),
    ],
)
def test_without_an_admins_token_it_does_not_start_and_says_how_to_make_one(
    process: Start, settings: Settings, variable: str, value: str
) -> None:
    issue(settings, "user")
    running = process(**{variable: value})
    _, errors = running.popen.communicate(timeout=60)
    assert running.popen.returncode == 1
    assert errors.count("\n") == 1
    assert "colrow token create --user NAME --role admin" in errors


@pytest.mark.system
@once
def test_a_database_that_does_not_answer_is_told_before_the_start(process: Start) -> None:
    running = process(
        COLROW_PROFILE="cluster", COLROW_DATABASE_URL="postgresql+psycopg://u@127.0.0.1:9/x"
    )
    _, errors = running.popen.communicate(timeout=60)
    assert running.popen.returncode == 1
    assert errors.count("\n") == 1
    assert "the database does not answer" in errors


@pytest.mark.system
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_on_every_address_it_serves_those_who_have_a_token(
    process: Start, settings: Settings
) -> None:
    made = issue(settings)
    running = process(COLROW_HOST="0.0.0.0")
    running.ready()
    headers = {"authorization": f"Bearer {made.secret}"}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as route:
        route.connect(("192.0.2.1", 9))  # nothing is sent; it tells the address that would be used
        address = route.getsockname()[0]
    for name in ("127.0.0.1", address):
        url = f"http://{name}:{running.port}/api/v1/session"
        assert httpx.get(url, trust_env=False).status_code == 401
        assert httpx.get(url, headers=headers, trust_env=False).json()["user"] == "root"
    strange = headers | {"host": f"10.99.99.99:{running.port}"}
    assert httpx.get(f"{running.url}/api/v1/session", headers=strange).status_code == 403


@pytest.mark.system
@once
def test_a_proxy_that_is_named_is_believed(process: Start, settings: Settings) -> None:
    made = issue(settings)
    running = process(COLROW_PROXIES="127.0.0.1", COLROW_HOSTS="lab.example")
    running.ready()
    headers = {
        "authorization": f"Bearer {made.secret}",
        "host": "lab.example",
        "origin": "https://lab.example",
        "x-forwarded-for": "203.0.113.7",
        "x-forwarded-proto": "https",
    }
    with httpx.Client(base_url=f"{running.url}/api/v1", headers=headers) as client:
        signed = client.post("/session", json={"token": made.secret})
        assert signed.status_code == 200
        assert "secure" in signed.headers["set-cookie"].lower()
        assert signed.headers["set-cookie"].startswith(f"colrow_{running.port}=")
        (entry,) = client.get("/audit").json()["items"]
        assert entry["address"] == "203.0.113.7"


@once
def test_the_settings_are_read_from_the_environment(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLROW_PROXIES", " 10.0.0.1, 10.0.0.2 ")
    monkeypatch.setenv("COLROW_PRIVATE", "true")
    read = Settings(database_url=settings.database_url)
    assert read.proxies == ("10.0.0.1", "10.0.0.2")
    assert read.private
    assert BASE.startswith("http://127.0.0.1")
