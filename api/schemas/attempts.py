"""Attempts of a job: where and on what each ran, and how it ended."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from api.schemas.base import Answer


class Reason(Answer):
    """Why a job or an attempt ended as it did."""

    kind: str = Field(examples=["diverged"])
    message: str = Field(examples=["the loss is nan at step 120; lower training.optimizer.lr"])


class Attempt(Answer):
    """One execution of a job by a worker."""

    number: int
    state: Literal["running", "succeeded", "failed", "cancelled", "paused", "lost"]
    worker: str
    host: str
    device: str | None = Field(description="As torch names it.", examples=["cuda:0"])
    device_name: str | None = Field(
        description="Of the GPU, or of the processor.", examples=["NVIDIA H100 80GB HBM3"]
    )
    device_count: int | None
    threads: int | None
    versions: dict[str, str] | None = Field(
        description="Of Python, torch and Colrow, and of CUDA where it ran there."
    )
    git_revision: str | None = Field(description="Of Colrow, where it runs from a checkout.")
    environment: dict[str, str] | None = Field(
        description="System, hardware, driver, and the variables that speed and last bits hang on."
    )
    shared: bool | None = Field(
        description="Whether another attempt used its device (its host, on a CPU) at the same "
        "time; null until it has ended, or where that was not recorded."
    )
    start_s: float | None = Field(
        description="Seconds from the claim to a trainer that has the job; null until it has ended."
    )
    trainer_s: float | None = Field(description="Seconds that the trainer lived.")
    started_at: datetime
    heartbeat_at: datetime
    finished_at: datetime | None = Field(validation_alias="ended_at")
    reason: Reason | None
    start_step: int | None
    resumed_from: str | None = Field(description="Checkpoint it went on from.")
    notes: list[str] = Field(description="What a person should know, as of unusable checkpoints.")
