"""Compare groups of jobs: mean and spread over seeds, differences to the exact baseline, Pareto front."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

X_AXES = ("compute_reduction", "planned_compute_reduction", "time_saved")


@dataclass(frozen=True)
class Stat:
    """Mean and sample standard deviation (None below two values) of n values. No values: mean None."""

    mean: float | None
    std: float | None
    n: int


@dataclass(frozen=True)
class Delta:
    """Difference to the baseline. `paired`: taken seed by seed over the n seeds that both have."""

    mean: float
    std: float | None
    n: int
    paired: bool


@dataclass(frozen=True)
class GroupMember:
    """One job of a group. Only jobs that succeeded count in the statistics."""

    job: str
    seed: int
    state: str
    x: float | None
    y: float | None


@dataclass(frozen=True)
class Group:
    """Jobs that differ in nothing but the seed (or in what `group_by` leaves out)."""

    key: str
    label: str
    settings: dict[str, Any]
    """Paths of the spec, and the values in which the groups differ."""
    policy: str
    ratio: float | None
    """Of the forward product; 1 when exact, None when rules differ in it."""
    model: str
    dataset: str
    n: int
    pending: int
    members: tuple[GroupMember, ...]
    x: Stat
    y: Stat
    seconds: Stat
    planned_compute_reduction: Stat
    delta_y: Delta | None
    seconds_ratio: float | None
    """Mean training time over that of the baseline."""
    baseline: str | None
    """Key of the group it is measured against."""
    is_baseline: bool
    is_pareto: bool


@dataclass(frozen=True)
class Comparison:
    """Groups in the order of x. `baseline` is the one of all groups, None when there are several or none."""

    x: str
    y: str
    baseline: str | None
    groups: tuple[Group, ...]


def compare(
    session: Session,
    *,
    job_ids: Sequence[str] = (),
    sweep_ids: Sequence[str] = (),
    x: str = "compute_reduction",
    y: str = "best_test_accuracy",
    group_by: Sequence[str] = (),
) -> Comparison:
    """Compare the jobs given and those of the sweeps given.

    `group_by` are paths of the spec (`approximation.0.policy.name`, `model.name`); left out, jobs that
    differ in the seed alone are one group. Raises NotFound, BadQuery.
    """
    ...
