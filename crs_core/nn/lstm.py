"""`CRSLSTM`, the twin of `torch.nn.LSTM` with one layer."""

from collections.abc import Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn

from crs_core.errors import ShapeError, SpecError
from crs_core.nn.sampled import Sampled
from crs_core.ops import Generators, crs_lstm
from crs_core.spec import Gate, Policy


class CRSLSTM(Sampled, nn.LSTM):
    """One LSTM layer that samples the product of its gates while it trains; exact in evaluation.

    Takes torch's own arguments, then the keywords of `crs_core.ops.crs_lstm`, which holds the
    formulas. State dicts are those of `torch.nn.LSTM`. Several layers, both directions and
    projections are not offered: put layers one behind the other. Packed sequences are not either.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,  # noqa: FBT001, FBT002 - torch's own argument
        batch_first: bool = False,  # noqa: FBT001, FBT002 - torch's own argument
        dropout: float = 0.0,
        bidirectional: bool = False,  # noqa: FBT001, FBT002 - torch's own argument
        proj_size: int = 0,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        policy: Policy | str,
        ratio: float,
        backward_ratio: float = 1.0,
        min_samples: int = 10,
        gates: Sequence[Gate] | None = None,
        generator: torch.Generator | Generators | None = None,
    ) -> None:
        if num_layers != 1 or bidirectional or proj_size or dropout:
            raise SpecError.at(
                "",
                "CRSLSTM is one layer in one direction, without projection and dropout; got "
                f"num_layers={num_layers}, bidirectional={bidirectional}, proj_size={proj_size}, "
                f"dropout={dropout}. Put layers one behind the other, or leave this layer exact",
            )
        super().__init__(
            input_size,
            hidden_size,
            bias=bias,
            batch_first=batch_first,
            device=device,
            dtype=dtype,
        )
        self._set_up(policy, ratio, backward_ratio, min_samples, generator)
        self.gates = None if gates is None else tuple(gates)

    @classmethod
    def twin(cls, exact: nn.LSTM, **sampling: Any) -> Self:
        """Make the approximate twin of a layer, which shares its parameters."""
        made = cls(
            exact.input_size,
            exact.hidden_size,
            exact.num_layers,
            bool(exact.bias),
            exact.batch_first,
            exact.dropout,
            exact.bidirectional,
            exact.proj_size,
            device="meta",  # no weights are drawn
            **sampling,
        )
        for name, parameter in exact.named_parameters(recurse=False):
            setattr(made, name, parameter)
        return made.train(exact.training)

    def forward(  # type: ignore[override]
        self,
        input: Tensor,  # noqa: A002 - torch's own name
        hx: tuple[Tensor, Tensor] | None = None,
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Give outputs and (h, c): sampled in training mode, exact in evaluation.

        Shapes are torch's: (T, B, in), (B, T, in) with `batch_first`, or (T, in); h and c are
        (1, B, hidden) or (1, hidden), zeros where left out.
        """
        if not self.training:
            exact: tuple[Tensor, tuple[Tensor, Tensor]] = super().forward(input, hx)
            return exact
        if not isinstance(input, Tensor) or input.dim() not in (2, 3):
            found = f"of shape {tuple(input.shape)}" if isinstance(input, Tensor) else type(input)
            raise ShapeError(
                f"input is {found}; a tensor (steps, batch, {self.input_size}) is needed (batch "
                f"first, if so chosen), or (steps, {self.input_size})"
            )
        is_single = input.dim() == 2
        is_turned = self.batch_first and not is_single
        x = input.unsqueeze(1) if is_single else input.transpose(0, 1) if is_turned else input
        if hx is None:
            zeros = x.new_zeros(x.shape[1], self.hidden_size)
            state = (zeros, zeros)
        elif is_single:
            state = hx
        else:
            state = (hx[0].squeeze(0), hx[1].squeeze(0))
        y, (h, c) = crs_lstm(
            x,
            state,
            *self._parameters_of_torch(),
            policy=self.policy,
            ratio=self.ratio,
            backward_ratio=self.backward_ratio,
            min_samples=self.min_samples,
            gates=self.gates,
            generator=self.generator,
            meter=self.meter,
        )
        if is_single:
            return y.squeeze(1), (h, c)
        return y.transpose(0, 1) if is_turned else y, (h.unsqueeze(0), c.unsqueeze(0))

    def _parameters_of_torch(self) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
        """Give weights and biases, which torch hands out by name only."""
        w_ih, w_hh = self.get_parameter("weight_ih_l0"), self.get_parameter("weight_hh_l0")
        if not self.bias:
            return w_ih, w_hh, None, None
        return w_ih, w_hh, self.get_parameter("bias_ih_l0"), self.get_parameter("bias_hh_l0")

    def extra_repr(self) -> str:
        """Give torch's line and the sampling."""
        gates = "" if self.gates is None else f", gates={'+'.join(self.gates)}"
        return f"{super().extra_repr()}, {self._sampling_repr()}{gates}"
