"""The product of two activations as a layer, exact and approximate."""

from typing import Any, Self

import torch
from torch import Tensor, nn

from crs_core.nn.sampled import Sampled
from crs_core.ops import Generators, crs_bmm
from crs_core.ops.choice import refuse_meprop
from crs_core.spec import Policy


class BatchedProduct(nn.Module):
    """A B for A of N x heads x m x n and B of N x heads x n x p: a place that rules can name."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Give the exact products."""
        return a @ b


class CRSBatchedProduct(Sampled, nn.Module):
    """The same, sampled while it trains (`crs_core.ops.crs_bmm`); exact in evaluation, always."""

    def __init__(
        self,
        *,
        policy: Policy | str,
        ratio: float,
        backward_ratio: float = 1.0,
        min_samples: int = 10,
        generator: torch.Generator | Generators | None = None,
    ) -> None:
        super().__init__()
        refuse_meprop(policy, "a batched product")
        self._set_up(policy, ratio, backward_ratio, min_samples, generator)

    @classmethod
    def twin(cls, exact: BatchedProduct, **sampling: Any) -> Self:
        """Make the approximate twin of a place."""
        return cls(**sampling).train(exact.training)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Give the products: sampled in training mode, exact in evaluation."""
        if not self.training:
            return a @ b
        return crs_bmm(
            a,
            b,
            policy=self.policy,
            ratio=self.ratio,
            backward_ratio=self.backward_ratio,
            min_samples=self.min_samples,
            generator=self.generator,
            meter=self.meter,
        )

    def extra_repr(self) -> str:
        """Give the sampling."""
        return self._sampling_repr()
