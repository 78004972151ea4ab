"""The command line called in this process, and a real api to talk to; without worker, jobs wait."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

import migrations
from colrow import cli
from colrow.client import Client


@dataclass(frozen=True)
class Ended:
    """How a call of the command line ended."""

    code: int
    out: str
    err: str


Colrow = Callable[..., Ended]


@pytest.fixture
def colrow(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> Colrow:
    """`colrow("ls", "--limit", 3)` as a shell would call it, with a clean environment."""
    for name in [name for name in os.environ if name.startswith("COLROW_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLROW_HOME", str(tmp_path / "home"))

    def call(*words: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["colrow", *map(str, words)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        seen = capfd.readouterr()
        code = ended.value.code
        return Ended(code if isinstance(code, int) else int(code is not None), seen.out, seen.err)

    return call


@pytest.fixture
def failing(colrow: Colrow) -> Callable[..., str]:
    """Call the command line, demand a failure told in clear words, and give the words."""

    def call(*words: object) -> str:
        ended = colrow(*words)
        assert ended.code != 0
        assert "Traceback" not in ended.err + ended.out
        assert ended.err.strip()
        return ended.err

    return call


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a spec file, as text or as a mapping, and give its path."""

    def make(content: Any, name: str = "spec.yaml") -> Path:
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
        return path

    return make


@pytest.fixture
def spec() -> Callable[..., dict[str, Any]]:
    def make(**changes: Any) -> dict[str, Any]:
        """Give a small spec; dotted paths change it."""
        made: dict[str, Any] = {
            "model": {"name": "mlp", "hidden": [16]},
            "dataset": {"name": "digits"},
            "approximation": [{"policy": "topk", "forward": 0.5, "min_samples": 1}],
            "training": {"epochs": 2, "batch_size": 50},
        }
        for path, value in changes.items():
            *folders, last = path.split(".")
            place: Any = made
            for folder in folders:
                place = place[int(folder)] if folder.isdigit() else place[folder]
            place[last] = value
        return made

    return make


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a real api process on SQLite, shared by all tests here."""
    home = tmp_path_factory.mktemp("api")
    url = f"sqlite:///{home}/colrow.db"
    migrations.upgrade(url)
    port = free_port()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COLROW_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "api"],
        env=environment
        | {"COLROW_DATABASE_URL": url, "COLROW_HOME": str(home), "COLROW_PORT": str(port)},
        stderr=subprocess.DEVNULL,
    )
    yield wait_for_api(process, port)
    process.terminate()
    process.wait(20)


@pytest.fixture
def client(server: str) -> Iterator[Client]:
    with Client(server) as made:
        yield made


@pytest.fixture
def remote(colrow: Colrow, server: str) -> Colrow:
    """The command line, pointed at the api."""
    return lambda *words: colrow("--server", server, *words)


@pytest.fixture
def refused(failing: Callable[..., str], server: str) -> Callable[..., str]:
    """The words of a failure of the command line, pointed at the api."""
    return lambda *words: failing("--server", server, *words)


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port


def wait_for_api(process: subprocess.Popen[bytes], port: int) -> str:
    """Give the address of an api once it answers."""
    address = f"http://127.0.0.1:{port}"
    end_s = time.monotonic() + 60
    while not _is_alive(address):
        assert process.poll() is None
        assert time.monotonic() < end_s
        time.sleep(0.05)
    return address


def _is_alive(address: str) -> bool:
    try:
        return httpx.get(f"{address}/healthz", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
