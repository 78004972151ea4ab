"""Jobs: what is submitted, what is answered, and the plan of a spec. Long, and one idea."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, WrapSerializer, WrapValidator
from pydantic_core.core_schema import ValidatorFunctionWrapHandler

from api.schemas.attempts import Attempt, Reason
from api.schemas.base import Answer, Cursor, JobId, Name, Notes, Priority, Request, SweepId, Tags
from api.schemas.plain import Plain
from crs_core.spec import AnySpec, Gate, Policy, RatioSchedule

JobState = Literal["queued", "running", "paused", "succeeded", "failed", "cancelled"]
Product = Literal["forward", "grad_input", "grad_weight"]

EXAMPLE_SPEC: dict[str, Any] = {
    "model": {"name": "mlp", "hidden": [128, 128]},
    "dataset": {"name": "digits"},
    "approximation": [{"layers": "*", "policy": "topk", "forward": 0.4, "backward": 0.5}],
    "training": {"epochs": 20, "batch_size": 50, "optimizer": {"name": "adam", "lr": 0.001}},
    "seed": 1,
}


def _or_as_stored(value: Any, check: ValidatorFunctionWrapHandler) -> Any:
    try:
        return check(value)
    except ValidationError:
        return value


# The function has no annotations: with one, OpenAPI would show its return type instead of a spec.
StoredSpec = Annotated[
    AnySpec,
    WrapValidator(_or_as_stored),
    WrapSerializer(lambda spec, write: spec if isinstance(spec, dict) else write(spec)),
]
"""A job's spec; what an older version stored and this one cannot run is shown as it is."""


class PlanRequest(Request):
    """A spec to be looked at; nothing is run."""

    spec: AnySpec = Field(examples=[EXAMPLE_SPEC])


class PlanProduct(Answer):
    """One product of one layer in one training step, at the ratios that its rule says."""

    product: Product
    ratio: float = Field(description="Nominal share of pairs kept.")
    pairs: int = Field(description="Pairs there are.")
    kept: int = Field(description="Pairs kept (k).")
    exact_macs: int = Field(description="Multiply-accumulates of the exact product, per step.")
    planned_macs: int = Field(description="Multiply-accumulates of the sampled product, per step.")
    reduction: float = Field(
        description="1 - planned / exact over the whole training, its schedule included."
    )


class PlanLayer(Answer):
    """What the rules resolve to for one layer."""

    name: str = Field(examples=["fc1"])
    kind: str = Field(examples=["linear"])
    policy: Policy
    forward: float
    backward: float
    min_samples: int
    schedule: RatioSchedule | None = Field(
        description="How the ratios come about; null: they hold from the first step."
    )
    gates: list[Gate] | None = Field(
        description="Of a recurrent layer: whose product is sampled; null: all."
    )
    rule: int | None = Field(description="Which rule of `approximation` holds; null: none, exact.")
    products: list[PlanProduct]
    exact_macs: int = Field(description="Of all products together, per step.")
    planned_macs: int
    reduction: float = Field(
        description="1 - planned / exact over the whole training, its schedule included."
    )


class Plan(Answer):
    """What a spec costs and saves, before a step is run."""

    spec: AnySpec = Field(description="The spec with every default filled in.")
    layers: list[PlanLayer]
    steps: int = Field(description="Of the whole training; the largest k of a study.")
    steps_per_epoch: int
    exact_macs: int = Field(description="Of the whole job, exact.")
    planned_macs: int = Field(description="Of the whole job, as planned.")
    planned_compute_reduction: float = Field(examples=[0.795])
    planned_is_bound: bool = Field(
        description="Whether `planned_macs` is the most and the reduction the least: an adaptive "
        "budget (`coverage`) may keep fewer pairs."
    )


class JobSubmit(Request):
    """A job to be run."""

    spec: AnySpec = Field(examples=[EXAMPLE_SPEC])
    name: Name = ""
    tags: Tags = Field(default=[])
    priority: Priority = 0


class JobPatch(Request):
    """What may change after submission. Fields left out stay."""

    name: Name | None = None
    tags: Tags | None = None
    notes: Notes | None = None
    priority: Priority | None = Field(None, description="Moves a queued job.")


class JobRetry(Request):
    """What a job gets when it is tried again."""

    wall_time_s: float | None = Field(
        None,
        gt=0,
        le=31_536_000,
        description="Replaces `resources.wall_time_s`; it counts from the job's first start.",
        examples=[7200],
    )


class JobClone(Request):
    """In what a clone differs. Fields left out are the original's."""

    name: Name | None = None
    tags: Tags | None = None
    priority: Priority | None = None
    changes: Plain[dict[str, Any]] = Field(
        default={},
        max_length=1000,
        description="Dotted path into the spec -> value.",
        examples=[{"seed": 2, "training.epochs": 40}],
    )


class Progress(Answer):
    """How far a job is. Null where it is not known yet."""

    step: int
    of: int | None
    epoch: float | None
    steps_per_s: float | None
    eta_s: float | None = Field(
        description="Seconds left at the present speed; only while running."
    )


class SummaryValue(Answer):
    """One metric of one job in three numbers; null where there is none, or it is not finite."""

    last: float | None
    best: float | None = Field(description="The best in the metric's own direction.")
    at_best_validation: float | None = Field(
        description="Its value where validation was at its best."
    )


class JobItem(Answer):
    """A job as lists show it."""

    id: JobId
    name: str
    state: JobState
    tags: list[str]
    notes: str
    priority: int
    owner: str
    sweep_id: SweepId | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    model: str = Field(
        description="The network; `matmul_error` or `conv2d_error` for a study.", examples=["mlp"]
    )
    dataset: str = Field(
        description="The data set; the distribution of the entries for a study.",
        examples=["digits"],
    )
    policy: str = Field(
        description="Of the rules, or a study's method; `exact` without, `mixed` if they differ.",
        examples=["topk"],
    )
    seed: int
    queue_position: int | None = Field(
        description="1 starts next; null unless queued, and in lists."
    )
    reason: Reason | None
    progress: Progress
    summary: dict[str, SummaryValue] = Field(
        description="Per metric; only the chosen ones if `columns` was given."
    )
    planned_compute_reduction: float | None
    attempt_count: int
    device: str | None = Field(
        description="The kind of device that its attempts ran on, with count and threads; null: "
        "none yet, or several kinds.",
        examples=["AMD EPYC 7B13, 1 thread"],
    )
    time_caveat: str | None = Field(
        description="Why its measured times can't be set beside others': `shared host`, `shared "
        "device`, `several devices`, `not recorded`; null: they can, or nothing ran yet.",
        examples=["shared host"],
    )
    wish: Literal["cancel", "pause", "preempt"] | None = Field(
        description="What was asked of a running job and has not taken effect yet; `preempt`: to "
        "give way to a job of higher priority."
    )
    spec: StoredSpec | None = Field(description="Null in lists whose `columns` leave it out.")


class Job(JobItem):
    """A job, whole."""

    spec: StoredSpec
    attempts: list[Attempt]


class JobList(Answer):
    """A page of jobs."""

    items: list[JobItem]
    next: Cursor


class LayerState(Answer):
    """One product of one layer, summed over the job so far."""

    layer: str
    product: Product
    policy: str
    ratio: float = Field(description="Nominal, as the rule says.")
    pairs: int
    kept: float | None = Field(description="Mean over the job; pairs drawn twice count twice.")
    exact_macs: int
    performed_macs: int
    never_kept: float | None = Field(description="Share of pairs never chosen so far; null: none.")
    error: float | None = Field(
        description="Relative Frobenius error of the approximate product at the last probe."
    )


class LayerList(Answer):
    """The state of every layer."""

    step: int | None = Field(description="Where it was taken; null before the first report.")
    items: list[LayerState]
    next: Cursor


class Log(Answer):
    """A piece of a job's log. To go on, read again with `start` = `next`."""

    text: str
    start: int = Field(description="Place of the first character of `text` in the whole log.")
    next: int = Field(validation_alias="end", description="Place after the last one.")
    size: int = Field(
        validation_alias="total", description="Length of the whole log so far, in characters."
    )
    first: int = Field(
        description="Characters before this place were dropped: the log was too long."
    )


class Checkpoint(Answer):
    """A complete file of a job's state."""

    id: int
    attempt: int
    step: int
    name: str
    size_bytes: int
    sha256: str
    best: bool = Field(description="Whether validation was at its best there.")
    created_at: datetime


class CheckpointList(Answer):
    """The checkpoints that are kept, newest first."""

    items: list[Checkpoint]
    next: Cursor
