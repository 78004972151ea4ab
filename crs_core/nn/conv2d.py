"""`CRSConv2d`, the twin of `torch.nn.Conv2d`."""

from typing import Any, Self, cast

import torch
from torch import Tensor, nn

from crs_core.nn.sampled import Sampled
from crs_core.ops import Generators, crs_conv2d
from crs_core.ops.window import PaddingMode
from crs_core.spec import Policy


class CRSConv2d(Sampled, nn.Conv2d):
    """A 2-D convolution that samples its products while it trains; exact in evaluation, always.

    Takes torch's own arguments, then the keywords of `crs_core.ops.crs_conv2d`, which holds the
    formulas. State dicts are those of `torch.nn.Conv2d`.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: str | int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = True,  # noqa: FBT001, FBT002 - torch's own argument
        padding_mode: PaddingMode = "zeros",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        policy: Policy | str,
        ratio: float,
        backward_ratio: float = 1.0,
        min_samples: int = 10,
        generator: torch.Generator | Generators | None = None,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias,
            padding_mode, device, dtype,
        )  # fmt: skip
        self._set_up(policy, ratio, backward_ratio, min_samples, generator)

    @classmethod
    def twin(cls, exact: nn.Conv2d, **sampling: Any) -> Self:
        """Make the approximate twin of a layer, which shares its parameters."""
        made = cls(
            exact.in_channels,
            exact.out_channels,
            cast("tuple[int, int]", exact.kernel_size),
            cast("tuple[int, int]", exact.stride),
            cast("str | tuple[int, int]", exact.padding),
            cast("tuple[int, int]", exact.dilation),
            exact.groups,
            exact.bias is not None,
            exact.padding_mode,
            device="meta",  # no weights are drawn
            **sampling,
        )
        made.weight, made.bias = exact.weight, exact.bias
        return made.train(exact.training)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's own name
        """Give the layer's output: sampled in training mode, exact in evaluation."""
        if not self.training:
            exact: Tensor = self._conv_forward(input, self.weight, self.bias)
            return exact
        return crs_conv2d(
            input,
            self.weight,
            self.bias,
            cast("tuple[int, int]", self.stride),
            cast("str | tuple[int, int]", self.padding),
            cast("tuple[int, int]", self.dilation),
            self.groups,
            policy=self.policy,
            ratio=self.ratio,
            backward_ratio=self.backward_ratio,
            min_samples=self.min_samples,
            generator=self.generator,
            meter=self.meter,
            memory=self.memory,
            padding_mode=self.padding_mode,
        )

    def extra_repr(self) -> str:
        """Give torch's line and the sampling."""
        exact: str = super().extra_repr()  # type: ignore[no-untyped-call]
        return f"{exact}, {self._sampling_repr()}"
