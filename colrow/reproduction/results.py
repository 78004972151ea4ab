"""What the jobs of settings came to, read through the service."""

import math
from collections.abc import Mapping

from colrow.answers import Curve, JobItem
from colrow.client import Client
from colrow.figures import last
from colrow.reproduction.parts import Setting
from colrow.reproduction.runs import Runs, Scale


class Results:
    """The jobs of a reproduction and their numbers; curves are read when they are asked for."""

    def __init__(self, client: Client, runs: Runs, scale: Scale) -> None:
        self.client = client
        self.runs = runs
        self.scale = scale
        self._values: dict[int, dict[int, float]] = {}

    def jobs(self, setting: Setting) -> dict[int, JobItem]:
        """Give the jobs of a setting by seed, in whatever state."""
        return self.runs.of(setting, self.scale)

    def succeeded(self, setting: Setting) -> dict[int, JobItem]:
        """Give those that have a result."""
        found = self.jobs(setting)
        return {seed: job for seed, job in found.items() if job["state"] == "succeeded"}

    def values(self, setting: Setting) -> Mapping[int, float]:
        """Give the recipe's metric by seed: of a training its last value, of a study its mean."""
        known = self._values.get(id(setting))
        if known is None:
            known = self._values[id(setting)] = self._read(setting)
        return known

    def _read(self, setting: Setting) -> dict[int, float]:
        jobs, metric = self.succeeded(setting), setting.recipe.metric
        if not setting.recipe.is_study:
            read = {seed: last(job["summary"], metric) for seed, job in jobs.items()}
            return {seed: value for seed, value in read.items() if value is not None}
        by_job = {curve["job"]: curve for curve in self.curves(setting, metric)}
        return {seed: _mean(by_job[job["id"]]) for seed, job in jobs.items() if job["id"] in by_job}

    def curves(self, setting: Setting, metric: str) -> list[Curve]:
        """Read a metric of all jobs with a result, point by point."""
        ids = [job["id"] for job in self.succeeded(setting).values()]
        return self.client.curves(ids, metrics=[metric]) if ids else []


def _mean(curve: Curve) -> float:
    found = [value for value in curve["values"] if value is not None]
    return math.fsum(found) / len(found)
