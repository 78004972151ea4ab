"""Jobs as the service answers, and records of them."""

from colrow.reproduction import mnist
from colrow.reproduction.identity import identity
from colrow.reproduction.records import Record
from crs_core.spec import parse_any

SPEC = mnist.MLP_EXACT.spec(0, quick=True)
VERSIONS = {"python": "3.11.7", "torch": "2.13.0"}
ENVIRONMENT = {"processor": "Quick 9000", "system": "Linux", "MKL_DYNAMIC": "FALSE"}


def attempt(**changes):
    return {
        "device": "cpu", "threads": 1, "versions": VERSIONS, "git_revision": "a" * 40,
        "environment": ENVIRONMENT,
    } | changes  # fmt: skip


def job(spec=SPEC, **changes):
    """Give a job as the service answers; of what nobody reads here nothing."""
    summary = {
        name: {"last": value, "best": None, "at_best_validation": None}
        for name, value in {"best_test_accuracy": 0.98123456789, "seconds": 71.25}.items()
    }
    return {
        "id": "0193",
        "state": "succeeded",
        "reason": None,
        "spec": parse_any(spec).model_dump(mode="json"),
        "finished_at": "2026-11-24T10:20:30.5Z",
        "planned_compute_reduction": 0.123456789,
        "summary": summary,
        "attempts": [attempt(threads=4), attempt()],
        "device": "Quick 9000, 1 thread",
        "time_caveat": None,
    } | changes


def curve(metric, steps, values):
    return {"job": "0193", "metric": metric, "steps": steps, "values": values}


def made(seed=0, setting=mnist.MLP_EXACT, **changes):
    """Give a record; the later its seed, the later its end."""
    return Record.model_validate(
        {
            "job": f"job-{seed}",
            "finished_at": f"2026-11-{10 + seed}T10:00:00Z",
            "state": "succeeded",
            "spec": setting.spec(seed, quick=True),
            "planned_compute_reduction": 0.0,
            "summary": {"best_test_accuracy": 0.97 + 0.001 * seed},
            "source": {},
        }
        | changes
    )


def by_training(*found):
    return {identity(each.spec): each for each in found}
