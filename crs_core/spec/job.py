"""A training job, whole, and how a mapping becomes one."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError

from crs_core.errors import SpecError
from crs_core.spec.datasets import Dataset
from crs_core.spec.messages import field_errors
from crs_core.spec.models import Model
from crs_core.spec.parts import MAX_STEPS, Part, as_tuple
from crs_core.spec.policies import Rule
from crs_core.spec.training import Training


class Report(Part):
    """How often a job reports and saves. Steps are optimizer steps."""

    every_steps: int = Field(100, ge=1, le=MAX_STEPS)
    probe_every_steps: int | None = Field(
        None,
        ge=1,
        le=MAX_STEPS,
        description="Measure every approximate product's error this often; left out: each epoch.",
    )
    checkpoint_every_s: float = Field(60.0, ge=0, le=86_400)


class Resources(Part):
    """What a job needs of the slot that runs it."""

    kind: Literal["any", "cpu", "cuda"] = "any"
    devices: int = Field(
        1, ge=1, le=64, description="Trained on together: each takes a share of every batch."
    )
    memory_gb: float | None = Field(
        None, gt=0, le=100_000, description="GB (10⁹ bytes) of each device; on a CPU, of the host."
    )
    device_name: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="The devices it may run on, as a pattern: *H100*.",
    )
    threads: int | None = Field(
        None,
        ge=1,
        le=1024,
        description="CPU threads, shared by the devices; left out: the slot's share of the host.",
    )
    wall_time_s: float | None = Field(
        None, gt=0, le=31_536_000, description="Seconds of running after which it is stopped."
    )
    preemptible: bool = Field(
        default=False, description="Give way, after a checkpoint, to jobs of higher priority."
    )


class JobSpec(Part):
    """One training job. Everything but `model`, `dataset` and `training` has a default."""

    kind: Literal["training"] = "training"
    model: Model
    dataset: Dataset
    approximation: Annotated[tuple[Rule, ...], BeforeValidator(as_tuple)] = Field(
        (), max_length=100
    )
    training: Training
    report: Report = Report()
    resources: Resources = Resources()
    seed: int = Field(0, ge=0, le=2**63 - 1)


def parse_spec(data: Mapping[str, Any]) -> JobSpec:
    """Check a mapping and make it a spec.

    Raises SpecError, which names every field at fault in words of its own.
    """
    try:
        return JobSpec.model_validate(data)
    except ValidationError as error:
        raise SpecError(field_errors(error, JobSpec)) from None
