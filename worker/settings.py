"""What a worker takes from the environment; no other file of this package reads it."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from store.addresses import Network, networks
from store.loglines import Form

_NOT_FOR_TRAINERS = ("COLROW_DATABASE_URL", "COLROW_BROKER_URL", "COLROW_STORAGE")
# As it was at the start. Libraries (Celery) add to it later, and a spare trainer that was started
# before that would seem to have another environment than its job.
_INHERITED = dict(os.environ)


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@,/-]{0,99}")
"""As of a user, and with what `host/0,1/1` has beside."""
_CUDA = re.compile(r"\d{1,3}|(?:GPU|MIG)-[0-9A-Za-z/-]+")
"""An index, or a UUID as `nvidia-smi -L` shows it, which may be cut short."""
_CONFIG = SettingsConfigDict(env_prefix="COLROW_", frozen=True, extra="ignore")
DATABASE = "SQLAlchemy URL, SQLite or PostgreSQL."
BROKER = "Redis URL or socket, as in redis+socket:///run/valkey.sock."


def is_cuda(name: str) -> bool:
    """Whether a CUDA device may be called so."""
    return _CUDA.fullmatch(name) is not None


class LogSettings(BaseSettings):
    """How the processes of this package log; read before the rest, whose faults are logged."""

    model_config = _CONFIG

    log_format: Form = Field("text", description="`text` for people, `json` for machines.")


class HealthSettings(BaseSettings):
    """What the check of a process's health needs."""

    model_config = _CONFIG

    database_url: str = Field(description=DATABASE)


class Settings(BaseSettings):
    """Variables `COLROW_…` of a worker."""

    model_config = _CONFIG

    database_url: str = Field(description=DATABASE)
    broker_url: str = Field(description=BROKER)
    home: Path = Field(description="Folder of the service: jobs/<id>/a<attempt>/…")
    storage: str | None = Field(
        None,
        description="Where finished checkpoints are brought, as s3://bucket/prefix or "
        "file:///mnt/lab; left out: they stay in the home, which all workers then share.",
    )
    storage_s: float = Field(
        300.0, ge=0, description="How long a storage that does not answer is waited for."
    )
    data: Path | None = Field(None, description="Data sets; left out: `datasets` in the home.")
    name: str | None = Field(
        None, description="Of the worker, unique; left out: host, devices and a number."
    )
    devices: str = Field(
        "cpu",
        description="`cpu`, or CUDA devices as in `0` or `0,1`; `cpu,cpu` takes jobs on two.",
    )
    threads: int | None = Field(
        None, ge=1, description="CPU threads of a job; left out: every CPU this process may use."
    )
    offline: bool = Field(default=False, description="Never download a data set.")
    warm_spare: bool = Field(
        default=True, description="Keep a process that has torch imported, to fork trainers from."
    )
    lease_s: float = Field(60.0, gt=0, description="After this without a heartbeat a job is lost.")
    # Its answer carries the wish to cancel, which is to take effect within 5 s.
    heartbeat_s: float = Field(1.0, gt=0, description="Between heartbeats of a running job.")
    flush_s: float = Field(0.2, gt=0, description="Events are written in batches this far apart.")
    sweep_s: float = Field(10.0, gt=0, description="Between sweeps, and between signs of life.")
    until_idle_s: float | None = Field(
        None, gt=0, description="End after so long without a job; left out: never."
    )
    stop_s: float = Field(
        20.0, gt=0, description="What a trainer gets to end its step and save, before it is killed."
    )

    @field_validator("storage", "name", mode="before")
    @classmethod
    def _nothing(cls, value: object) -> object:
        return value or None

    @field_validator("name")
    @classmethod
    def _one_that_is_safe_on_every_screen(cls, value: str | None) -> str | None:
        if value is not None and not _NAME.fullmatch(value):
            raise ValueError(
                f"{value[:80]!r} is no name of a worker; it has letters, digits and . _ @ , / - "
                "only, starts with a letter or digit, and has at most 100 characters"
            )
        return value

    @field_validator("devices")
    @classmethod
    def _devices(cls, value: str) -> str:
        names = [name.strip() for name in value.split(",")]
        is_cpu = set(names) == {"cpu"}
        if not all(names) or ("cpu" in names and not is_cpu):
            raise ValueError(
                f"devices are `cpu`, or CUDA devices as in `0` or `0,1`; got {value!r}"
            )
        wrong = None if is_cpu else next((n for n in names if not is_cuda(n)), None)
        if wrong is not None:
            raise ValueError(
                f"devices are `cpu`, or CUDA devices by index (`0`) or UUID (`GPU-…`), as "
                f"`nvidia-smi -L` shows them; {wrong!r} is none"
            )
        if not is_cpu and len(set(names)) < len(names):
            raise ValueError(f"a CUDA device can be owned only once; got {value!r}")
        return ",".join(names)

    @model_validator(mode="after")
    def _beats_within_the_lease(self) -> Self:
        if self.heartbeat_s > self.lease_s / 2:
            raise ValueError(
                f"heartbeat_s is {self.heartbeat_s:g} and lease_s {self.lease_s:g}; a lease must "
                "outlast at least two heartbeats"
            )
        return self

    @property
    def datasets(self) -> Path:
        """The folder of the data sets."""
        return self.data if self.data is not None else self.home / "datasets"

    @property
    def device_names(self) -> tuple[str, ...]:
        """The devices, one by one."""
        return tuple(self.devices.split(","))

    @property
    def cuda_devices(self) -> tuple[str, ...]:
        """The CUDA devices as the driver names them; empty for a worker on the CPU."""
        return () if "cpu" in self.device_names else self.device_names


class NotifierSettings(BaseSettings):
    """Variables `COLROW_…` of the notifier, which sends to webhooks."""

    model_config = _CONFIG

    database_url: str = Field(description=DATABASE)
    broker_url: str = Field(description=BROKER)
    webhook_allow: Annotated[tuple[Network, ...], NoDecode] = Field(
        (), description="Networks beside the public ones that webhooks may go to, 10.1.0.0/16,…"
    )
    webhook_tries: int = Field(8, ge=1, description="After so many a delivery is given up.")
    webhook_retry_s: float = Field(
        10.0, gt=0, description="Before the second try; three times as long before each one after."
    )
    webhook_timeout_s: float = Field(10.0, gt=0, le=30, description="Of one try, whole.")
    webhook_look_s: float = Field(5.0, gt=0, description="Between looks for what is due.")
    webhook_senders: int = Field(8, ge=1, le=64, description="Tries at a time.")

    @field_validator("webhook_allow", mode="before")
    @classmethod
    def _networks(cls, value: object) -> object:
        return networks(value) if isinstance(value, str) else value


_TOLD = (
    "OMP_", "KMP_", "GOMP_", "MKL_", "OPENBLAS_", "DNNL_", "ONEDNN_", "ATEN_", "TORCH_", "PYTORCH_",
    "CUDA_", "CUDNN_", "CUBLAS_", "NCCL_", "NVIDIA_TF32", "LD_PRELOAD", "MALLOC_",
)  # fmt: skip


def told_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Give the variables that speed and last bits of a training may hang on."""
    return {name: environment[name] for name in sorted(environment) if name.startswith(_TOLD)}


def trainer_environment(threads: int, cuda_devices: tuple[str, ...]) -> dict[str, str]:
    """Give the environment of a trainer: ours, its share of the machine, and no password.

    Threads that spin while they wait cost a busy machine a factor of thirty; MKL's own choice of
    threads would make a resumed job differ in its last bits.
    """
    inherited = {k: v for k, v in _INHERITED.items() if k not in _NOT_FOR_TRAINERS}
    return inherited | {
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "OMP_WAIT_POLICY": "PASSIVE",
        "MKL_DYNAMIC": "FALSE",
        "CUDA_VISIBLE_DEVICES": ",".join(cuda_devices),
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "PYTHONUNBUFFERED": "1",
        "PYTHONFAULTHANDLER": "1",
    }
