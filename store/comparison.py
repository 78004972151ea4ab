"""Compare groups of jobs: mean and spread over seeds, differences to exact, the Pareto front."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from crs_core.events import METRICS, STUDY_METRICS
from crs_core.evidence import Evidence, Lost, Margin
from crs_core.spec import facets
from crs_core.statistics import Delta, Stat, delta, front, stat
from store import timing
from store.errors import BadQuery
from store.grouping import at, canonical, labels_of, settings_of, work_of
from store.measured import Measured, read_measured
from store.qualities import ALIASES, usual_quality
from store.verdicts import Judgement

__all__ = ["Comparison", "Delta", "Evidence", "Group", "GroupMember", "Margin", "Stat", "compare"]

X_AXES = ("compute_reduction", "planned_compute_reduction", "time_saved")
_PER_RATIO = (*STUDY_METRICS, "macs", "compute_reduction")


@dataclass(frozen=True)
class GroupMember:
    """One job of a group. Only jobs that succeeded count in the statistics.

    Those that diverged count in the verdict: a group that has them, or whose baseline does, is
    never `within`.
    """

    job: str
    seed: int
    state: str
    reason: str | None
    """The kind of the reason for which it failed."""
    x: float | None
    y: float | None


@dataclass(frozen=True)
class Group:
    """Jobs that differ in seed and limits at most (or in what `group_by` leaves out)."""

    key: str
    label: str
    settings: dict[str, Any]
    """Paths of the spec, and the values in which the groups differ."""
    policy: str
    ratio: float | None
    """Of the forward product; 1 when exact, None when sampled rules differ in it."""
    model: str
    dataset: str
    n: int
    pending: int
    """Members that are not at their end yet."""
    members: tuple[GroupMember, ...]
    x: Stat
    y: Stat
    seconds: Stat
    planned_compute_reduction: Stat
    delta_y: Delta | None
    evidence: Evidence | None
    """Of the difference in y; None as `delta_y`, and where no direction of y is better."""
    seconds_ratio: float | None
    """Mean training time over that of the baseline, of the jobs whose times can be compared."""
    time_caveat: str | None
    """Why it is not to be trusted, or there is none, as `shared host`; None: nothing speaks against
    it."""
    baseline: str | None
    """Key of the group it is measured against."""
    is_baseline: bool
    is_pareto: bool


@dataclass(frozen=True)
class Comparison:
    """Groups in the order of x. `baseline`: the one of all groups, None when several or none."""

    x: str
    y: str
    margin: Margin
    baseline: str | None
    groups: tuple[Group, ...]


def compare(
    session: Session,
    *,
    job_ids: Sequence[str] = (),
    sweep_ids: Sequence[str] = (),
    x: str = "compute_reduction",
    y: str | None = None,
    group_by: Sequence[str] = (),
    margin: float | None = None,
) -> Comparison:
    """Compare the jobs given and those of the sweeps given.

    `y` left out is the test accuracy at the best validation, or the perplexity where that is what
    the jobs tell. `margin`, in per cent, is how much worse than its baseline a group may be to lose
    nothing: in points where y is a share, else of the baseline's mean.

    `group_by` are paths of the spec (`approximation.0.policy.name`, `model.name`); left out, jobs
    that differ in their seeds alone, or in what they may use, are one group. Raises NotFound,
    BadQuery; also of studies, where y has a value for each of several ratios.
    """
    asked, y = y, ALIASES.get(y, y) if y else usual_quality(session, job_ids, sweep_ids)
    if x not in X_AXES or y not in METRICS:
        raise BadQuery(
            f"cannot compare {y!r} against {x!r}; y is one of {', '.join(METRICS)}, "
            f"x one of {', '.join(X_AXES)}"
        )
    judged = Judgement.of(y, margin)
    runs = read_measured(session, job_ids, sweep_ids, x, y)
    _refuse_curves(runs, y, is_asked=asked is not None)
    grouped: dict[str, list[Measured]] = defaultdict(list)
    for run in runs:
        identity = (
            canonical([at(run.spec, path) for path in group_by])
            if group_by
            else canonical(work_of(run.spec))
        )
        grouped[hashlib.sha256(identity.encode()).hexdigest()[:12]].append(run)
    for path in group_by:
        if runs and all(at(run.spec, path) is None for run in runs):
            raise BadQuery(f"no spec has {path!r}; a path is dotted, as in approximation.0.forward")
    baselines = _baselines(grouped)
    specs = {key: members[0].spec for key, members in grouped.items()}
    settings = settings_of(specs, group_by)
    labels = labels_of(specs, settings, chosen=bool(group_by))
    groups = [
        _group(key, members, settings[key], grouped.get(baselines.get(key, ""), ()), x, judged)
        for key, members in grouped.items()
    ]
    groups = [replace(g, label=labels[g.key], baseline=baselines.get(g.key)) for g in groups]
    groups = _mark_front(groups, 1.0 if METRICS[y].better != "lower" else -1.0, x)
    groups.sort(key=lambda g: (g.x.mean is None, g.x.mean or 0.0, g.label))
    only = set(baselines.values())
    return Comparison(x, y, judged.margin, only.pop() if len(only) == 1 else None, tuple(groups))


def _refuse_curves(runs: Sequence[Measured], y: str, *, is_asked: bool) -> None:
    """Refuse what studies tell ratio by ratio; of one with a single ratio it is one number."""
    are_curves = [run.ratios > 1 for run in runs]
    if any(are_curves) and (y in _PER_RATIO or (not is_asked and all(are_curves))):
        raise BadQuery(
            "a study has its errors ratio by ratio, and a comparison has one number a job: look "
            "at the curves on the page Studies, or write them down with `colrow report SWEEP`"
        )


def _baselines(grouped: Mapping[str, Sequence[Measured]]) -> dict[str, str]:
    """Give for each group the exact one of the same model, data and training, if there is one.

    One of the same resources comes first: only that one's times can be compared.
    """
    settings = {
        key: (frozenset(m.setting for m in members), frozenset(m.resources for m in members))
        for key, members in grouped.items()
    }
    alike: dict[Any, str] = {}
    for key, members in grouped.items():
        if all(member.policy == "exact" for member in members):
            alike.setdefault(settings[key], key)
            alike.setdefault(settings[key][0], key)
    found = {key: alike.get(both) or alike.get(both[0]) for key, both in settings.items()}
    return {key: exact for key, exact in found.items() if exact is not None}


def _group(
    key: str,
    members: Sequence[Measured],
    settings: dict[str, Any],
    base: Sequence[Measured],
    x: str,
    judged: Judgement,
) -> Group:
    counted = [m for m in members if m.state == "succeeded"]
    base_counted = [m for m in base if m.state == "succeeded"]
    times = timing.against([m.timed for m in counted], [m.timed for m in base_counted])
    of = dict(zip((m.id for m in counted), times.of, strict=False))
    xs = {m.id: _x(m, x, times.seconds if of.get(m.id) else None) for m in counted}
    compared = stat(m.seconds for m in counted if of.get(m.id)).mean
    policies, ratios = {m.policy for m in members}, {m.ratio for m in members}
    ours = [(m.seed, m.y) for m in counted]
    theirs = [(m.seed, m.y) for m in base_counted]
    is_baseline = base is members
    shown = facets(members[0].spec)
    return Group(
        key=key,
        label="",
        settings=settings,
        policy=policies.pop() if len(policies) == 1 else "mixed",
        ratio=ratios.pop() if len(ratios) == 1 else None,
        model=shown.model,
        dataset=shown.dataset,
        n=len(counted),
        pending=sum(m.state in ("queued", "running", "paused") for m in members),
        members=tuple(
            GroupMember(m.id, m.seed, m.state, m.reason, xs.get(m.id), m.y) for m in members
        ),
        x=stat(xs.values()),
        y=stat(value for _, value in ours),
        seconds=stat(m.seconds for m in counted),
        planned_compute_reduction=stat(m.planned for m in members),
        delta_y=None if is_baseline else delta(ours, theirs),
        evidence=None if is_baseline else judged.weigh(ours, theirs, _lost(members), _lost(base)),
        seconds_ratio=compared / times.seconds if compared and times.seconds else None,
        time_caveat=None if is_baseline else times.caveat,
        baseline=None,
        is_baseline=is_baseline,
        is_pareto=False,
    )


def _lost(members: Sequence[Measured]) -> Lost:
    return Lost(sum(m.reason == "diverged" for m in members), len(members))


def _x(run: Measured, x: str, base_seconds: float | None) -> float | None:
    if x == "planned_compute_reduction":
        return run.planned
    if x == "time_saved":
        return 1 - run.seconds / base_seconds if run.seconds is not None and base_seconds else None
    return run.x


def _mark_front(groups: Sequence[Group], sign: float, x: str) -> list[Group]:
    """Mark the groups that no other of the same model and data set beats in both directions.

    A time saved that is no measure beats nothing.
    """
    marked = list(groups)
    for setting in {(group.model, group.dataset) for group in groups}:
        of_set = [i for i, g in enumerate(groups) if (g.model, g.dataset) == setting]
        points = [
            None
            if g.x.mean is None or g.y.mean is None or (x == "time_saved" and g.time_caveat)
            else (g.x.mean, sign * g.y.mean)
            for g in (groups[i] for i in of_set)
        ]
        for i, best in zip(of_set, front(points), strict=True):
            marked[i] = replace(groups[i], is_pareto=best)
    return marked
