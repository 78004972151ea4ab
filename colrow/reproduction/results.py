"""What the jobs of settings came to: their records, and of those without a result the state."""

import math
from collections.abc import Iterable, Mapping

from colrow.answers import Curve
from colrow.reproduction.judge import Outcome
from colrow.reproduction.parts import Setting
from colrow.reproduction.records import Record
from colrow.reproduction.runs import Runs, Scale
from crs_core.spec import StudySpec, parse_any
from crs_core.study.plan import study_plan


class Results:
    """The results of a reproduction, wherever they come from."""

    def __init__(
        self, records: Mapping[str, Record], scale: Scale, runs: Runs | None = None
    ) -> None:
        """Take records by what they train, and the jobs of a service, where there is one."""
        self.scale = scale
        self._records = records
        self._runs = runs or Runs()
        self._keys: dict[int, dict[int, str]] = {}

    def keys(self, setting: Setting) -> dict[int, str]:
        """Give what its jobs train, by seed."""
        known = self._keys.get(id(setting))
        if known is None:
            known = self._keys[id(setting)] = self.scale.keys(setting)
        return known

    def of(self, setting: Setting) -> dict[int, Record]:
        """Give the records of a setting by seed, also of those that diverged."""
        found = {seed: self._records.get(key) for seed, key in self.keys(setting).items()}
        return {seed: record for seed, record in found.items() if record is not None}

    def succeeded(self, setting: Setting) -> dict[int, Record]:
        """Give those that succeeded."""
        return {s: r for s, r in self.of(setting).items() if r.state == "succeeded"}

    def states(self, setting: Setting) -> list[str]:
        """Say of each seed what became of it, in a word."""
        records = self.of(setting)
        said: list[str] = []
        for seed, key in self.keys(setting).items():
            job = self._runs.job(key)
            if seed in records:
                said.append(records[seed].state)
            elif job is None:
                said.append("not run")
            else:
                reason = job["reason"] if job["state"] == "failed" else None
                said.append(reason["kind"] if reason else job["state"])
        return said

    def outcome(self, setting: Setting) -> Outcome:
        """Give the recipe's metric by seed, and the seeds that diverged."""
        diverged = (s for s, r in self.of(setting).items() if r.state == "diverged")
        saved = [at_half(r, "compute_reduction") for r in self.succeeded(setting).values()]
        cost = 1 - saved[0] if saved and saved[0] is not None else None
        return Outcome(self.values(setting), frozenset(diverged), cost)

    def values(self, setting: Setting) -> Mapping[int, float]:
        """Give the recipe's metric by seed: of a training its last value, of a study its mean."""
        metric = setting.recipe.metric
        read = {
            seed: curve_mean(record, metric)
            if setting.recipe.is_study
            else record.summary.get(metric)
            for seed, record in self.succeeded(setting).items()
        }
        return {seed: value for seed, value in read.items() if value is not None}

    def curves(self, setting: Setting, metric: str) -> list[Curve]:
        """Give a metric of all that succeeded, point by point."""
        return curves(self.succeeded(setting).values(), metric)


def curves(records: Iterable[Record], metric: str) -> list[Curve]:
    """Give a metric of these jobs as the service would."""
    found = []
    for record in records:
        curve = record.curve(metric)
        if curve is not None:
            steps, values = curve
            gaps = [i for i, value in enumerate(values) if value is None]
            found.append(
                Curve(
                    job=record.job,
                    metric=metric,
                    steps=list(steps),
                    values=list(values),
                    non_finite=gaps,
                    of=len(steps),
                    reduced=False,
                )
            )
    return found


def curve_mean(record: Record, metric: str) -> float | None:
    """Average a metric over the points of a job."""
    curve = record.curve(metric)
    values = [value for value in curve[1] if value is not None] if curve else []
    return math.fsum(values) / len(values) if values else None


def at_half(record: Record, metric: str) -> float | None:
    """Give a metric of a study at that of its ratios which is nearest to a half."""
    spec, curve = parse_any(record.spec), record.curve(metric)
    if curve is None or not isinstance(spec, StudySpec):
        return None
    size = min(study_plan(spec).sizes, key=lambda size: abs(size.ratio - 0.5))
    return dict(zip(*curve, strict=True)).get(size.k)
