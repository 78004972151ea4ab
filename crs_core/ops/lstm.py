"""An approximate LSTM layer: the product of [x, h] with the gates' weights is sampled.

At each time step t, X_t is B x c, the columns of [x_t, h_(t-1)], c = in + hidden, and W is o x c,
the rows of the gates that are sampled (all four: o = 4 hidden). Z_t = X_t Wᵀ is sampled as in
`crs_core.ops.linear`, with a kept set of its own at each step, and so are its gradients:

    product       contracts over              score of a pair
    forward       c, columns of [x, h]        ‖X_t[:,i]‖ ‖W[:,i]‖
    grad_input    o, outputs of these gates   ‖dZ_t[:,j]‖ ‖(W_S σ)[j,:]‖
    grad_weight   B, examples                 ‖dZ_t[b,:]‖ ‖(X_t,S σ)[b,:]‖

Gates that are not sampled, biases, all that is element by element, and their gradients are exact.
With z = i, f, g, o (torch's order):  c_t = σ(f) c_(t-1) + σ(i) tanh(g),  h_t = σ(o) tanh(c_t).
Where every product keeps every pair, torch's own kernel runs.

Source: Adelman & Silberstein 2018, section 4.3; it samples the output product of its network, and
reports in a sentence what sampling the gates does.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from crs_core.cost import GATES
from crs_core.errors import ShapeError
from crs_core.events import Product
from crs_core.ops.choice import Generators, Setting, compute_dtype, refuse_meprop, setting
from crs_core.ops.memory import Memory
from crs_core.ops.meter import Meter
from crs_core.ops.recurrence import Run, UnrolledLSTM
from crs_core.spec import Gate, Policy


def crs_lstm(
    x: Tensor,
    state: tuple[Tensor, Tensor],
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias_ih: Tensor | None = None,
    bias_hh: Tensor | None = None,
    *,
    policy: Policy | str,
    ratio: float,
    backward_ratio: float = 1.0,
    min_samples: int = 10,
    gates: Sequence[Gate] | None = None,
    generator: torch.Generator | Generators | None = None,
    meter: Meter | None = None,
    memory: Memory | None = None,
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Give the outputs of all time steps, and (h, c) behind the last.

    Exact (torch's own kernel) where k = min(n, max(min_samples, round(ratio n))) is n in each
    product. `gates` names those whose product is sampled, as one; left out: all. `backward_ratio`
    samples the gradient products over their own pairs, on top. Each product is estimated given its
    inputs: what is unbiased of one is not of the network. A probe measures the last time step.
    `refresh_every` counts calls. Can be differentiated once.

    x: (T, B, in); state: h and c, each (B, hidden); weight_ih: (4 hidden, in); weight_hh: (4
    hidden, hidden); biases: (4 hidden,). Raises ShapeError, RatioError, SpecError.
    """
    refuse_meprop(policy, "an LSTM")
    how = setting(policy, ratio, backward_ratio, min_samples, generator, meter, memory)
    h, c = state
    _check(x, h, c, weight_ih, weight_hh)
    hidden, batch = weight_hh.shape[1], x.shape[1]
    chosen = tuple(g for g in GATES if gates is None or g in gates)
    columns = x.shape[2] + hidden
    if how.is_exact(pairs=columns, backward_pairs=(len(chosen) * hidden, batch)):
        _count_exact(how, x, columns, hidden, len(chosen) * hidden)
        return _torch_lstm(x, h, c, [weight_ih, weight_hh], [bias_ih, bias_hh])
    biases = [b for b in (bias_ih, bias_hh) if b is not None]
    bias = sum(biases[1:], biases[0]) if biases else None
    dtype = compute_dtype(x, weight_ih, bias)
    weight = torch.cat([weight_ih.t(), weight_hh.t()])
    by_gate = dict(zip(GATES, weight.chunk(len(GATES), dim=1), strict=True))
    sampled = weight if chosen == GATES else torch.cat([by_gate[g] for g in chosen], 1)
    others = [by_gate[g] for g in GATES if g not in chosen]
    exact = torch.cat(others, 1) if others else None
    y, h, c = UnrolledLSTM.apply(  # type: ignore[no-untyped-call]
        x, h, c, sampled, exact, bias, Run(how, chosen, hidden, dtype)
    )
    return y, (h, c)


def _torch_lstm(
    x: Tensor, h: Tensor, c: Tensor, weights: list[Tensor], biases: list[Tensor | None]
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Run torch's own kernel, one layer."""
    parameters = [*weights, *(b for b in biases if b is not None)]
    if len(parameters) == len(weights) + 1:  # torch knows both biases or none
        parameters.append(torch.zeros_like(parameters[-1]))
    y, h, c = torch.lstm(
        x,
        [h.unsqueeze(0), c.unsqueeze(0)],
        parameters,
        len(parameters) > len(weights),  # has_biases
        1,  # layers
        0.0,  # dropout
        torch.is_grad_enabled(),  # train
        False,  # bidirectional  # noqa: FBT003
        False,  # batch_first  # noqa: FBT003
    )
    return y, (h.squeeze(0), c.squeeze(0))


def _count_exact(how: Setting, x: Tensor, columns: int, hidden: int, sampled: int) -> None:
    """Count all products now: torch's own operation will not tell of its backward pass."""
    steps, batch, _ = x.shape
    macs = batch * columns * len(GATES) * hidden
    products: list[tuple[Product, int]] = [("forward", columns)]
    if torch.is_grad_enabled():
        products += [("grad_input", sampled), ("grad_weight", batch)]
    for product, pairs in products:
        for _ in range(steps):
            how.count(product, pairs=pairs, kept=pairs, exact_macs=macs, performed_macs=macs)


def _check(x: Tensor, h: Tensor, c: Tensor, weight_ih: Tensor, weight_hh: Tensor) -> None:
    if weight_hh.dim() != 2 or weight_hh.shape[0] != len(GATES) * weight_hh.shape[1]:
        raise ShapeError(
            f"weight_hh has shape {tuple(weight_hh.shape)}; it must be (4 hidden, hidden)"
        )
    hidden = weight_hh.shape[1]
    if weight_ih.dim() != 2 or weight_ih.shape[0] != len(GATES) * hidden:
        raise ShapeError(
            f"weight_ih has shape {tuple(weight_ih.shape)}, but weight_hh has {hidden} hidden "
            f"features; weight_ih must be ({len(GATES) * hidden}, in_features)"
        )
    n = weight_ih.shape[1]
    if x.dim() != 3 or x.shape[2] != n or not x.shape[0]:
        raise ShapeError(
            f"x has shape {tuple(x.shape)}, but weight_ih has {n} in_features; x must be "
            f"(steps, batch, {n}), with at least one step"
        )
    for name, t in (("h", h), ("c", c)):
        if t.shape != (x.shape[1], hidden):
            raise ShapeError(
                f"{name} has shape {tuple(t.shape)}; for a batch of {x.shape[1]} it must be "
                f"({x.shape[1]}, {hidden})"
            )
