"""A service inside this process, and a worker by hand that gives jobs their results."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
from fastapi.testclient import TestClient

import migrations
from api.main import create_app
from api.settings import Settings
from colrow.client import Client
from crs_core.events import Points, Started
from store import attempts, recording, workers
from store.session import Database

BASE = "http://127.0.0.1:8750"
VERSIONS = {"torch": "2.9", "revision": "a" * 40}
ENVIRONMENT = {"processor": "Quick 9000", "cores": "3"}


class InProcess(httpx.BaseTransport):
    """Hands a client's requests to the application, without a port between."""

    def __init__(self, app: TestClient) -> None:
        self.app = app

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self.app.request(
            request.method, str(request.url), content=request.read(), headers=dict(request.headers)
        )
        return httpx.Response(
            answer.status_code,
            headers={"content-type": answer.headers.get("content-type", "")},
            content=answer.content,
        )


class Service:
    """The api as a client sees it, and its database as a worker does."""

    def __init__(self, client: Client, database: Database) -> None:
        self.client = client
        self.database = database
        with database.write() as session:
            self.worker = workers.register(
                session,
                workers.NewWorker(
                    name="host-1/0", host="host-1", pid=4711, kind="cpu", devices=["cpu"],
                    threads=1, memory_bytes=1 << 30, datasets=["digits"],
                ),
            )  # fmt: skip

    def train(self, job_id: str, values: Mapping[str, float], *, steps: int = 40) -> None:
        """Run the next job, which is to be this one, to its end with these values."""
        with self.database.write() as session:
            claim = attempts.claim(session, self.worker)
            assert claim is not None
            assert claim.job_id == job_id
            started = Started(
                step=0, total_steps=steps, steps_per_epoch=steps // 2, device="cpu", threads=1,
                versions=VERSIONS, environment=ENVIRONMENT,
            )  # fmt: skip
            told = [
                Points(step=s, epoch=2 * s / steps, values={"train_loss": 1 / s})
                for s in range(10, steps + 1, 10)
            ]
            ends = [
                Points(step=s, epoch=2 * s / steps, values={"validation_accuracy": s / 100})
                for s in (steps // 2, steps)
            ]
            last = Points(step=steps, epoch=2.0, values=dict(values))
            recording.record(session, claim.attempt_id, [started, *told, *ends, last])
            attempts.finish(session, claim.attempt_id, attempts.Outcome.SUCCEEDED)

    def measure(self, job_id: str, errors: Mapping[int, float]) -> None:
        """Run the next job, a study, to its end with these errors by the pairs kept."""
        with self.database.write() as session:
            claim = attempts.claim(session, self.worker)
            assert claim is not None
            assert claim.job_id == job_id
            told = [
                Points(step=k, epoch=k / 20, values={"frobenius_error": e, "error_bound": 2 * e})
                for k, e in errors.items()
            ]
            recording.record(session, claim.attempt_id, told)
            attempts.finish(session, claim.attempt_id, attempts.Outcome.SUCCEEDED)

    def diverge(self) -> None:
        """Run the next job until its loss is no number."""
        with self.database.write() as session:
            claim = attempts.claim(session, self.worker)
            assert claim is not None
            started = Started(
                step=0, total_steps=40, steps_per_epoch=20, device="cpu", threads=1,
                versions=VERSIONS, environment=ENVIRONMENT,
            )  # fmt: skip
            recording.record(session, claim.attempt_id, [started])
            attempts.finish(
                session, claim.attempt_id, attempts.Outcome.FAILED, kind="diverged", message="nan"
            )


@contextmanager
def serving(tmp_path: Path) -> Iterator[Service]:
    """Serve a new SQLite database in this folder."""
    url = f"sqlite:///{tmp_path}/colrow.db"
    migrations.upgrade(url)
    settings = Settings(database_url=url, broker_url=None, home=tmp_path / "home", threads=4)
    database = Database(url)
    with (
        TestClient(create_app(settings), base_url=BASE) as app,
        Client(BASE, transport=InProcess(app)) as client,
    ):
        yield Service(client, database)
    database.close()
