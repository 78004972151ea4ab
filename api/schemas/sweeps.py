"""Sweeps: a base spec, axes and variants, and the jobs made from them."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from api.schemas.base import Answer, Cursor, JobId, Name, Priority, Request, SweepId, Tags
from api.schemas.plain import Plain
from store.grid import MAX_JOBS

Few = Field(max_length=MAX_JOBS)
"""More could make no sweep."""

MAX_AXES = 1000


def _few(axes: Any) -> Any:
    # Before they are looked at: a mapping's own `max_length` counts when all of it was.
    if isinstance(axes, dict) and len(axes) > MAX_AXES:
        raise ValueError(f"this has {len(axes)} axes; a sweep may have at most {MAX_AXES}")
    return axes


EXAMPLE_BASE: dict[str, Any] = {
    "model": {"name": "mlp", "hidden": [128, 128]},
    "dataset": {"name": "digits"},
    "training": {"epochs": 20},
}
EXAMPLE_VARIANTS: list[dict[str, Any]] = [
    {"approximation": []},
    {"approximation": [{"policy": "topk", "forward": 0.4}]},
    {"approximation": [{"policy": "nps", "forward": 0.4}]},
]


class SweepSubmit(Request):
    """A base spec and what to vary.

    The jobs are every variant crossed with every combination of the axes. A path is dotted, as in
    `training.batch_size` or `approximation.0.forward`; a number stands for a place in a list.
    """

    name: Name = ""
    base: Plain[dict[str, Any]] = Field(
        description="A spec; what `axes` and `variants` set may be left out.",
        examples=[EXAMPLE_BASE],
    )
    axes: Plain[Annotated[dict[str, list[Any]], BeforeValidator(_few)]] = Field(
        default={}, description="Path -> values.", examples=[{"seed": [1, 2, 3]}]
    )
    variants: Plain[Annotated[list[dict[str, Any]], Few]] = Field(
        default=[],
        description="Sets of path -> value, each crossed with the axes.",
        examples=[EXAMPLE_VARIANTS],
    )
    tags: Tags = Field(default=[])
    priority: Priority = 0
    dry_run: bool = Field(
        default=False,
        description="Answer with the count and the planned reductions; create nothing.",
    )


class PlannedJob(Answer):
    """One job that a sweep would make."""

    name: str = Field(examples=["approximation.0.forward=0.4 seed=1"])
    settings: dict[str, Any] = Field(
        description="What this job sets on top of the base: path -> value.",
        examples=[{"approximation.0.forward": 0.4, "seed": 1}],
    )
    planned_compute_reduction: float


class SweepPlan(Answer):
    """What a sweep would make (`dry_run`)."""

    dry_run: Literal[True] = True
    count: int = Field(description="How many jobs.", examples=[9])
    exact_macs: int = Field(description="Of all jobs together, were they exact.")
    planned_macs: int = Field(description="Of all jobs together, as planned.")
    planned_compute_reduction: float = Field(description="1 - planned_macs / exact_macs.")
    jobs: list[PlannedJob]


class Sweep(Answer):
    """A sweep and the state of its jobs."""

    id: SweepId
    name: str
    created_at: datetime
    owner: str
    base: dict[str, Any]
    axes: dict[str, list[Any]]
    variants: list[dict[str, Any]]
    counts: dict[str, int] = Field(
        description="Jobs per state.", examples=[{"succeeded": 7, "running": 1, "queued": 1}]
    )
    jobs: list[JobId] = Field(
        description="Ids of its jobs, in the order they were made; empty in lists."
    )


class SweepList(Answer):
    """A page of sweeps, newest first."""

    items: list[Sweep]
    next: Cursor
