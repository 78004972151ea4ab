"""Where a job trains, and what comes of it: plain data, no torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from crs_core.events import CheckpointSaved


@dataclass(frozen=True)
class ResumePoint:
    """A checkpoint that training may go on from."""

    path: Path
    sha256: str
    """Of the whole file; a file that differs is not used."""
    step: int


@dataclass(frozen=True)
class Place:
    """The folders, the device and the earlier checkpoints of one attempt."""

    work_dir: Path
    """Checkpoints are written here, as `step-<n>.pt`; made if missing."""
    data_dir: Path | None = None
    """The folder of the data sets; None for a data set that needs no files."""
    download: bool = False
    """Whether missing data sets may be fetched."""
    resume_from: tuple[ResumePoint, ...] = ()
    """Newest first. The first that can be used is; the others are told in `Started.notes`."""
    device: str = "cpu"
    """As torch writes it: `cpu`, `cuda`, `cuda:1`. Of several CUDA devices, the first."""
    threads: int = 1
    """Of the CPU, inside one operation; of one device, where there are several."""


@dataclass(frozen=True)
class Result:
    """How training ended. `step` counts optimizer steps done, over all attempts."""

    step: int
    completed: bool
    """False when it was asked to stop; `checkpoint` is then where to go on from."""
    summary: Mapping[str, float] = field(default_factory=dict)
    """The last value of every metric that was told; the keys are of `crs_core.events.METRICS`."""
    checkpoint: CheckpointSaved | None = None
    """The last one written, inside `Place.work_dir`."""
