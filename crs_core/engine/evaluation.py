"""Loss and accuracy over a whole set of examples: always by the exact network, in big batches."""

from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

EVALUATION_BATCH = 500
"""Examples at a time. Larger ones gain nothing on a CPU (their activations leave the cache)."""


@dataclass(frozen=True)
class Examples:
    """Images and labels in the device's memory."""

    x: Tensor
    y: Tensor


@dataclass(frozen=True)
class Score:
    """Mean loss and share of examples that are right."""

    loss: float
    accuracy: float


def evaluate(
    model: nn.Module, examples: Examples, precision: AbstractContextManager[object]
) -> Score:
    """Score `model` in eval mode, and leave it in train mode."""
    x, y = examples.x, examples.y
    model.eval()
    loss = torch.zeros((), dtype=torch.float64, device=x.device)
    right = torch.zeros((), dtype=torch.int64, device=x.device)
    with torch.no_grad(), precision:
        for begin in range(0, len(y), EVALUATION_BATCH):
            images, labels = (
                x[begin : begin + EVALUATION_BATCH],
                y[begin : begin + EVALUATION_BATCH],
            )
            logits = model(images)
            loss += functional.cross_entropy(logits, labels, reduction="sum")
            right += (logits.argmax(dim=1) == labels).sum()
    model.train()
    return Score(loss.item() / len(y), right.item() / len(y))
