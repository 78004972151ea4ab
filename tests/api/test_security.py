from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.addresses import is_loopback, is_same, name_of

once = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
Spec = Callable[..., dict[str, Any]]


@once
@pytest.mark.parametrize("host", ["127.0.0.1:8750", "localhost:8750", "[::1]:8750", "127.0.0.2"])
def test_loopback_names_are_welcome(client: TestClient, host: str) -> None:
    assert client.get("/healthz", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8750", "10.0.0.1:8750", "localhost.evil.example", "", "]"],
)
@once
def test_a_foreign_host_is_refused_everywhere(client: TestClient, host: str) -> None:
    for path in ("/", "/healthz", "/api/v1/jobs", "/api/v1/events"):
        answer = client.get(path, headers={"host": host})
        assert answer.status_code == 403
        assert answer.headers["content-type"] == "application/problem+json"
        assert "Host" in answer.json()["detail"]


@once
def test_a_page_of_another_site_can_change_nothing(client: TestClient, spec: Spec) -> None:
    for headers in (
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:3000"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ):
        answer = client.post("/api/v1/jobs", json={"spec": spec()}, headers=headers)
        assert answer.status_code == 403, headers
        assert "another site" in answer.json()["detail"]
    assert client.get("/api/v1/jobs").json()["items"] == []


@once
def test_our_own_page_and_no_page_at_all_may_change_things(client: TestClient, spec: Spec) -> None:
    for headers in (
        {"origin": "http://127.0.0.1:8750", "sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
        {},
    ):
        answer = client.post("/api/v1/jobs", json={"spec": spec()}, headers=headers)
        assert answer.status_code == 201


@once
@pytest.mark.parametrize(
    "header", ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip"]
)
def test_a_forwarded_request_needs_a_token(client: TestClient, header: str) -> None:
    answer = client.get("/api/v1/jobs", headers={header: "10.0.0.1"})
    assert answer.status_code == 401
    assert f"was forwarded (header '{header}')" in answer.json()["detail"]
    assert client.post("/api/v1/jobs", json={}, headers={header: "::1"}).status_code == 401


@once
def test_every_answer_carries_the_strict_headers(client: TestClient) -> None:
    for path in ("/", "/healthz", "/api/v1/jobs", "/api/v1/nothing"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "access-control-allow-origin" not in headers
    assert client.get("/api/v1/jobs").headers["cache-control"] == "no-store"


def test_loopback_is_told_from_the_rest() -> None:
    assert all(
        map(is_loopback, ("localhost", "LOCALHOST.", "127.0.0.1", "127.8.8.8", "::1", "[::1]"))
    )
    assert not any(
        map(is_loopback, ("0.0.0.0", "::", "10.0.0.1", "example.org", "", "127.0.0.1.nip"))
    )
    assert is_same("10.0.0.5", "10.0.0.5")
    assert is_same("10.0.0.5", "::ffff:10.0.0.5")
    assert is_same("fe80::1", "FE80:0::1")
    assert not is_same("10.0.0.5", "10.0.0.6")
    assert not is_same("lab.example", "10.0.0.5")
    assert [name_of(n) for n in ("a:1", "[::1]:80", "a", "[", "")] == ["a", "::1", "a", "", ""]


@once
def test_the_page_is_served_and_its_own_paths_too(client: TestClient, tmp_path: Path) -> None:
    static = tmp_path / "static"
    (static / "assets").mkdir(parents=True)
    (static / "index.html").write_text("<p>the page")
    (static / "assets" / "app-1a2b.js").write_text("1")
    (tmp_path / "secret").write_text("no")
    html = {"accept": "text/html,*/*"}
    assert client.get("/").text == "<p>the page"
    assert client.get("/compare?sweep=1", headers=html).text == "<p>the page"
    assert client.get("/").headers["cache-control"] == "no-cache"
    assert "immutable" in client.get("/assets/app-1a2b.js").headers["cache-control"]
    assert client.get("/assets/app-0000.js", headers=html).status_code == 404
    assert client.get("/compare").status_code == 404
    assert client.get("/api/v1/nothing", headers=html).status_code == 404
    for path in ("/../secret", "/%2e%2e/secret", "/..%2fsecret", "/assets/%00"):
        assert client.get(path).status_code == 404


@once
def test_a_page_that_is_not_built_says_how_to_build_it(client: TestClient) -> None:
    answer = client.get("/")
    assert answer.status_code == 503
    assert "make setup" in answer.text
