"""Colrow, asked what the speed table asks: each case gives seconds (or bytes) of one trial."""

import multiprocessing
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.synchronize import Barrier
from queue import SimpleQueue
from typing import Any

import httpx
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from benchmarks.parts import seed
from benchmarks.parts.databases import TITLES, backends, database, size_bytes
from benchmarks.parts.seed import METRICS, Seeded, Size
from benchmarks.parts.server import Process, api, start_api
from benchmarks.parts.sse import Reader
from store import recording
from store.attempts import Claim
from store.session import Database
from worker.recorder import Pace, Recorder

WRITERS, BATCHES = 4, 12
DISK_JOBS, DISK_BATCHES = 10, 40
FLUSH_S = 0.2
"""The worker's usual pace."""


@dataclass
class Colrow:
    """A service over a full database, and one keep-alive client."""

    name: str
    url: str
    database: Database
    server: Process
    client: httpx.Client
    ids: Seeded
    claims: list[Claim]
    timed: "Timed"
    recorder: Recorder
    step: int = 0
    elsewhere_s: float = 0.0
    """Processor time that other processes spent on the last case."""

    def processes(self) -> list[int]:
        """Name the processes that work for it: the api's, and PostgreSQL's."""
        return [*self.server.family(), *backends(self.database)]

    def _get(self, path: str, params: dict[str, Any]) -> tuple[float, int]:
        begin = time.perf_counter()
        answer = self.client.get(path, params=params)
        taken = time.perf_counter() - begin
        answer.raise_for_status()
        return taken, len(answer.content)

    def write(self) -> float:
        """Have a recorder write 1000 points: its transaction, from its beginning to its commit.

        When it writes is up to its pace; how long it waits for that is no part of this.
        """
        events = seed.batch(self.step)
        self.step += len(events)
        self.recorder.add(events, "")
        return self.timed.took_s.get(timeout=60)

    def write_parallel(self) -> tuple[float, int, float]:
        """Write from four processes: points per second, writes refused, points per processor s."""
        attempts = [claim.attempt_id for claim in self.claims[1 : 1 + WRITERS]]
        done = in_parallel(partial(_write_batches, self.url, self.step), attempts)
        self.step += 200 * BATCHES
        return done.rates(WRITERS * BATCHES * 1000)

    def curve(self) -> tuple[float, int]:
        """Read a curve of 10,000 points, whole."""
        return self._get("/curves", {"job": self.ids.long, "metric": "train_loss"})

    def reduced(self) -> tuple[float, int]:
        """Read 20 curves of 1000 points, reduced to 320 each."""
        jobs = list(self.ids.middles)
        return self._get("/curves", {"job": jobs, "metric": "train_loss", "max_points": 320})

    def listed(self) -> tuple[float, int]:
        """List 1000 jobs with ten metrics."""
        return self._get("/jobs", {"limit": 1000, "columns": list(METRICS)})

    def page(self) -> tuple[float, int]:
        """Filter by policy and state, order by a metric, take 100 with ten metrics."""
        params = {
            "policy": "topk", "state": "succeeded", "sort": "-test_accuracy.best", "limit": 100,
            "columns": list(METRICS),
        }  # fmt: skip
        return self._get("/jobs", params)

    def groups(self) -> tuple[float, int]:
        """Compare 20 groups of 5 seeds: mean, std, distance to the baseline."""
        return self._get("/comparison", {"sweep": self.ids.sweep})

    def seen(self) -> float:
        """Hand a point to a recorder at its usual pace, until a reader of /events has read it."""
        claim = self.claims[0]
        reader = Reader(self.server.address, f"/api/v1/events?job={claim.job_id}")
        recorder = Recorder(self.database, claim.attempt_id, Pace(60, 10, FLUSH_S))
        time.sleep(FLUSH_S * ((self.step % 7) / 7 + 1))  # anywhere between two writes
        self.step += 200
        begin = time.perf_counter()
        recorder.add(seed.batch(self.step - 1, 1), "")
        while reader.seen.get(timeout=30).data["to_step"] != self.step - 1:
            pass
        path = f"/jobs/{claim.job_id}/curves"
        answer = self.client.get(f"{path}?metric=train_loss&after={self.step - 2}")
        (curve,) = answer.json()["items"]
        taken = time.perf_counter() - begin
        assert curve["steps"] == [self.step - 1]
        recorder.end(lambda _session: None)
        reader.close()
        return taken

    def disk(self) -> float:
        """Measure by how much the database grows, per point; all that comes with points included.

        Ten jobs report in turn, so that their points come in as they do in life.
        """
        claims = self.claims[-DISK_JOBS:]
        before = size_bytes(self.database)
        for n in range(DISK_BATCHES):
            for claim in claims:
                with self.database.write() as session:
                    events = seed.batch(self.step + 50 * n, 50)
                    recording.record(session, claim.attempt_id, events)
        self.step += 50 * DISK_BATCHES
        return (size_bytes(self.database) - before) / (len(claims) * DISK_BATCHES * 250)

    def memory(self) -> float:
        """Measure the api's memory after all that was asked."""
        return self.server.memory_bytes()

    def cold_start(self) -> float:
        """Start another api on the full database, until it has answered a list of jobs."""
        begin = time.perf_counter()
        process = start_api(self.url)
        try:
            process.wait("/api/v1/jobs?limit=1")
            self.elsewhere_s = process.processor_s()
            return time.perf_counter() - begin
        finally:
            process.stop()


class Timed(Database):
    """A database that tells how long each writing transaction took."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.took_s: SimpleQueue[float] = SimpleQueue()

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Write, and tell."""
        begin = time.perf_counter()
        with super().write() as session:
            yield session
        self.took_s.put(time.perf_counter() - begin)


@dataclass(frozen=True)
class Done:
    """What processes that wrote at the same time tell together."""

    seconds: float
    errors: int
    processor_s: float

    def rates(self, points: int) -> tuple[float, int, float]:
        """Give points per second, errors, and points per second of a processor."""
        return points / self.seconds, self.errors, points / self.processor_s


def in_parallel(work: Any, items: Sequence[Any]) -> Done:
    """Do the work for each item in a process of its own, all at the same time."""
    context = multiprocessing.get_context("spawn")
    barrier, told = context.Barrier(len(items)), context.SimpleQueue()
    made = [context.Process(target=work, args=(item, barrier, told)) for item in items]
    for process in made:
        process.start()
    answers = [told.get() for _ in made]
    for process in made:
        process.join()
    begins, ends, errors, spent_s = zip(*answers, strict=True)
    return Done(max(ends) - min(begins), sum(errors), sum(spent_s))


def _write_batches(url: str, step: int, attempt_id: int, barrier: Barrier, told: Any) -> None:
    errors = 0
    batches = [seed.batch(step + 200 * n) for n in range(BATCHES)]
    with closing(Database(url)) as opened:
        opened.ping()
        barrier.wait()
        begin, spent_s = time.monotonic(), time.process_time()
        for events in batches:
            try:
                with opened.write() as session:
                    recording.record(session, attempt_id, events)
            except OperationalError:
                errors += 1
        told.put((begin, time.monotonic(), errors, time.process_time() - spent_s))


@contextmanager
def colrow(kind: str, size: Size, server: str) -> Iterator[Colrow]:
    """Fill a database, and serve it until the end of the block."""
    with database(kind, server) as url, closing(Database(url)) as opened:
        ids = seed.fill(opened, size)
        claims = seed.running(opened, 1 + WRITERS + DISK_JOBS)
        with (
            api(url) as process,
            httpx.Client(base_url=process.address + "/api/v1", timeout=60) as client,
            closing(Timed(url)) as timed,
        ):
            recorder = Recorder(timed, claims[0].attempt_id, Pace(60, 3600, 0.02))
            recorder.add([], "begun\n")  # the first piece of log has a transaction more
            timed.took_s.get(), timed.took_s.get()
            name = f"Colrow, {TITLES[kind]}"
            yield Colrow(name, url, opened, process, client, ids, claims, timed, recorder)
            recorder.end(lambda _session: None)
