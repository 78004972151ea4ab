"""Which jobs a reproduction needs, which of them the service has, and queueing the rest.

A job belongs to a setting when its spec says the same training, whoever submitted it and for
which table; so tables share jobs, and an interrupted reproduction goes on with what is done. Jobs
are looked for among those with the tag `reproduce`; those of one experiment have
`reproduce:<its name>` too.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from colrow.answers import ENDED, JobItem
from colrow.client import Client
from colrow.reproduction.identity import identity
from colrow.reproduction.parts import Experiment, Setting
from crs_core.errors import SpecError

TAG = "reproduce"


@dataclass(frozen=True)
class Scale:
    """How much of a reproduction is run."""

    quick: bool = False
    seeds: int | None = None
    """The most seeds a setting gets; None: as many as it says."""

    def of(self, setting: Setting) -> range:
        """Give the seeds of a setting."""
        return range(setting.count(quick=self.quick, seeds=self.seeds))

    def keys(self, setting: Setting) -> dict[int, str]:
        """Give what its jobs train, by seed."""
        return {seed: identity(setting.spec(seed, quick=self.quick)) for seed in self.of(setting)}


class Runs:
    """The jobs of reproductions that a service has, by what they train."""

    def __init__(self, jobs: Iterable[JobItem] = ()) -> None:
        """Take jobs, the newest first. Of those of one training the newest with a result counts."""
        self._jobs: dict[str, JobItem] = {}
        for job in jobs:
            assert job["spec"] is not None, "asked for"
            try:
                key = identity(job["spec"])
            except SpecError:  # of another version, or of a package that has gone: none of ours
                continue
            if key not in self._jobs or _rank(job) < _rank(self._jobs[key]):
                self._jobs[key] = job

    def job(self, key: str) -> JobItem | None:
        """Give the job of what is trained."""
        return self._jobs.get(key)


def _rank(job: JobItem) -> int:
    if has_result(job):
        return 0
    return 2 if job["state"] in ENDED else 1


def has_result(job: JobItem) -> bool:
    """Whether a job came to something: it succeeded, or its training diverged."""
    kind = job["reason"]["kind"] if job["reason"] else None
    return job["state"] == "succeeded" or (job["state"] == "failed" and kind == "diverged")


def read(client: Client) -> Runs:
    """Read what the service has."""
    return Runs(client.jobs(tag=[TAG]))


def queue(
    client: Client, experiment: Experiment, scale: Scale, recorded: Collection[str] = ()
) -> int:
    """Queue what an experiment lacks, as a sweep for each recipe; say how many jobs that makes.

    `recorded` is what has a result elsewhere. Jobs that failed for a reason of the machine, or were
    cancelled, are queued again; one that diverged is a result. Called again, it queues nothing
    twice.
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
            # Small versions of two recipes may be one training.
            if key in seen or key in recorded:
                continue
            seen.add(key)
            job = runs.job(key)
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


def unfinished(
    runs: Runs, experiments: Sequence[Experiment], scale: Scale, recorded: Collection[str] = ()
) -> list[JobItem]:
    """List the jobs that have not ended yet and have no result elsewhere, each once."""
    found = {
        job["id"]: job
        for experiment in experiments
        for setting in experiment.settings
        for key in scale.keys(setting).values()
        if key not in recorded and (job := runs.job(key)) is not None and job["state"] not in ENDED
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
