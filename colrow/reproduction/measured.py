"""Records of what a service has: its jobs with a result, and what a report needs of each."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from colrow.answers import Curve, Job, JobItem
from colrow.client import Client
from colrow.figures import last
from colrow.reproduction.parts import Experiment, Setting
from colrow.reproduction.records import ALONE, Record, Source, Track, Weights
from colrow.reproduction.runs import Runs, Scale, has_result
from crs_core.events import QUALITY
from crs_core.spec import parse_any

Reader = Callable[[JobItem], Sequence[Weights]]
"""Gives the weights of a job; none where its checkpoint cannot be reached."""

AT_ONCE = 20
"""Jobs whose curves are read in one request."""
MOST_POINTS = 100
"""Of a learning curve."""
_OF_TRAINING = tuple(f"validation_{quality}" for quality in QUALITY.values())
_OF_STUDY = (
    "frobenius_error", "spectral_error", "element_error", "rms_error", "expected_error",
    "error_bound", "zero_error", "compute_reduction", "product_seconds", "exact_product_seconds",
)  # fmt: skip
"""Of the curves of a job those that are kept."""
_SUMMARY = (
    *(f"{part}_{q}" for q in QUALITY.values() for part in ("best_test", "test", "validation")),
    "train_loss", "compute_reduction", "seconds", "sampling_seconds", "peak_memory_bytes",
)  # fmt: skip
_HARDWARE = ("processor", "cores", "memory")
_DIGITS, _STUDY_DIGITS = 6, 4


def measured(
    client: Client,
    runs: Runs,
    experiments: Sequence[Experiment],
    scale: Scale,
    *,
    weights: Reader | None = None,
) -> dict[str, Record]:
    """Read the results of experiments, by what is trained.

    `weights` reads those of an exact training's first seed, where its checkpoints can be reached.
    """
    wanted: dict[str, tuple[Setting, JobItem]] = {}
    for setting in (s for experiment in experiments for s in experiment.settings):
        for key in scale.keys(setting).values():
            found = runs.job(key)
            if found is not None and has_result(found):
                wanted.setdefault(key, (setting, found))
    curves = _curves(client, [j["id"] for _, j in wanted.values() if j["state"] == "succeeded"])
    records = {}
    for key, (setting, item) in wanted.items():
        job = client.job(item["id"])
        is_first = setting.series == "exact" and job["seed"] == 0 and job["state"] == "succeeded"
        entries = weights(job) if weights is not None and is_first else ()
        records[key] = record(job, curves.get(job["id"], ()), entries)
    return records


def _curves(client: Client, ids: Sequence[str]) -> dict[str, list[Curve]]:
    found: dict[str, list[Curve]] = {}
    for begin in range(0, len(ids), AT_ONCE):
        some = ids[begin : begin + AT_ONCE]
        for curve in client.curves(some, metrics=[*_OF_TRAINING, *_OF_STUDY]):
            found.setdefault(curve["job"], []).append(curve)
    return found


def record(job: Job, curves: Iterable[Curve] = (), weights: Iterable[Weights] = ()) -> Record:
    """Make the record of a job that succeeded or diverged."""
    assert job["spec"] is not None, "of a whole job"
    assert job["finished_at"] is not None, "it has ended"
    spec = parse_any(job["spec"])
    is_study = spec.kind != "training"
    tracks = _tracks(curves, _OF_STUDY if is_study else _OF_TRAINING)
    values = {name: last(job["summary"], name) for name in _SUMMARY}
    if is_study:
        # Told ratio by ratio: the last ratio's would say that nothing is saved.
        values |= {"compute_reduction": _mean(tracks, "compute_reduction")}
    return Record(
        job=job["id"],
        finished_at=datetime.fromisoformat(job["finished_at"]),
        state="succeeded" if job["state"] == "succeeded" else "diverged",
        reason=job["reason"]["message"] if job["reason"] else None,
        spec=spec.model_dump(mode="json", exclude_none=True),
        planned_compute_reduction=rounded(job["planned_compute_reduction"]),
        summary={name: rounded(value) for name, value in values.items() if value is not None},
        tracks=tuple(_short(track, is_study=is_study) for track in tracks),
        weights=tuple(_short_weights(list(weights))),
        source=_source(job),
    )


def _source(job: Job) -> Source:
    if not job["attempts"]:
        return Source()
    attempt = job["attempts"][-1]
    versions = dict(attempt["versions"] or {})
    of_old = versions.pop("revision", None)  # attempts of before told it among the versions
    found = attempt["environment"] or {}
    versions |= {name: found[name] for name in _HARDWARE if name in found}
    return Source(
        revision=attempt["git_revision"] or of_old,
        device=attempt["device"],
        threads=attempt["threads"],
        versions=dict(sorted(versions.items())),
        times=job["time_caveat"] or ALONE,
    )


def _tracks(curves: Iterable[Curve], kept: Sequence[str]) -> list[Track]:
    """Put curves over the same steps together."""
    by_steps: dict[tuple[int, ...], dict[str, tuple[float | None, ...]]] = {}
    for curve in curves:
        if curve["metric"] in kept:
            values = by_steps.setdefault(tuple(curve["steps"]), {})
            values[curve["metric"]] = tuple(curve["values"])
    return [Track(steps=steps, values=values) for steps, values in by_steps.items()]


def _mean(tracks: Iterable[Track], metric: str) -> float | None:
    values = [v for t in tracks for v in t.values.get(metric, ()) if v is not None]
    return math.fsum(values) / len(values) if values else None


def _short(track: Track, *, is_study: bool) -> Track:
    """Round, and of a long learning curve keep every so many points, counted from its end.

    Seeds of one setting have the same steps, and so keep the same ones.
    """
    stride = 1 if is_study else math.ceil(len(track.steps) / MOST_POINTS)
    places = range(len(track.steps))[::-1][::stride][::-1]
    values: dict[str, Any] = {}
    for metric, found in track.values.items():
        digits = _STUDY_DIGITS if is_study and metric != "frobenius_error" else _DIGITS
        values[metric] = [None if found[i] is None else rounded(found[i], digits) for i in places]
    return Track(steps=tuple(track.steps[i] for i in places), values=values)


def _short_weights(weights: Sequence[Weights]) -> list[Weights]:
    """Round, and keep the histogram of the largest alone, which is the one that is drawn."""
    largest = max(weights, key=lambda w: w.count, default=None)
    return [
        Weights(
            name=each.name,
            count=each.count,
            mean=rounded(each.mean),
            std=rounded(each.std),
            skewness=rounded(each.skewness),
            positive=rounded(each.positive),
            edges=tuple(rounded(e, 4) for e in each.edges) if each is largest else (),
            counts=tuple(rounded(c, 4) for c in each.counts) if each is largest else (),
        )
        for each in weights
    ]


def rounded(value: float | None, digits: int = _DIGITS) -> float:
    """Round to so many significant digits."""
    assert value is not None
    return float(f"{value:.{digits}g}")


def merged(recorded: Mapping[str, Record], own: Mapping[str, Record]) -> dict[str, Record]:
    """Put the service's results over those that were recorded.

    Weights once read of a job stay when its checkpoint is no longer at hand.
    """
    found = {**recorded, **own}
    for key in recorded.keys() & own.keys():
        before, now = recorded[key], own[key]
        if before.job == now.job and not now.weights:
            found[key] = now.model_copy(update={"weights": before.weights})
    return found
