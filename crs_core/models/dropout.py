"""Dropout that draws from a generator of its own."""

import torch
from torch import Tensor, nn


class Dropout(nn.Module):
    """Zero each value with probability p and scale the others by 1/(1 - p), while training.

    As `torch.nn.Dropout`, but the mask is drawn from `generator`, so that other draws (sampling,
    the order of the data) neither disturb it nor are disturbed. `generator` must be of the input's
    device; None means torch's global one.
    """

    def __init__(self, p: float = 0.5, *, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.p = p
        self.generator = generator

    def forward(self, x: Tensor) -> Tensor:
        """Give x with values dropped; in evaluation, x."""
        if not self.training or self.p == 0:
            return x
        mask = torch.empty_like(x).bernoulli_(1 - self.p, generator=self.generator)
        return x * mask.div_(1 - self.p)

    def extra_repr(self) -> str:
        """Say p."""
        return f"p={self.p}"
