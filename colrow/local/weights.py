"""Weights of trained networks, read from the checkpoints in a service's folder.

torch is imported when the first one is read: to queue jobs nobody needs it.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from colrow.answers import JobItem
from colrow.reproduction.measured import Reader
from colrow.reproduction.records import Weights

if TYPE_CHECKING:
    from torch import Tensor

BINS = 61
REACH = 4.0
"""The histogram covers so many standard deviations to each side."""


def reader_of(home: Path) -> Reader:
    """Give what reads the weights of jobs in this folder."""
    return partial(of_job, home)


def of_job(home: Path, job: JobItem) -> list[Weights]:
    """Describe every matrix and kernel of a job's last checkpoint; none where it is not here."""
    paths = (home / "jobs" / job["id"]).glob("a*/step-*.pt")
    newest = max(paths, key=lambda p: int(p.stem.removeprefix("step-")), default=None)
    return [] if newest is None else list(of_checkpoint(newest))


def of_checkpoint(path: Path) -> Iterator[Weights]:
    """Describe every matrix and kernel of a checkpoint; biases and norms are left out."""
    import torch

    state = torch.load(path, map_location="cpu", weights_only=True)
    for name, weight in state["parts"]["model"].items():
        if weight.is_floating_point() and weight.ndim >= 2:
            yield describe(name, weight)


def describe(name: str, weight: "Tensor") -> Weights:
    """Give the numbers of one weight. Skewness is that of its entries, E(x - μ)³ / σ³."""
    import torch

    entries = weight.detach().double().flatten()
    mean, std = entries.mean().item(), entries.std(correction=0).item()
    third = (entries - mean).pow(3).mean().item()
    reach = REACH * std or 1.0
    counts = torch.histc(entries, bins=BINS, min=-reach, max=reach) / entries.numel()
    edges = torch.linspace(-reach, reach, BINS + 1, dtype=torch.float64)
    return Weights(
        name=name.removesuffix(".weight"),
        count=entries.numel(),
        mean=mean,
        std=std,
        skewness=third / std**3 if std else 0.0,
        positive=(entries > 0).double().mean().item(),
        edges=tuple(edges.tolist()),
        counts=tuple(counts.tolist()),
    )
