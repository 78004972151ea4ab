"""Which jobs a reproduction needs, which of them the service has, and queueing the rest.

A job belongs to a setting when its spec says the same training, whoever submitted it and for
which table; so tables share jobs, and an interrupted reproduction goes on with what is done. Jobs
are looked for among those with the tag `reproduce`; those of one experiment have
`reproduce:<its name>` too.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from colrow.answers import ENDED, JobItem
from colrow.client import Client
from colrow.reproduction.parts import Experiment, Setting
from crs_core.spec import parse_any

TAG = "reproduce"
_NOT_TRAINING = ("report", "resources")
"""Parts of a spec that change nothing of what is learned."""


@dataclass(frozen=True)
class Scale:
    """How much of a reproduction is run."""

    quick: bool = False
    seeds: int | None = None
    """The most seeds a setting gets; None: as many as it says."""

    def of(self, setting: Setting) -> range:
        """Give the seeds of a setting."""
        return range(setting.count(quick=self.quick, seeds=self.seeds))


def identity(spec: Mapping[str, Any]) -> str:
    """Give a text that is equal for specs of the same training. Raises SpecError."""
    whole = parse_any(spec).model_dump(mode="json")
    return json.dumps({k: v for k, v in whole.items() if k not in _NOT_TRAINING}, sort_keys=True)


class Runs:
    """The jobs of reproductions that a service has, by what they train."""

    def __init__(self, jobs: Iterable[JobItem]) -> None:
        self._jobs: dict[str, JobItem] = {}
        for job in jobs:
            assert job["spec"] is not None, "asked for"
            key = identity(job["spec"])
            if key not in self._jobs or job["state"] == "succeeded":
                self._jobs[key] = job

    def job(self, spec: Mapping[str, Any]) -> JobItem | None:
        """Give the job of a spec, one that succeeded before others."""
        return self._jobs.get(identity(spec))

    def of(self, setting: Setting, scale: Scale) -> dict[int, JobItem]:
        """Give the jobs of a setting by seed, in whatever state they are."""
        found = {s: self.job(setting.spec(s, quick=scale.quick)) for s in scale.of(setting)}
        return {seed: job for seed, job in found.items() if job is not None}


def read(client: Client) -> Runs:
    """Read what the service has."""
    return Runs(client.jobs(tag=[TAG]))


def queue(client: Client, experiment: Experiment, scale: Scale) -> int:
    """Queue what an experiment lacks, as a sweep for each recipe; say how many jobs that makes.

    Jobs that failed for a reason of the machine, or were cancelled, are queued again; one that
    diverged is a result. Called again, it queues nothing twice.
    """
    runs = read(client)
    made = 0
    seen: set[str] = set()
    missing: dict[str, list[dict[str, Any]]] = {}
    bases: dict[str, Mapping[str, Any]] = {}
    for setting in experiment.settings:
        for seed in scale.of(setting):
            spec = setting.spec(seed, quick=scale.quick)
            key = identity(spec)
            if key in seen:  # small versions of two recipes may be one training
                continue
            seen.add(key)
            job = runs.job(spec)
            if job is None:
                base = setting.recipe.quick if scale.quick else setting.recipe.full
                bases[setting.recipe.name] = base
                variant = {part: v for part, v in spec.items() if base.get(part) != v}
                missing.setdefault(setting.recipe.name, []).append(variant)
            elif is_worth_another_try(job):
                client.retry(job["id"])
                made += 1
    for name, variants in missing.items():
        sweep = client.sweep(
            bases[name],
            variants=variants,
            name=f"{experiment.name}: {name}",
            tags=_tags(experiment, scale),
            priority=experiment.priority,
            idempotency_key=_key(experiment, bases[name], variants),
        )
        made += len(sweep["jobs"])
    return made


def is_worth_another_try(job: JobItem) -> bool:
    """Whether a job ended without a result, for a reason that can pass."""
    if job["state"] == "cancelled":
        return True
    kind = job["reason"]["kind"] if job["reason"] else None
    return job["state"] == "failed" and kind not in ("diverged", "spec")


def unfinished(runs: Runs, experiments: Sequence[Experiment], scale: Scale) -> list[JobItem]:
    """List the jobs that have not ended yet, each once."""
    found = {
        job["id"]: job
        for experiment in experiments
        for setting in experiment.settings
        for job in runs.of(setting, scale).values()
        if job["state"] not in ENDED
    }
    return list(found.values())


def _tags(experiment: Experiment, scale: Scale) -> list[str]:
    size = "quick" if scale.quick else "full"
    return [TAG, f"{TAG}:{experiment.name}", f"{TAG}:{size}"]


def _key(
    experiment: Experiment, base: Mapping[str, Any], variants: Sequence[Mapping[str, Any]]
) -> str:
    said = json.dumps([base, variants], sort_keys=True)
    return f"{TAG}:{experiment.name}:{hashlib.sha256(said.encode()).hexdigest()[:32]}"
