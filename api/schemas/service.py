"""The service itself: catalog, workers, queue and health."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from api.schemas.base import Answer, Cursor, JobId, SweepId
from crs_core.spec import JobSpec


class Choice(Answer):
    """Something a spec can name, with the JSON schema of its parameters."""

    name: str
    summary: str = Field(description="What it is, in a sentence.")
    parameters: dict[str, Any] = Field(description="JSON schema of its fields, with defaults.")


class ModelChoice(Choice):
    """A network."""

    layers: list[str] = Field(description="Layer names at the default parameters, for rules.")


class PolicyChoice(Choice):
    """A way to choose pairs."""

    scales: Literal["never", "always", "optional"] = Field(
        description="Whether kept pairs are scaled, so that the result is right on average."
    )


class DatasetChoice(Answer):
    """A data set and where its files are."""

    name: str
    title: str
    input_shape: list[int] = Field(description="Channels, height, width.", examples=[[1, 28, 28]])
    classes: int
    train: int = Field(description="Training examples, validation included.")
    validation: int = Field(description="Held back from them, if the spec says nothing else.")
    test: int
    size_bytes: int = Field(description="Of its files; 0 if it is bundled.")
    bundled: bool = Field(description="Whether it comes with the installation.")
    workers: list[str] = Field(description="Ids of the workers that have its files now.")
    source: str
    license: str


class Preset(Answer):
    """A spec to start from."""

    name: str
    title: str
    summary: str
    spec: JobSpec


class MetricChoice(Answer):
    """A metric, how it is shown, and which direction is better."""

    name: str
    label: str
    unit: str
    better: Literal["higher", "lower", "none"]


class Catalog(Answer):
    """Everything a spec can name."""

    models: list[ModelChoice]
    datasets: list[DatasetChoice]
    policies: list[PolicyChoice]
    optimizers: list[Choice]
    schedules: list[Choice]
    presets: list[Preset]
    metrics: list[MetricChoice]


class Device(Answer):
    """One device of a worker."""

    kind: str = Field(examples=["cpu"])
    name: str = Field(examples=["cpu"])
    memory_bytes: int | None


class Worker(Answer):
    """A slot: one worker process and the devices it owns."""

    id: str
    name: str
    host: str
    state: Literal["idle", "busy", "lost"] = Field(description="`lost`: no heartbeat for a lease.")
    devices: list[Device]
    threads: int | None
    memory_bytes: int | None = Field(description="Resident memory of supervisor and trainer.")
    datasets: list[str]
    job: JobId | None = Field(description="What it runs now.")
    started_at: datetime
    heartbeat_at: datetime


class WorkerList(Answer):
    """All workers heard of lately."""

    items: list[Worker]
    next: Cursor


class QueuedJob(Answer):
    """A queued job, in the order they would start."""

    position: int = Field(description="1 starts next.")
    job: JobId
    name: str
    priority: int
    owner: str
    sweep_id: SweepId | None
    created_at: datetime


class Queue(Answer):
    """The queue."""

    items: list[QueuedJob]
    next: Cursor


class Health(Answer):
    """Alive."""

    status: Literal["ok"] = "ok"
    version: str


class Readiness(Answer):
    """Able to work. `degraded`: the broker does not answer; jobs are kept and start later."""

    status: Literal["ok", "degraded"]
    database: Literal["ok"] = "ok"
    broker: Literal["ok", "down"]
    version: str
