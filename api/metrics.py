"""Numbers for Prometheus: requests as they happen, the rest read from the database when asked."""

import time
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.live import Hub

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
METHODS = frozenset({"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"})


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


class Snapshot(Collector):
    """What the database says now, as gauges."""

    def __init__(self, jobs: dict[str, int], workers: dict[str, int], hub: Hub) -> None:
        self.jobs = jobs
        self.workers = workers
        self.hub = hub

    def collect(self) -> Iterable[Metric]:
        """Give the gauges."""
        jobs = GaugeMetricFamily("colrow_jobs", "Jobs by state.", labels=["state"])
        for state, count in self.jobs.items():
            jobs.add_metric([state], count)
        workers = GaugeMetricFamily("colrow_workers", "Workers by state.", labels=["state"])
        for state, count in self.workers.items():
            workers.add_metric([state], count)
        yield jobs
        yield workers
        yield GaugeMetricFamily(
            "colrow_event_streams", "Open event streams.", value=self.hub.open_streams
        )
