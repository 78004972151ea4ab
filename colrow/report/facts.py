"""What jobs ran on, and how they went: tables that every report has."""

from collections.abc import Mapping, Sequence

from colrow import timing
from colrow.answers import Job
from colrow.figures import NONE, duration, last, share
from colrow.report.document import Mark, Table
from colrow.scales import Scale

_NAMES = {
    "revision": "git revision", "colrow": "Colrow", "python": "Python", "torch": "torch",
    "cuda": "CUDA", "gpu": "GPU", "driver": "CUDA driver", "times": "measured times",
}  # fmt: skip


def surroundings(jobs: Sequence[Job]) -> Table:
    """List the versions and the hardware of the last attempts, with how many jobs had each."""
    found: dict[str, dict[str, int]] = {}
    for job in jobs:
        if not job["attempts"]:
            continue
        attempt = job["attempts"][-1]
        said = {"host": attempt["host"], "device": attempt["device"] or NONE}
        said |= {"threads a job": str(attempt["threads"] or NONE)} | timing.surroundings(attempt)
        if job["device"] or job["time_caveat"]:
            said["times"] = job["time_caveat"] or "can be compared"
        for name, value in said.items():
            values = found.setdefault(_NAMES.get(name, name), {})
            values[value] = values.get(value, 0) + 1
    return Table(
        ("what", "value"), tuple((name, _counted(values)) for name, values in found.items())
    )


def _counted(values: Mapping[str, int]) -> str:
    if len(values) == 1:
        return next(iter(values))
    return "; ".join(f"{value} ({count} jobs)" for value, count in values.items())


def job_table(labels: Mapping[str, str], jobs: Sequence[Job], metric: str) -> Table:
    """List jobs, a line each; `labels` name the groups by the ids of their jobs."""
    scale = Scale.of(metric)
    rows = []
    for job in sorted(jobs, key=lambda j: (labels.get(j["id"], ""), j["seed"])):
        summary = job["summary"]
        seconds, sampling = last(summary, "seconds"), last(summary, "sampling_seconds")
        in_sampling = sampling / seconds if seconds and sampling is not None else None
        rows.append(
            (
                labels.get(job["id"], NONE),
                str(job["seed"]),
                state(job),
                scale.value(last(summary, metric)),
                share(job["planned_compute_reduction"]),
                share(last(summary, "compute_reduction")),
                duration(seconds),
                share(in_sampling),
                timing.ran_on(job),
                str(job["attempt_count"]),
                job["id"],
            )
        )
    columns = (
        "group", ">seed", "state", f">{scale.title}", ">reduction planned", ">performed",
        ">training time", ">in sampling", "on", ">attempts", "job",
    )  # fmt: skip
    return Table(columns, tuple(rows))


def state(job: Job) -> str | Mark:
    """Give the state, with the reason where a job did not succeed."""
    if job["state"] == "succeeded":
        return "succeeded"
    reason = f": {job['reason']['kind']}" if job["reason"] else ""
    return Mark(job["state"] + reason, "bad" if job["state"] == "failed" else "open")
