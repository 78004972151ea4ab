"""Numbers for Prometheus: requests as they happen, the rest read from the database when asked.

Names carry their unit; what a worker or device does not tell has no sample, never a zero.
"""

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from sqlalchemy.orm import Session
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.answers import worker as answered
from api.version import VERSION
from store import clock, counters, counts, workers
from store.counts import Waiting
from store.tables import SCHEMA_VERSION
from store.workers import DeviceUse, WorkerView

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
METHODS = frozenset({"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"})
WORKER_STATES = ("idle", "busy", "stopped", "lost")


class Meter:
    """The numbers of one process, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self.requests = Counter(
            "colrow_requests", "Requests answered.", labels, registry=self.registry
        )
        self.seconds = Histogram(
            "colrow_request_seconds",
            "Time to the first byte of the answer.",
            ("route",),
            buckets=SECONDS,
            registry=self.registry,
        )


class Metered:
    """ASGI middleware that counts and times requests, by route."""

    def __init__(self, app: ASGIApp, *, meter: Meter) -> None:
        self.app = app
        self.meter = meter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does, counting."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begin = time.perf_counter()

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                # The template, never the path: a client must not be able to make up labels.
                route = getattr(scope.get("route"), "path", "none")
                method = scope["method"] if scope["method"] in METHODS else "other"
                self.meter.requests.labels(method, route, message["status"]).inc()
                self.meter.seconds.labels(route).observe(time.perf_counter() - begin)
            await send(message)

        await self.app(scope, receive, noting)


@dataclass(frozen=True)
class Now:
    """What the database says at one moment."""

    at: float
    jobs: Mapping[str, int]
    queue: Sequence[Waiting]
    workers: Sequence[WorkerView]
    deliveries: Mapping[str, int]
    counted: Mapping[tuple[str, str], float]


def look(session: Session, *, alive_s: float) -> Now:
    """Read it: a few queries, none of which grows with the points."""
    return Now(
        at=clock.read(session),
        jobs=counts.by_state(session),
        queue=counts.queued(session),
        workers=workers.list_workers(session, alive_s=alive_s),
        deliveries=counts.deliveries_by_state(session),
        counted=counters.read(session),
    )


class Snapshot(Collector):
    """What the database says now, and how many streams are open."""

    def __init__(self, now: Now, *, open_streams: int) -> None:
        self.now = now
        self.open_streams = open_streams

    def collect(self) -> Iterable[Metric]:
        """Give the metrics."""
        now = self.now
        told = InfoMetricFamily("colrow_build", "Version of the api and schema of its database.")
        told.add_metric([], {"version": VERSION, "schema": SCHEMA_VERSION})
        yield told
        yield _by("colrow_jobs", "Jobs by state.", "state", now.jobs)
        yield from _queue(now)
        yield from _counted(now.counted)
        states: list[str] = [answered(view).state for view in now.workers]
        here = {state: states.count(state) for state in WORKER_STATES}
        yield _by("colrow_workers", "Workers (slots) by state.", "state", here)
        yield from _of_workers(now)
        yield from _of_devices(now.workers)
        yield _by("colrow_deliveries", "Messages to webhooks by state.", "state", now.deliveries)
        yield GaugeMetricFamily(
            "colrow_event_streams", "Open event streams.", value=self.open_streams
        )


def _by(name: str, says: str, label: str, values: Mapping[str, float]) -> Metric:
    gauge = GaugeMetricFamily(name, says, labels=[label])
    for key, value in values.items():
        gauge.add_metric([key], value)
    return gauge


def _queue(now: Now) -> Iterable[Metric]:
    says = "Queued jobs by the kind of device they ask for."
    yield _by("colrow_queued_jobs", says, "kind", {one.kind: one.count for one in now.queue})
    ages = {
        one.kind: max(0.0, now.at - one.oldest_queued_at)
        for one in now.queue
        if one.oldest_queued_at is not None
    }
    says = "How long the job has waited that waits longest; no sample where none waits."
    yield _by("colrow_queue_oldest_wait_seconds", says, "kind", ages)


def _counted(counted: Mapping[tuple[str, str], float]) -> Iterable[Metric]:
    ended = CounterMetricFamily(
        "colrow_attempts_ended",
        "Attempts by how they ended; `lost` is also one that a stopping worker gave back.",
        labels=["state", "reason"],
    )
    for (name, label), value in counted.items():
        if name == counters.ATTEMPTS:
            state, _, reason = label.partition("/")
            ended.add_metric([state, reason], value)
    yield ended
    yield CounterMetricFamily(
        "colrow_points_written", "Points written.", value=counted.get((counters.POINTS, ""), 0)
    )
    waits = HistogramMetricFamily(
        "colrow_job_wait_seconds", "Time from the queue to the first start of a job."
    )
    total, buckets = 0.0, []
    for bound in counters.WAIT_BOUNDS_S:
        total += counted.get((counters.WAITS, str(bound)), 0)
        buckets.append(("+Inf" if math.isinf(bound) else str(float(bound)), total))
    waits.add_metric([], buckets, counted.get((counters.WAITED_S, ""), 0))
    yield waits


def _of_workers(now: Now) -> Iterable[Metric]:
    def gauge(name: str, says: str, of: Callable[[WorkerView], float | None]) -> Metric:
        made = GaugeMetricFamily(name, says, labels=["worker", "host"])
        for view in now.workers:
            value = of(view)
            if view.alive and value is not None:
                made.add_metric([view.name, view.host], value)
        return made

    yield gauge(
        "colrow_worker_heartbeat_age_seconds",
        "Time since the last heartbeat, of workers that live.",
        lambda view: max(0.0, now.at - view.seen_at),
    )
    yield gauge(
        "colrow_worker_clock_offset_seconds",
        "By how much a worker's clock is ahead of the database's.",
        lambda view: view.clock_offset_s,
    )
    yield gauge(
        "colrow_worker_memory_bytes",
        "Memory of a worker: of its devices, or on a CPU of its host.",
        lambda view: view.memory_bytes,
    )
    yield gauge(
        "colrow_worker_memory_used_bytes",
        "Of that, used, by whomever.",
        lambda view: view.memory_used_bytes,
    )


def _of_devices(views: Sequence[WorkerView]) -> Iterable[Metric]:
    def gauge(name: str, says: str, of: Callable[[DeviceUse], float | None]) -> Metric:
        made = GaugeMetricFamily(name, says, labels=["worker", "host", "device", "name"])
        for view in views:
            for use in view.device_use if view.alive else ():
                value = of(use)
                if value is not None:
                    made.add_metric([view.name, view.host, use.device, use.name or ""], value)
        return made

    yield gauge(
        "colrow_device_memory_bytes", "Memory of a device, by NVML.", lambda use: use.memory_bytes
    )
    yield gauge(
        "colrow_device_memory_used_bytes", "Of that, used.", lambda use: use.memory_used_bytes
    )
    yield gauge(
        "colrow_device_utilization_ratio",
        "Share of the last moments in which a kernel ran, by NVML.",
        lambda use: use.utilization,
    )
