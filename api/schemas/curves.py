"""Curves, comparisons and live events: what the charts draw."""

from typing import Any, Literal

from pydantic import Field

from api.schemas.base import Answer, Cursor, JobId
from api.schemas.jobs import JobState


class Curve(Answer):
    """One metric of one job: arrays of equal length."""

    job: JobId = Field(validation_alias="job_id")
    metric: str = Field(examples=["train_loss"])
    steps: list[int]
    values: list[float | None] = Field(description="Null where the number is not finite.")
    non_finite: list[int] = Field(description="Places in `values` that were not finite.")
    of: int = Field(description="Points there are; more than returned if `reduced`.")
    reduced: bool = Field(description="Whether points were left out, minimum and maximum kept.")


class CurveList(Answer):
    """Curves of one or many jobs."""

    items: list[Curve]
    next: Cursor


class Spread(Answer):
    """Mean and sample standard deviation over a group's members."""

    mean: float | None
    std: float | None = Field(description="Null with fewer than two members.")
    n: int


class Delta(Answer):
    """Difference of a group's mean to the baseline's."""

    mean: float
    std: float | None
    n: int
    paired: bool = Field(description="Taken seed by seed, over the n seeds that both have.")


class Margin(Answer):
    """How much worse than its baseline a group may be to lose nothing."""

    value: float = Field(description="In per cent.", examples=[0.2])
    is_relative: bool = Field(
        description="Of the baseline's mean (perplexity); else points of a share (accuracy)."
    )


class Evidence(Answer):
    """How sure a group's difference to its baseline is.

    The interval is Student's over pairs of equal seeds; where groups share no seed, Welch's.
    """

    mean: float = Field(description="The group's y less the baseline's.")
    low: float | None = Field(
        description="End of the 95 % confidence interval; null with fewer than two pairs."
    )
    high: float | None
    n: int = Field(description="Pairs; without any, members of the smaller group.")
    paired: bool = Field(description="Whether it was taken seed by seed.")
    margin: float = Field(description="The margin in y's own unit.")
    verdict: Literal["within", "worse", "undecided"] = Field(
        description="Of non-inferiority: the interval lies wholly on the good side of the margin, "
        "wholly on the other, or neither. Never `within` where a member diverged; never decided "
        "where one of the baseline did."
    )
    more_seeds: int | None = Field(
        description="How many more an undecided group needs, if mean and spread stay as they are; "
        "null: decided, more than 1,000, or a member diverged."
    )
    says: str = Field(examples=["undecided: 3 more seeds needed"])


class Member(Answer):
    """One job of a group."""

    job: JobId
    seed: int
    state: JobState
    reason: str | None = Field(
        description="The kind of the reason for which it failed.", examples=["diverged"]
    )
    x: float | None
    y: float | None


class Group(Answer):
    """Jobs that are the same but for what was grouped away (by default: the seed).

    Only jobs that succeeded count in the numbers.
    """

    key: str = Field(description="Stable: the same settings give the same key.")
    label: str = Field(examples=["topk 40 %"])
    settings: dict[str, Any] = Field(description="Path -> value of what differs between groups.")
    policy: str
    ratio: float | None = Field(
        description="Of the forward product: 1 if exact, null if the rules differ."
    )
    model: str
    dataset: str
    n: int = Field(description="Members that count.")
    pending: int = Field(description="Members that are not at their end yet.")
    members: list[Member]
    x: Spread
    y: Spread
    seconds: Spread
    planned_compute_reduction: Spread
    baseline: str | None = Field(description="Key of the group it is measured against.")
    delta_y: Delta | None = Field(description="Null for the baseline, or without one.")
    evidence: Evidence | None = Field(
        description="Null as `delta_y`, and where neither direction of y is better."
    )
    seconds_ratio: float | None = Field(
        description="Mean seconds over the baseline's, of the jobs that had the same kind of "
        "device to themselves; where there are none, of all, with a caveat."
    )
    time_caveat: str | None = Field(
        description="Why `seconds_ratio` is not to be trusted (`shared host`, `not recorded`) or "
        "null (`another device`); null: nothing speaks against it.",
        examples=["shared host"],
    )
    is_baseline: bool
    is_pareto: bool = Field(description="Whether no other group is better in both x and y.")


X = Literal["compute_reduction", "planned_compute_reduction", "time_saved"]


class Comparison(Answer):
    """Groups of jobs against each other."""

    x: str = Field(examples=["compute_reduction"])
    y: str = Field(examples=["best_test_accuracy"])
    better: Literal["higher", "lower", "none"] = Field(description="Which y is better.")
    margin: Margin
    baseline: str | None = Field(
        description="Key of the exact group; null if there is none, or one per model and data set."
    )
    groups: list[Group]


class ChangeEvent(Answer):
    """What the `data` of an event on `/events` holds; fields that do not apply are null.

    Event names: `job` (its state or its row changed), `points` (new points from `from_step` to
    `to_step`), `truncate` (points after `to_step` are void), `sweep`, `worker`, and `reset` (the
    place asked for is gone: read everything again).
    """

    job: JobId | None = Field(None, validation_alias="job_id")
    sweep: str | None = Field(None, validation_alias="sweep_id")
    worker: str | None = None
    attempt: int | None = None
    state: str | None = Field(
        None, description="Of a job: its state, or `deleted`; of a worker: its state."
    )
    from_step: int | None = None
    to_step: int | None = None
