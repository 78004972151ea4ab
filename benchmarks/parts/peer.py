"""MLflow, asked the same, where one is installed in a place of its own.

Its tables are filled directly, as ours are; whatever is measured goes through its server. It keeps
all runs in one experiment, as its users mostly do; the sweep is a tag.
"""

import sqlite3
import statistics
import subprocess
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import httpx

from benchmarks.parts import seed
from benchmarks.parts.colrow import WRITERS, in_parallel
from benchmarks.parts.seed import METRICS, Size
from benchmarks.parts.server import Process, free_port

API = "/api/2.0/mlflow"
BATCHES = 3
BEGAN_MS = 1_790_000_000_000


@dataclass
class MLflow:
    """A server over a full database, and one keep-alive client."""

    name: str
    command: str
    path: Path
    server: Process
    client: httpx.Client
    runs: list[str]
    disk_bytes: float
    step: int = 0
    elsewhere_s: float = 0.0
    """Processor time that other processes spent on the last case."""

    def processes(self) -> list[int]:
        """Name the processes that work for it."""
        return self.server.family()

    def _timed(self, method: str, path: str, **said: Any) -> tuple[float, int]:
        begin = time.perf_counter()
        answer = self.client.request(method, path, **said)
        taken = time.perf_counter() - begin
        answer.raise_for_status()
        return taken, len(answer.content)

    def write(self) -> float:
        """Log 1000 metrics in one batch, which is the most it takes."""
        self.step += 200
        body = _batch(self.runs[-1], self.step)
        return self._timed("POST", f"{API}/runs/log-batch", json=body)[0]

    def write_parallel(self) -> tuple[float, int, float]:
        """Log from four processes: points per second, writes refused, points per processor s."""
        runs, before_s = self.runs[-1 - WRITERS : -1], self.server.processor_s()
        done = in_parallel(partial(_log, self.client.base_url, self.step), runs)
        self.step += 200 * BATCHES
        spent_s = done.processor_s + self.server.processor_s() - before_s
        return replace(done, processor_s=spent_s).rates(WRITERS * BATCHES * 1000)

    def curve(self) -> tuple[float, int]:
        """Read a curve of 10,000 points, whole."""
        params = {"run_id": self.runs[0], "metric_key": "train_loss"}
        return self._timed("GET", f"{API}/metrics/get-history", params=params)

    def reduced(self) -> tuple[float, int]:
        """Read 20 curves of 1000 points, reduced to 320 each."""
        params = {"run_ids": self.runs[1:21], "metric_key": "train_loss", "max_results": 320}
        path = "/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval"
        return self._timed("GET", path, params=params)

    def listed(self) -> tuple[float, int]:
        """List 1000 runs with ten metrics."""
        return self._search(max_results=1000)

    def page(self) -> tuple[float, int]:
        """Filter by a parameter and status, order by a metric, take 100."""
        return self._search(
            filter="params.policy = 'topk' and attributes.status = 'FINISHED'",
            order_by=["metrics.test_accuracy DESC"],
            max_results=100,
        )

    def groups(self) -> tuple[float, int]:
        """Search a sweep's runs, and take mean and std by group in the client."""
        begin = time.perf_counter()
        body = {"experiment_ids": ["1"], "filter": "tags.sweep = '0'", "max_results": 1000}
        answer = self.client.post(f"{API}/runs/search", json=body).raise_for_status()
        values = defaultdict(list)
        for run in answer.json()["runs"]:
            params = {each["key"]: each["value"] for each in run["data"]["params"]}
            found = {each["key"]: each["value"] for each in run["data"]["metrics"]}
            values[params["policy"], params["ratio"]].append(found["best_test_accuracy"])
        spread = {key: (statistics.mean(v), statistics.stdev(v)) for key, v in values.items()}
        assert len(spread) == 20
        return time.perf_counter() - begin, len(answer.content)

    def disk(self) -> float:
        """Give by how much its database grew, per point, when the points were written."""
        return self.disk_bytes

    def memory(self) -> float:
        """Measure the server's memory, its children included."""
        return self.server.memory_bytes()

    def cold_start(self) -> float:
        """Start another server on the full database, until it has answered a search."""
        begin = time.perf_counter()
        process = _serve(self.command, self.path)
        try:
            process.wait(f"{API}/experiments/get?experiment_id=1")
            self.elsewhere_s = process.processor_s()
            return time.perf_counter() - begin
        finally:
            process.stop()

    def _search(self, **said: Any) -> tuple[float, int]:
        return self._timed("POST", f"{API}/runs/search", json={"experiment_ids": ["1"]} | said)


def _batch(run: str, first: int) -> dict[str, Any]:
    metrics = [
        {"key": key, "value": value, "timestamp": BEGAN_MS + report.step, "step": report.step}
        for report in seed.batch(first)
        for key, value in report.values.items()
    ]
    return {"run_id": run, "metrics": metrics}


def _log(address: httpx.URL, step: int, run: str, barrier: Barrier, told: Any) -> None:
    bodies, errors = [_batch(run, step + 200 * n) for n in range(BATCHES)], 0
    with httpx.Client(base_url=address, timeout=120) as client:
        client.get("/health")
        barrier.wait()
        begin, spent_s = time.monotonic(), time.process_time()
        for body in bodies:
            errors += client.post(f"{API}/runs/log-batch", json=body).status_code != 200
        told.put((begin, time.monotonic(), errors, time.process_time() - spent_s))


def _serve(command: str, path: Path) -> Process:
    port = free_port()
    words = [command, "server", "--backend-store-uri", f"sqlite:///{path}", "--workers", "1"]
    words += ["--host", "127.0.0.1", "--port", str(port)]
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    return Process(words, f"http://127.0.0.1:{port}", quiet)


@contextmanager
def mlflow(command: str, size: Size) -> Iterator[MLflow]:
    """Fill a database, and serve it until the end of the block."""
    with tempfile.TemporaryDirectory(prefix="colrow-bench-") as folder:
        path = Path(folder) / "mlflow.db"
        upgrade = [command, "db", "upgrade", f"sqlite:///{path}"]
        subprocess.run(upgrade, check=True, capture_output=True, cwd=folder)
        runs, disk_bytes = _fill(path, size)
        process = _serve(command, path)
        try:
            process.wait("/health")
            with httpx.Client(base_url=process.address, timeout=120) as client:
                yield MLflow("MLflow, SQLite", command, path, process, client, runs, disk_bytes)
        finally:
            process.stop()


def _fill(path: Path, size: Size) -> tuple[list[str], float]:
    runs = [uuid.uuid4().hex for _ in range(size.jobs)]
    members = seed.members()
    with sqlite3.connect(path) as db:
        db.execute(
            "INSERT INTO experiments (experiment_id, name, artifact_location, lifecycle_stage) "
            "VALUES (1, 'bench', '/nowhere', 'active')"
        )
        db.executemany(
            "INSERT INTO runs (run_uuid, name, source_type, user_id, status, start_time, "
            "end_time, lifecycle_stage, artifact_uri, experiment_id) "
            "VALUES (?, ?, 'LOCAL', 'local', 'FINISHED', ?, ?, 'active', '/nowhere', 1)",
            [
                (run, members[n % len(members)].name, BEGAN_MS + n, BEGAN_MS + n + 60_000)
                for n, run in enumerate(runs)
            ],
        )
        for n, run in enumerate(runs):
            _fill_facts(db, run, n, len(members), seed.setting(n % len(members)))
        db.commit()
        before = path.stat().st_size
        for n, run in enumerate(runs):
            lengths = seed.lengths(n, size)
            db.executemany(
                "INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) "
                "VALUES (?, ?, ?, ?, ?, 0)",
                [
                    (metric, seed.value(m, step, n), BEGAN_MS + step, run, step)
                    for m, metric in enumerate(METRICS)
                    for step in range(lengths[m])
                ],
            )
        db.commit()
    db.close()
    return runs, (path.stat().st_size - before) / size.points


def _fill_facts(
    db: sqlite3.Connection, run: str, n: int, members: int, setting: Sequence[str]
) -> None:
    facts = dict(zip(("policy", "ratio", "seed"), setting, strict=True))
    facts |= {"model": "mlp", "dataset": "digits", "epochs": "20", "batch_size": "50"}
    db.executemany("INSERT INTO params VALUES (?, ?, ?)", [(k, v, run) for k, v in facts.items()])
    tags = {"sweep": str(n // members), "mlflow.runName": f"run {n}", "mlflow.user": "local"}
    db.executemany("INSERT INTO tags VALUES (?, ?, ?)", [(k, v, run) for k, v in tags.items()])
    db.executemany(
        "INSERT INTO latest_metrics (key, value, timestamp, step, is_nan, run_uuid) "
        "VALUES (?, ?, ?, ?, 0, ?)",
        [(metric, seed.value(m, 9, n), BEGAN_MS + 9, 9, run) for m, metric in enumerate(METRICS)],
    )
