"""Webhooks over REST: the secret is shown once, the address never whole."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.main import create_app
from api.routes.webhooks import shown
from api.settings import Settings
from store.session import Database
from store.tables import Webhook
from tests.api.conftest import Lab

Submit = Callable[..., dict[str, Any]]
URL = "https://hooks.example/T0001/secret-token"


@pytest.fixture
def sweep(client: TestClient, spec: Callable[..., dict[str, Any]]) -> str:
    body = {"base": spec(), "axes": {"seed": [1, 2]}}
    made: str = client.post("/api/v1/sweeps", json=body).json()["id"]
    return made


def test_a_webhook_of_a_job_is_entered_told_and_removed(
    client: TestClient, submit: Submit, worker: Any
) -> None:
    job = submit()["id"]
    answer = client.post(f"/api/v1/jobs/{job}/webhooks", json={"url": URL})
    assert answer.status_code == 201
    made = answer.json()
    assert made["secret"].startswith("whsec_")
    assert (made["job"], made["sweep"], made["deliveries"]) == (job, None, [])
    assert made["url"] == "https://hooks.example/…oken"
    worker.finish(worker.claim())
    (listed,) = client.get(f"/api/v1/jobs/{job}/webhooks").json()["items"]
    assert "secret" not in listed
    (delivery,) = listed["deliveries"]
    assert (delivery["event"], delivery["state"], delivery["tries"]) == (
        "job.succeeded",
        "waiting",
        0,
    )
    assert delivery["next_at"].endswith("Z")
    assert client.delete(f"/api/v1/webhooks/{made['id']}").status_code == 204
    assert client.get(f"/api/v1/jobs/{job}/webhooks").json()["items"] == []
    again = client.delete(f"/api/v1/webhooks/{made['id']}")
    assert (again.status_code, again.json()["type"]) == (404, "urn:colrow:problem:not-found")


def test_a_webhook_of_a_sweep_is_told_when_all_have_ended(client: TestClient, sweep: str) -> None:
    answer = client.post(f"/api/v1/sweeps/{sweep}/webhooks", json={"url": URL, "secret": "x" * 16})
    assert (answer.status_code, answer.json()["secret"]) == (201, "x" * 16)
    client.post(f"/api/v1/sweeps/{sweep}/cancel")
    (listed,) = client.get(f"/api/v1/sweeps/{sweep}/webhooks").json()["items"]
    assert [d["event"] for d in listed["deliveries"]] == ["sweep.ended"]
    assert (listed["sweep"], listed["job"]) == (sweep, None)


def test_the_same_address_again_gets_a_new_secret(client: TestClient, submit: Submit) -> None:
    job = submit()["id"]
    first = client.post(f"/api/v1/jobs/{job}/webhooks", json={"url": URL})
    again = client.post(f"/api/v1/jobs/{job}/webhooks", json={"url": URL})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    assert first.json()["secret"] != again.json()["secret"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"url": "http://127.0.0.1/x"}, "is not a public address"),
        ({"url": "http://[::ffff:10.0.0.1]/x"}, "is not a public address"),
        ({"url": "http://169.254.169.254/latest"}, "COLROW_WEBHOOK_ALLOW"),
        ({"url": "ftp://a.example/"}, "neither http:// nor https://"),
        ({"url": "https://u:p@a.example/"}, "user name or password"),
        ({"url": ""}, "url"),
        ({"url": "https://a.example/" + "x" * 2000}, "url"),
        ({"url": URL, "secret": "short"}, "secret"),
        ({"url": URL, "secret": "with a newline\n" * 3}, "secret"),
        ({"url": URL, "events": ["all"]}, "events"),
        ({}, "url"),
    ],
)
def test_what_cannot_be_sent_to_is_refused_and_nothing_is_kept(
    client: TestClient, submit: Submit, database: Database, body: dict[str, Any], said: str
) -> None:
    answer = client.post(f"/api/v1/jobs/{submit()['id']}/webhooks", json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert said in answer.json()["detail"]
    with database.read() as session:
        assert session.query(Webhook).count() == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_is_not_there_is_told(client: TestClient) -> None:
    for path in ("jobs/nix/webhooks", "sweeps/nix/webhooks"):
        for answer in (
            client.get(f"/api/v1/{path}"), client.post(f"/api/v1/{path}", json={"url": URL})
        ):  # fmt: skip
            assert answer.status_code == 404
            assert answer.json()["type"] == "urn:colrow:problem:not-found"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_past_ten_webhooks_of_a_job_it_is_a_conflict(client: TestClient, submit: Submit) -> None:
    job = submit()["id"]
    statuses = [
        client.post(f"/api/v1/jobs/{job}/webhooks", json={"url": f"{URL}{n}"}).status_code
        for n in range(11)
    ]
    assert statuses == [201] * 10 + [409]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_admin_may_allow_a_network(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch, spec: Any
) -> None:
    monkeypatch.setenv("COLROW_WEBHOOK_ALLOW", "10.1.0.0/16, 127.0.0.0/8")
    allowing = Settings(database_url=settings.database_url)
    assert [str(n) for n in allowing.webhook_allow] == ["10.1.0.0/16", "127.0.0.0/8"]
    with TestClient(create_app(allowing), base_url="http://127.0.0.1") as client:
        job = client.post("/api/v1/jobs", json={"spec": spec()}).json()["id"]
        for url, status in (("http://10.1.2.3/", 201), ("http://10.2.0.1/", 422)):
            answer = client.post(f"/api/v1/jobs/{job}/webhooks", json={"url": url})
            assert answer.status_code == status


@pytest.mark.parametrize(
    ("url", "cut"),
    [
        ("https://a.example", "https://a.example"),
        ("https://a.example/", "https://a.example/"),
        ("https://a.example:8443/x", "https://a.example:8443/…"),
        ("https://a.example/services/T00/B00/XXXX", "https://a.example/…XXXX"),
        ("https://a.example/?token=0123456789", "https://a.example/…6789"),
    ],
)
def test_of_an_address_only_the_end_of_its_path_is_shown(url: str, cut: str) -> None:
    assert shown(url) == cut


def test_another_users_webhooks_are_neither_seen_nor_changed(
    lab: Lab, spec: Callable[..., dict[str, Any]]
) -> None:
    ada, bob, root = lab.user("ada"), lab.user("bob"), lab.user("root", "admin")
    job = ada.post("/api/v1/jobs", json={"spec": spec()}).json()["id"]
    sweep = ada.post("/api/v1/sweeps", json={"base": spec(), "axes": {"seed": [1]}}).json()["id"]
    for path in (f"jobs/{job}", f"sweeps/{sweep}"):
        made = ada.post(f"/api/v1/{path}/webhooks", json={"url": URL}).json()["id"]
        for method, of in (
            ("GET", f"{path}/webhooks"),
            ("POST", f"{path}/webhooks"),
            ("DELETE", f"webhooks/{made}"),
        ):
            body = {"url": URL} if method == "POST" else None
            answer = bob.request(method, f"/api/v1/{of}", json=body)
            assert (answer.status_code, answer.json()["type"]) == (403, "urn:colrow:problem:owner")
        assert len(root.get(f"/api/v1/{path}/webhooks").json()["items"]) == 1
        assert ada.delete(f"/api/v1/webhooks/{made}").status_code == 204
