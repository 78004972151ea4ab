"""The process itself: start, memory, stop."""

import re
import signal
import socket
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.__main__ import StartError, serve
from api.settings import Settings
from store import session

Spec = Callable[..., dict[str, Any]]
Start = Callable[..., Any]

pytestmark = [
    pytest.mark.system,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]


def status(pid: int) -> dict[str, int]:
    found = re.findall(r"(VmRSS|VmHWM|Threads):\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return {name: int(value) for name, value in found}


def test_a_process_in_use_stays_small_quick_and_without_torch(process: Start, spec: Spec) -> None:
    running = process()
    running.ready()
    sweep = {"axes": {"seed": list(range(300))}, "base": spec()}
    with httpx.Client(base_url=running.url, timeout=30) as client:
        assert client.post("/api/v1/sweeps", json=sweep).status_code == 201
        for path in ("jobs?limit=1000", "catalog", "export?table=jobs", "queue?limit=1000"):
            for _ in range(3):
                assert client.get(f"/api/v1/{path}").status_code == 200
        assert client.get("/readyz").status_code == 200
        took = []
        for _ in range(30):
            begin = time.perf_counter()
            client.get("/healthz")
            took.append(time.perf_counter() - begin)
        # More than the server takes is answered too, and not cut off.
        answer = client.post("/api/v1/jobs", content=b"x" * 10_000_000)
        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"
    # A socket without TCP_NODELAY would take 40 ms each.
    assert min(took) < 0.02
    mapped = Path(f"/proc/{running.popen.pid}/maps").read_text()
    assert "/torch/" not in mapped
    assert "/numpy/" not in mapped
    assert status(running.popen.pid)["VmHWM"] < 200_000


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_at_once_and_cleanly_with_a_stream_open(
    process: Start, number: signal.Signals
) -> None:
    running = process()
    running.ready()
    with httpx.stream("GET", f"{running.url}/api/v1/events", timeout=20) as stream:
        lines = stream.iter_lines()
        assert next(lines).startswith(("id:", "retry:"))
        begin = time.monotonic()
        running.popen.send_signal(number)
        assert [line for line in lines if line.startswith("event:")] == []  # ended, not cut
    _, errors = running.popen.communicate(timeout=15)
    assert time.monotonic() - begin < 2.5
    assert running.popen.returncode == 0
    assert "Traceback" not in errors


def test_a_port_in_use_is_told_in_one_sentence(process: Start) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        running = process(COLROW_PORT=str(port))
        _, errors = running.popen.communicate(timeout=15)
    assert running.popen.returncode == 1
    assert errors.count("\n") == 1
    assert f"127.0.0.1:{port}" in errors
    assert "--port" in errors


def test_a_wrong_environment_is_told_in_one_sentence(process: Start) -> None:
    running = process(COLROW_PORT="eighty")
    _, errors = running.popen.communicate(timeout=15)
    assert running.popen.returncode == 2
    assert "COLROW_PORT" in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("nonsense", "COLROW_DATABASE_URL cannot be used"),
        ("nosql://host/name", "write it as sqlite:////folder/colrow.db or postgresql+psycopg://"),
        ("mysql+nodriver://host/name", "COLROW_DATABASE_URL cannot be used"),
    ],
)
def test_a_database_address_that_is_none_is_told_in_one_sentence(
    process: Start, address: str, said: str
) -> None:
    running = process(COLROW_DATABASE_URL=address)
    _, errors = running.popen.communicate(timeout=60)
    assert running.popen.returncode == 1
    assert errors.count("\n") == 1
    assert said in errors


def test_a_database_on_a_network_file_system_is_told_in_one_sentence(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse, mounts = session.refuse_network_file_system, "server:/lab / nfs4 rw 0 0\n"
    monkeypatch.setattr(session, "refuse_network_file_system", partial(refuse, mounts=mounts))
    with pytest.raises(
        StartError, match=r"network file system \(nfs4.* choose a folder on a local"
    ):
        serve(settings.model_copy(update={"port": 0}))


@pytest.mark.parametrize(
    ("said", "hosts"),
    [
        ("lab.example", ("lab.example",)),
        (" Lab.example, gpu.lab.example,", ("lab.example", "gpu.lab.example")),
        ("", ()),
    ],
)
def test_names_of_hosts_are_plain_text_with_commas(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, said: str, hosts: tuple[str, ...]
) -> None:
    monkeypatch.setenv("COLROW_HOSTS", said)
    assert Settings(database_url=settings.database_url).hosts == hosts
