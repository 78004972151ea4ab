"""`CRSLinear`, the twin of `torch.nn.Linear`."""

from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crs_core.cost import budget
from crs_core.nn.sampled import Sampled
from crs_core.ops import Generators, crs_linear
from crs_core.spec import Policy

_SMALLEST_TO_TURN = 1 << 14


class CRSLinear(Sampled, nn.Linear):
    """A linear layer that samples its products while it trains; exact in evaluation, always.

    Takes torch's own arguments, then the keywords of `crs_core.ops.crs_linear`, which holds the
    formulas. State dicts are those of `torch.nn.Linear`. A weight of some size whose forward
    product is sampled is *stored* column by column, though its shape stays (out, in): its columns
    are what sampling copies.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,  # noqa: FBT001, FBT002 - torch's own argument
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        policy: Policy | str,
        ratio: float,
        backward_ratio: float = 1.0,
        min_samples: int = 10,
        generator: torch.Generator | Generators | None = None,
    ) -> None:
        super().__init__(in_features, out_features, bias, device, dtype)
        self._set_up(policy, ratio, backward_ratio, min_samples, generator)
        self._store()

    @classmethod
    def twin(cls, exact: nn.Linear, **sampling: Any) -> Self:
        """Make the approximate twin of a layer, which shares its parameters."""
        made = cls(
            exact.in_features,
            exact.out_features,
            exact.bias is not None,
            device="meta",  # no weights are drawn
            **sampling,
        )
        made.weight, made.bias = exact.weight, exact.bias
        made._store()
        return made.train(exact.training)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's own name
        """Give the layer's output: sampled in training mode, exact in evaluation."""
        if not self.training:
            # The storage is a matter of speed only: evaluation gives torch's bits.
            return F.linear(input, self.weight.contiguous(), self.bias)
        return crs_linear(
            input,
            self.weight,
            self.bias,
            policy=self.policy,
            ratio=self.ratio,
            backward_ratio=self.backward_ratio,
            min_samples=self.min_samples,
            generator=self.generator,
            meter=self.meter,
            memory=self.memory,
        )

    def extra_repr(self) -> str:
        """Give torch's line and the sampling."""
        return f"{super().extra_repr()}, {self._sampling_repr()}"

    def _store(self) -> None:
        """Store a large weight column by column. The parameter stays the same object."""
        n = self.in_features
        is_sampled = self.policy.name != "exact" and budget(n, self.ratio, self.min_samples) < n
        if is_sampled and self.weight.numel() >= _SMALLEST_TO_TURN and not self.weight.is_meta:
            self.weight.data = self.weight.data.t().contiguous().t()
