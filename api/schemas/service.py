"""The service itself: catalog, workers, queue and health."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from api.schemas.base import Answer, Cursor, JobId, SweepId
from crs_core.events import TaskName
from crs_core.spec import AnySpec


class Choice(Answer):
    """Something a spec can name, with the JSON schema of its parameters."""

    name: str
    summary: str = Field(description="What it is, in a sentence.")
    parameters: dict[str, Any] = Field(description="JSON schema of its fields, with defaults.")


class ModelChoice(Choice):
    """A network."""

    task: TaskName = Field(description="What it learns: it fits the data sets for that task.")
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
    task: TaskName = Field(description="What it is for.")
    input_shape: list[int] | None = Field(
        None, description="Of images: channels, height, width.", examples=[[1, 28, 28]]
    )
    classes: int | None = Field(None, description="Of images.")
    vocabulary: int | None = Field(None, description="Of texts: different words.")
    train: int = Field(
        description="Training images, validation included; of texts, words to train on."
    )
    validation: int = Field(
        description="Images held back, if the spec says nothing else; of texts, words of that part."
    )
    test: int
    size_bytes: int = Field(description="Of its files; 0 if it is bundled.")
    bundled: bool = Field(description="Whether it comes with the installation.")
    workers: list[str] = Field(description="Names of the workers that have its files now.")
    source: str
    license: str


class Preset(Answer):
    """A spec to start from."""

    name: str
    title: str
    summary: str
    spec: AnySpec


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
    operations: list[Choice] = Field(description="What a study approximates.")
    distributions: list[Choice] = Field(description="Of the entries in a study.")
    alternatives: list[Choice] = Field(
        description="Methods of a study beside the policies; for matrix products alone."
    )
    presets: list[Preset]
    metrics: list[MetricChoice]
    broken: list[str] = Field(
        description="What installed packages offer that can't be used, and why."
    )
    spec: dict[str, Any] = Field(
        description="JSON schema of a training's spec, rules and training included, for forms."
    )
    study: dict[str, Any] = Field(description="JSON schema of a study's spec, for forms.")


class Device(Answer):
    """What a device is; null: not known."""

    name: str | None = Field(examples=["NVIDIA H100 80GB HBM3"])
    memory_bytes: int | None = Field(description="Of a CPU: of the host.")


class DeviceUse(Answer):
    """How busy a device is; null: it does not say."""

    device: str = Field(examples=["cuda:0"])
    memory_used_bytes: int | None = Field(description="By everybody on it.")
    memory_bytes: int | None
    utilization: float | None = Field(description="From 0 to 1.")


class Worker(Answer):
    """A slot: one worker process and the devices it owns."""

    name: str = Field(description="Unique, and the same after a restart.")
    host: str
    pid: int
    kind: Literal["cpu", "cuda"]
    devices: list[str] = Field(examples=[["cpu"]])
    hardware: list[Device] = Field(description="What the devices are, in their order.")
    threads: int
    state: Literal["idle", "busy", "stopped", "lost"] = Field(
        description="`lost`: no heartbeat for the length of a lease."
    )
    memory_bytes: int | None = Field(description="Of the host, or of its devices.")
    memory_used_bytes: int | None = Field(description="By the worker and what it runs.")
    datasets: list[str] | None = Field(
        description="Data sets whose files it has; null: it fetches any when needed."
    )
    job: JobId | None = Field(validation_alias="job_id", description="What it runs now.")
    attempt: int | None
    versions: dict[str, str] | None = Field(
        description="Of Python, torch and Colrow; null: it did not say.",
        examples=[{"python": "3.12.3", "torch": "2.9.0"}],
    )
    device_use: list[DeviceUse] = Field(
        description="What the devices said of themselves at the last heartbeat; empty: nothing."
    )
    started_at: datetime
    heartbeat_at: datetime = Field(validation_alias="seen_at")


class WorkerList(Answer):
    """All workers heard of lately."""

    items: list[Worker]
    next: Cursor


class QueuedJob(Answer):
    """A queued job, in the order they would start."""

    position: int = Field(description="1 starts next.")
    job: JobId = Field(validation_alias="job_id")
    name: str
    priority: int
    owner: str
    sweep_id: SweepId | None
    queued_at: datetime
    waits_for: str | None = Field(
        description="What no living worker has, or that its owner runs as many jobs as it may; "
        "null: its turn."
    )
    starts_at: datetime | None = Field(
        description="About when it will start, by measured speeds; null: nothing measured tells."
    )


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
