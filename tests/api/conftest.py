"""The application on a real database, a worker that trains by hand, and a real process."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

import migrations
from api.__main__ import Server, configuration, listen
from api.main import create_app
from api.settings import Settings
from crs_core.events import Event, Finished, LayerRow, Layers, Points, Started
from store import attempts, recording, workers
from store.session import Database
from tests.api.lab import BASE, Lab

ROOT = Path(__file__).parents[2]


@pytest.fixture
def streams() -> int:
    """How many streams may be open; a test's own parameter takes its place."""
    return 200


@pytest.fixture
def settings(database: Database, tmp_path: Path, streams: int) -> Settings:
    return Settings(
        database_url=database.url,
        broker_url=None,
        home=tmp_path / "home",
        static=tmp_path / "static",
        threads=4,
        profile="embedded",
        events_poll_s=0.02,
        streams=streams,
    )


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(settings), base_url=BASE, raise_server_exceptions=False) as made:
        yield made


@pytest.fixture(scope="session")
def empty_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings with a database that every test leaves empty."""
    url = f"sqlite:///{tmp_path_factory.mktemp('empty')}/colrow.db"
    migrations.upgrade(url)
    return Settings(database_url=url, broker_url=None, threads=4)


@pytest.fixture(scope="session")
def empty_client(empty_settings: Settings) -> Iterator[TestClient]:
    """For requests that are refused, or only look."""
    app = create_app(empty_settings)
    with TestClient(app, base_url=BASE, raise_server_exceptions=False) as made:
        yield made


@pytest.fixture
def spec() -> Callable[..., dict[str, Any]]:
    def make(policy: str = "topk", forward: float = 0.4, **changes: Any) -> dict[str, Any]:
        rule = {"policy": policy} | ({} if policy == "exact" else {"forward": forward})
        return {
            "model": {"name": "mlp", "hidden": [20]},
            "dataset": {"name": "digits"},
            "approximation": [rule],
            "training": {"epochs": 2},
            **changes,
        }

    return make


@pytest.fixture
def submit(
    client: TestClient, spec: Callable[..., dict[str, Any]]
) -> Callable[..., dict[str, Any]]:
    def post(*, name: str = "", tags: Sequence[str] = (), **changes: Any) -> dict[str, Any]:
        body = {"spec": spec(**changes), "name": name, "tags": list(tags)}
        answer = client.post("/api/v1/jobs", json=body)
        assert answer.status_code == 201, answer.text
        job: dict[str, Any] = answer.json()
        return job

    return post


@pytest.fixture
def lab(settings: Settings, database: Database, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """A private service; an indirect parameter gives it other settings."""
    changes = {"private": True} | getattr(request, "param", {})
    app = create_app(settings.model_copy(update=changes))
    with TestClient(app, base_url=BASE, raise_server_exceptions=False) as client:
        yield Lab(app, client, database)


class HandWorker:
    """Claims the next job and reports what it is told to, as a worker would."""

    def __init__(self, database: Database) -> None:
        self.database = database
        with database.write() as session:
            self.key = workers.register(
                session,
                workers.NewWorker(
                    name="host-1/0",
                    host="host-1",
                    pid=4711,
                    kind="cpu",
                    devices=["cpu"],
                    threads=1,
                    memory_bytes=1 << 30,
                    datasets=["digits"],
                ),
            )

    def claim(self) -> attempts.Claim:
        with self.database.write() as session:
            found = attempts.claim(session, self.key)
        assert found is not None
        return found

    def record(self, claim: attempts.Claim, *events: Event, log: str = "") -> None:
        with self.database.write() as session:
            recording.record(session, claim.attempt_id, events, log=log)

    def finish(
        self,
        claim: attempts.Claim,
        outcome: attempts.Outcome = attempts.Outcome.SUCCEEDED,
        **why: str,
    ) -> None:
        with self.database.write() as session:
            attempts.finish(session, claim.attempt_id, outcome, **why)

    def train(self, values: Mapping[str, float] | None = None, *, log: str = "") -> str:
        """Run the next job to its end: a falling loss over 40 steps, and values at the end."""
        claim = self.claim()
        layer = LayerRow(
            layer="fc1",
            product="forward",
            policy="topk",
            ratio=0.4,
            pairs=64,
            kept=26.0,
            exact_macs=1000,
            performed_macs=400,
            never_kept=0.25,
            error=0.125,
        )
        self.record(
            claim,
            Started(
                step=0,
                total_steps=40,
                steps_per_epoch=20,
                device="cpu",
                threads=1,
                versions={"torch": "2", "revision": "a" * 40},
                environment={"processor": "Quick 9000", "MKL_DYNAMIC": "FALSE"},
            ),
            *(
                Points(step=step, epoch=step / 20, values={"train_loss": 1 / step})
                for step in range(1, 41)
            ),
            Points(step=40, epoch=2.0, values=dict(values or {})),
            Layers(step=40, rows=(layer,)),
            log=log,
        )
        self.record(claim, Finished(completed=True, step=40))
        self.finish(claim)
        return claim.job_id


@pytest.fixture
def worker(database: Database) -> HandWorker:
    return HandWorker(database)


@contextlib.contextmanager
def served(settings: Settings, *, send_bytes: int | None = None) -> Iterator[str]:
    """Serve from a thread, on a port of its own; gives the address.

    `send_bytes`: what the system takes of an answer before it is read.
    """
    listening = listen("127.0.0.1", 0)
    if send_bytes is not None:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_bytes)
    app = create_app(settings)
    server = Server(configuration(app, settings), app.state.service.hub.close)
    thread = threading.Thread(target=lambda: server.run(sockets=[listening]))
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)
    assert not thread.is_alive()


@pytest.fixture
def serving(settings: Settings) -> Iterator[str]:
    """A service in a thread."""
    with served(settings) as address:
        yield address


class Process:
    """`python -m api` as it is."""

    def __init__(self, settings: Settings, **environment: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        variables = {
            "COLROW_DATABASE_URL": settings.database_url,
            "COLROW_STATIC": str(settings.static),
            "COLROW_PROFILE": "embedded",
            "COLROW_PORT": str(self.port),
            **environment,
        }
        kept = {k: v for k, v in os.environ.items() if not k.startswith("COLROW_")}
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "api"],
            cwd=ROOT,
            env=kept | variables,
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ready(self) -> None:
        for _ in range(400):
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/healthz").status_code == 200:
                    return
            assert self.popen.poll() is None, self.popen.stderr and self.popen.stderr.read()
            time.sleep(0.05)
        raise AssertionError("the api did not start")

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        self.popen.send_signal(number)
        _, errors = self.popen.communicate(timeout=15)
        return self.popen.returncode, errors


@pytest.fixture
def process(settings: Settings) -> Iterator[Callable[..., Process]]:
    made: list[Process] = []

    def start(**environment: str) -> Process:
        made.append(Process(settings, **environment))
        return made[-1]

    yield start
    for one in made:
        if one.popen.poll() is None:
            one.popen.kill()
        one.popen.communicate()
