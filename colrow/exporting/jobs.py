"""What is written of a job, whatever the tool that reads it."""

import hashlib
import json
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from colrow.client import Client
from crs_core.spec import flatten


class Value(NamedTuple):
    """One point. `value` is nan where the number was not finite; `at_s` is seconds since 1970."""

    step: int
    value: float
    at_s: float


@dataclass(frozen=True)
class ExportedJob:
    """A job as others keep it: parameters by dotted path, every point, its tags."""

    id: str
    name: str
    state: str
    sweep: str | None
    owner: str
    policy: str
    tags: tuple[str, ...]
    notes: str
    parameters: dict[str, Any]
    curves: dict[str, list[Value]]
    began_s: float
    """When it was first started; when it was submitted if it never was."""
    ended_s: float | None
    digest: str
    """Equal for equal content: a job that went on, or was renamed, has another."""

    @property
    def title(self) -> str:
        """Its name, and what tells it from another of that name."""
        tail = self.id.rpartition("-")[2]
        return f"{self.name} {tail}" if self.name else tail


def read_jobs(
    client: Client, *, sweeps: Sequence[str], jobs: Sequence[str], metrics: Sequence[str]
) -> Iterator[ExportedJob]:
    """Read the jobs given and those of the sweeps given, one at a time; none given: every job.

    An id that is not there is told at once, not when its turn comes. Raises ColrowError.
    """
    return (_read(client, job_id, metrics) for job_id in _ids(client, sweeps, jobs))


def _read(client: Client, job_id: str, metrics: Sequence[str]) -> ExportedJob:
    pieces = client.export(jobs=[job_id], metrics=metrics, format="json")
    (item,) = json.loads(b"".join(pieces))["items"]
    return exported(item)


def _ids(client: Client, sweeps: Sequence[str], jobs: Sequence[str]) -> list[str]:
    found = [client.job(job_id)["id"] for job_id in jobs]
    for sweep in sweeps:
        found += client.sweep_state(sweep)["jobs"]
    if not sweeps and not jobs:
        found = [job["id"] for job in client.jobs(sort="created_at", columns=["seconds"])]
    return list(dict.fromkeys(found))


def exported(item: dict[str, Any]) -> ExportedJob:
    """Make it of what the service exports as JSON."""
    began_s = _seconds(item["started_at"] or item["created_at"])
    curves = item["curves"]
    clock = _Clock(began_s, curves.get("seconds"))
    written = json.dumps(item, sort_keys=True, separators=(",", ":"))
    return ExportedJob(
        id=item["id"],
        name=item["name"],
        state=item["state"],
        sweep=item["sweep_id"],
        owner=item["owner"],
        policy=item["policy"],
        tags=tuple(item["tags"]),
        notes=item["notes"],
        parameters=flatten(item["spec"]),
        curves={
            metric: [
                Value(step, float("nan") if value is None else value, clock.at(step))
                for step, value in zip(curve["steps"], curve["values"], strict=True)
            ]
            for metric, curve in curves.items()
        },
        began_s=began_s,
        ended_s=_seconds(item["finished_at"]) if item["finished_at"] else None,
        digest=hashlib.sha256(written.encode()).hexdigest(),
    )


class _Clock:
    """When a step was: points keep no time, but the curve of training seconds tells it.

    Between its points it runs evenly; a job without that curve has all of its points at its start.
    """

    def __init__(self, began_s: float, seconds: dict[str, Any] | None) -> None:
        self.began_s = began_s
        told = zip(seconds["steps"], seconds["values"], strict=True) if seconds else ()
        known = [(0, 0.0), *((step, value) for step, value in told if value is not None)]
        self.steps: list[int] = [step for step, _ in known]
        self.values: list[float] = [value for _, value in known]

    def at(self, step: int) -> float:
        after = bisect_right(self.steps, step)
        if after == len(self.steps):
            return self.began_s + self.values[-1]
        if after == 0:
            return self.began_s
        (s0, s1), (t0, t1) = self.steps[after - 1 : after + 1], self.values[after - 1 : after + 1]
        return self.began_s + t0 + (t1 - t0) * (step - s0) / (s1 - s0)


def _seconds(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()
