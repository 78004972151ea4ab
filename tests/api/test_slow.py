"""Clients that are slow, or say nothing more, are cut off; those that take their time are not."""

import contextlib
import json
import logging
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from api.settings import Settings
from store import changes, tokens
from store.changes import Change
from store.session import Database
from tests.api.conftest import served

once = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
Spec = Callable[..., dict[str, Any]]


@pytest.fixture
def slow(settings: Settings) -> Settings:
    """Settings under which a client has a second."""
    return settings.model_copy(update={"slow_s": 1.0})


@pytest.fixture
def port(slow: Settings, request: pytest.FixtureRequest) -> Iterator[int]:
    with served(slow) as address:
        yield int(address.rpartition(":")[2])


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=60)


def received(connection: socket.socket) -> bytes:
    """Read until the other side closes."""
    got = b""
    while piece := connection.recv(65_536):
        got += piece
    return got


HEAD = b"POST /api/v1/jobs HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"


@once
def test_a_head_that_does_not_end_is_answered_408_and_closed(port: int) -> None:
    with connected(port) as connection:
        for byte in b"GET / HTTP/1.1\r\nhost: 127.0.0.1":
            try:
                connection.sendall(bytes([byte]))
            except OSError:
                break
            time.sleep(0.1)
        got = received(connection)
    assert got.startswith(b"HTTP/1.1 408 ")
    assert b"application/problem+json" in got
    assert json.loads(got.partition(b"\r\n\r\n")[2])["status"] == 408


@once
def test_a_connection_that_says_nothing_is_closed(port: int) -> None:
    with connected(port) as connection:
        assert received(connection) == b""


@once
def test_a_second_head_that_does_not_end_is_closed_too(port: int) -> None:
    with connected(port) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\nGET /heal")
        got = received(connection)
    assert got.startswith(b"HTTP/1.1 200 ")
    assert b"HTTP/1.1 408 " in got


@once
def test_a_body_that_does_not_end_is_answered_408_and_closed(port: int) -> None:
    with connected(port) as connection:
        connection.sendall(HEAD + b'content-length: 1000\r\n\r\n{"spec": ')
        got = received(connection)
    assert got.startswith(b"HTTP/1.1 408 ")
    problem = json.loads(got.partition(b"\r\n\r\n")[2])
    assert problem["type"] == "urn:colrow:problem:too-slow"
    assert "did not come whole within 1 s" in problem["detail"]


@once
def test_a_body_that_nobody_waits_for_does_not_keep_the_connection(port: int) -> None:
    with connected(port) as connection:
        # Refused before the body is looked at; the rest of it never comes.
        connection.sendall(HEAD + b"origin: https://evil.example\r\ncontent-length: 9\r\n\r\n{")
        got = received(connection)
    assert got.startswith(b"HTTP/1.1 403 ")


@once
def test_what_is_no_http_is_answered_as_every_failure(port: int) -> None:
    with connected(port) as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 nonsense\r\n\r\n")
        got = received(connection)
    assert got.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in got


@once
def test_an_answer_that_nobody_reads_is_cut_off(slow: Settings, spec: Spec) -> None:
    with served(slow, send_bytes=8192) as address:
        with httpx.Client(base_url=f"{address}/api/v1", timeout=60) as client:
            sweep = {"base": spec(), "axes": {"seed": list(range(1000))}}
            assert client.post("/sweeps", json=sweep).status_code == 201
            size = len(client.get("/jobs?limit=1000").content)
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
            connection.settimeout(60)
            connection.connect(("127.0.0.1", int(address.rpartition(":")[2])))
            connection.sendall(b"GET /api/v1/jobs?limit=1000 HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
            time.sleep(6)  # without reading
            got = 0
            with contextlib.suppress(ConnectionResetError):
                while piece := connection.recv(65_536):
                    got += len(piece)
        assert 0 < got < size / 2


@once
def test_a_client_that_takes_its_time_but_goes_on_is_served(port: int) -> None:
    with connected(port) as connection:
        for piece in (
            b"GET /healthz HTTP/1.1\r\n",
            b"host: 127.0.0.1\r\n",
            b"connection: close\r\n\r\n",
        ):
            connection.sendall(piece)
            time.sleep(0.2)
        assert received(connection).startswith(b"HTTP/1.1 200 ")
    with connected(port) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
        got = b""
        while not got.endswith(b"}"):
            got += connection.recv(65_536)
        time.sleep(1.5)  # between two requests there is more time
        connection.sendall(b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n")
        assert received(connection).startswith(b"HTTP/1.1 200 ")


@once
def test_a_stream_is_no_slow_client_and_ends_with_its_token(
    slow: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.live.CHECK_S", 0.2)
    with database.write() as session:
        made = tokens.issue(session, "ada", "viewer", expires_in_s=600.0)
    with served(slow.model_copy(update={"private": True})) as address:
        headers = {"authorization": f"Bearer {made.secret}"}
        url = f"{address}/api/v1/events"
        with httpx.stream("GET", url, headers=headers, timeout=60) as stream:
            lines = stream.iter_lines()
            next(lines)
            time.sleep(2.5)
            with database.write() as session:
                tokens.issue(session, "eve", "viewer", expires_in_s=600.0)
                tokens.revoke(session, made.token.id)
            assert not [line for line in lines if line.startswith("event:")]  # it ends
        assert httpx.get(url, headers=headers).status_code == 401


CHANGES = 20_000
"""More than what lies in the buffers between a stream and its reader."""


@contextlib.contextmanager
def unread(address: str, secret: str) -> Iterator[socket.socket]:
    """Open a stream of everything since the first change, and read nothing of it yet."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        connection.settimeout(60)
        connection.connect(("127.0.0.1", int(address.rpartition(":")[2])))
        head = "GET /api/v1/events HTTP/1.1\r\nhost: 127.0.0.1\r\nlast-event-id: 1\r\n"
        head += "connection: close\r\n"
        connection.sendall(f"{head}authorization: Bearer {secret}\r\n\r\n".encode())
        yield connection


def note_many(database: Database) -> None:
    with database.write() as session:
        for step in range(CHANGES):
            changes.note(session, Change("points", "j", from_step=step, to_step=step))


def token_of(database: Database, user: str, role: tokens.Role = "viewer") -> tokens.Issued:
    with database.write() as session:
        return tokens.issue(session, user, role, expires_in_s=600.0)


@once
def test_streams_that_still_catch_up_are_counted(settings: Settings, database: Database) -> None:
    note_many(database)
    ada, bob = token_of(database, "ada"), token_of(database, "bob")
    changed = settings.model_copy(update={"private": True, "streams_per_user": 2})
    with served(changed, send_bytes=8192) as address:

        def asked(issued: tokens.Issued, path: str) -> httpx.Response:
            headers = {"authorization": f"Bearer {issued.secret}"}
            return httpx.get(f"{address}{path}", headers=headers)

        with unread(address, ada.secret) as one, unread(address, ada.secret) as two:
            for stream in (one, two):
                assert stream.recv(64).startswith(b"HTTP/1.1 200 ")
            assert asked(ada, "/api/v1/events").status_code == 429
            assert "colrow_event_streams 2.0" in asked(bob, "/metrics").text


@once
def test_a_stream_that_still_catches_up_ends_with_its_token(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.live.CHECK_S", 0.2)
    note_many(database)
    ada = token_of(database, "ada")
    with (
        served(settings.model_copy(update={"private": True}), send_bytes=8192) as address,
        unread(address, ada.secret) as stream,
    ):
        assert stream.recv(64).startswith(b"HTTP/1.1 200 ")
        with database.write() as session:
            tokens.revoke(session, ada.token.id)
        time.sleep(1)
        rest = received(stream)
    assert rest.count(b"event: points") < CHANGES / 4


@once
def test_a_reader_of_a_stream_that_is_cut_off_is_no_failure_of_ours(
    slow: Settings, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    note_many(database)
    ada = token_of(database, "ada")
    with (
        served(slow.model_copy(update={"private": True}), send_bytes=8192) as address,
        unread(address, ada.secret),
    ):
        time.sleep(4)
    told = [(r.levelname, r.getMessage()) for r in caplog.records if r.name != "httpx"]
    assert told == []
