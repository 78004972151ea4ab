"""Dropout that draws from a generator of its own."""

import torch
from torch import Tensor, nn

from crs_core.shards import Shard


class Dropout(nn.Module):
    """Zero each value with probability p and scale the others by 1/(1 - p), while training.

    As `torch.nn.Dropout`, but the mask is drawn from `generator`, so that other draws (sampling,
    the order of the data) neither disturb it nor are disturbed. `generator` must be of the input's
    device; None means torch's global one.

    Where several devices share a batch, `shard` says which examples come in, along `batch_dim`. The
    mask of the whole batch is drawn then, and the shard's part of it taken: so all devices together
    drop what a single one would.
    """

    def __init__(
        self,
        p: float = 0.5,
        *,
        generator: torch.Generator | None = None,
        batch_dim: int = 0,
        shard: Shard | None = None,
    ) -> None:
        super().__init__()
        self.p = p
        self.generator = generator
        self.batch_dim = batch_dim
        self.shard = shard

    def forward(self, x: Tensor) -> Tensor:
        """Give x with values dropped; in evaluation, x."""
        if not self.training or self.p == 0:
            return x
        return x * self._mask(x).div_(1 - self.p)

    def _mask(self, x: Tensor) -> Tensor:
        """Draw it in one order, however x is stored."""
        dim, size = self.batch_dim, x.shape[self.batch_dim]
        shard = self.shard or Shard(0, size, size)
        shape = [*x.shape[:dim], shard.whole, *x.shape[dim + 1 :]]
        whole = x.new_empty(shape).bernoulli_(1 - self.p, generator=self.generator)
        return whole.narrow(dim, shard.begin, shard.size)

    def extra_repr(self) -> str:
        """Say p."""
        return f"p={self.p}"
