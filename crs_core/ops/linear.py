"""An approximate linear layer Y = X Wᵀ + b, and its two approximate gradients.

X is B x n (B: all leading dimensions), W is o x n (torch's shape). With σ the forward scales on
the kept set S, and J, ρ and R, τ the kept pairs and scales of the two gradient products:

    product       contracts over    score of a pair            multiplies
    forward       n, in features    ‖X[:,i]‖ ‖W[:,i]‖          Y       = (X_S σ) W_Sᵀ
    grad_input    o, out features   ‖dY[:,j]‖ ‖(W_S σ)[j,:]‖   dX[:,S] = (dY[:,J] ρ) (W_S σ)[J,:]
    grad_weight   B, examples       ‖dY[b,:]‖ ‖(X_S σ)[b,:]‖   dW[:,S] = (dY[R,:] τ)ᵀ (X_S σ)[R,:]

dX and dW are zero outside S, and each scale is applied once. The bias and its gradient are exact.
Where a product keeps every pair it is torch's own operation.

W is quickest when stored column by column (`W.t().is_contiguous()`): its kept columns are then
rows to copy. Either storage gives the same numbers, and dW comes in the storage of W, so that
autograd takes it over uncopied.

Source: Adelman & Silberstein 2018, sections 3.1, 3.3 and 5.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from crs_core.errors import ShapeError
from crs_core.ops.choice import (
    Chosen,
    Generators,
    Setting,
    compute_dtype,
    norms,
    scale,
    setting,
    spread,
)
from crs_core.ops.memory import Memory
from crs_core.ops.meprop import MePropLinear
from crs_core.ops.meter import Meter
from crs_core.ops.storage import is_turned, storage_order
from crs_core.spec import Policy


def crs_linear(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    policy: Policy | str,
    ratio: float,
    backward_ratio: float = 1.0,
    min_samples: int = 10,
    generator: torch.Generator | Generators | None = None,
    meter: Meter | None = None,
    memory: Memory | None = None,
) -> Tensor:
    """Give X Wᵀ + b from a sample of its column-row pairs, with gradients from samples as well.

    Exact (bit for bit `torch.nn.functional.linear`) where k = min(n, max(min_samples, round(ratio
    n))) is n in each product. `backward_ratio` samples the two gradient products over their own
    pairs, on top. For bias of the estimate see `crs_core.sampling`. Products whose gradient
    nobody needs are not computed. Can be differentiated once.

    x: (..., n), also (n,); weight: (o, n); bias: (o,). Raises ShapeError, RatioError, SpecError.
    """
    how = setting(policy, ratio, backward_ratio, min_samples, generator, meter, memory)
    _check(x, weight, bias)
    return linear(x, weight, bias, how)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None, how: Setting) -> Tensor:
    """Do what `crs_linear` does, for arguments that are known to fit."""
    o, n = weight.shape
    examples = x.numel() // n if n else 0
    if how.is_exact(pairs=n, backward_pairs=(o, examples)):
        _count_exact(how, x, weight, examples)
        return F.linear(x, weight, bias)
    dtype = compute_dtype(x, weight, bias)
    function = MePropLinear if how.policy.name == "meprop" else _Linear
    y = function.apply(x, weight, bias, how, dtype)  # type: ignore[no-untyped-call]
    assert isinstance(y, Tensor)
    return y


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        how: Setting,
        dtype: torch.dtype,
    ) -> Tensor:
        o, n = weight.shape
        kept = how.choose(
            "forward", n, x, lambda: norms(_flat(x), 1) * how.weight_norms(lambda: norms(weight, 1))
        )
        bias = None if bias is None else bias.to(dtype)
        with torch.autocast(x.device.type, enabled=False):
            if kept is None:
                xs, ws = x.to(dtype), weight.to(dtype)
                y = F.linear(xs, ws, bias)
                xs = _flat(xs)
            else:
                xs = kept.take_scaled(_flat(x), 1).to(dtype)
                ws = kept.take(weight, 1).to(dtype)
                y = F.linear(xs, ws, bias).view(*x.shape[:-1], o)
            if how.is_probing and kept is not None and how.meter is not None:
                exact = F.linear(x.to(dtype), weight.to(dtype))
                how.meter.compare("forward", y if bias is None else y - bias, exact)
        k, m = xs.shape[1], xs.shape[0]
        how.count("forward", pairs=n, kept=k, exact_macs=m * n * o, performed_macs=m * k * o)

        need_x, need_w = ctx.needs_input_grad[:2]
        ctx.how, ctx.kept, ctx.shape, ctx.pairs = how, kept, x.shape, n
        ctx.by_columns = is_turned(storage_order(weight))
        probe = how.is_probing
        ctx.save_for_backward(
            xs if need_w else None,
            ws if need_x else None,
            weight if probe and need_x else None,
            x if probe and need_w else None,
        )
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
        need_x, need_w, need_b = ctx.needs_input_grad[:3]
        xs, ws, weight, x = ctx.saved_tensors
        dy = _flat(dy)
        dx = dw = db = None
        if need_x:
            dx = _grad_input(ctx.how, ctx.kept, dy, ws, ctx.pairs)
            if weight is not None:
                ctx.how.meter.compare("grad_input", dx, dy @ weight.to(dy.dtype))
            dx = dx.view(ctx.shape)
        if need_w:
            dw = _grad_weight(ctx.how, ctx.kept, dy, xs, ctx.pairs, by_columns=ctx.by_columns)
            if x is not None:
                ctx.how.meter.compare("grad_weight", dw, dy.t() @ _flat(x).to(dy.dtype))
        if need_b:
            db = dy.sum(0)
        return dx, dw, db, None, None


def _grad_input(how: Setting, kept: Chosen | None, dy: Tensor, ws: Tensor, n: int) -> Tensor:
    m, o = dy.shape
    scales = None if kept is None else kept.scales
    chosen = how.choose("grad_input", o, dy, lambda: norms(dy, 1) * norms(scale(ws, 1, scales), 0))
    dxs = dy @ ws if chosen is None else chosen.take_scaled(dy, 1) @ chosen.take(ws, 0)
    # dY (W_S σ) = (dY W_S) σ, and scaling the product costs less than scaling W_S.
    dxs = scale(dxs, 1, scales)
    k, k_out = ws.shape[1], o if chosen is None else chosen.count
    how.count("grad_input", pairs=o, kept=k_out, exact_macs=m * n * o, performed_macs=m * k * k_out)
    return dxs if kept is None else spread(dxs, 1, kept.indices, n)


def _grad_weight(
    how: Setting, kept: Chosen | None, dy: Tensor, xs: Tensor, n: int, *, by_columns: bool
) -> Tensor:
    m, o = dy.shape
    chosen = how.choose("grad_weight", m, dy, lambda: norms(dy, 0) * norms(xs, 0))
    if chosen is not None:
        dy, xs = chosen.take_scaled(dy, 0), chosen.take(xs, 0)
    # Multiplied in the order that gives the storage of the weight.
    dws = (xs.t() @ dy).t() if by_columns else dy.t() @ xs
    k, k_examples = xs.shape[1], dy.shape[0]
    how.count(
        "grad_weight",
        pairs=m,
        kept=k_examples,
        exact_macs=m * n * o,
        performed_macs=k_examples * k * o,
    )
    return dws if kept is None else spread(dws, 1, kept.indices, n, by_columns=by_columns)


def _flat(t: Tensor) -> Tensor:
    return t if t.dim() == 2 else t.reshape(-1, t.shape[-1])


def _count_exact(how: Setting, x: Tensor, weight: Tensor, m: int) -> None:
    """Count all three products now: torch's own operation will not tell of its backward pass."""
    o, n = weight.shape
    macs = m * n * o
    how.count("forward", pairs=n, kept=n, exact_macs=macs, performed_macs=macs)
    if torch.is_grad_enabled() and x.requires_grad:
        how.count("grad_input", pairs=o, kept=o, exact_macs=macs, performed_macs=macs)
    if torch.is_grad_enabled() and weight.requires_grad:
        how.count("grad_weight", pairs=m, kept=m, exact_macs=macs, performed_macs=macs)


def _check(x: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    if weight.dim() != 2:
        raise ShapeError(
            f"weight has shape {tuple(weight.shape)}; it must be (out_features, in_features)"
        )
    o, n = weight.shape
    if x.dim() == 0 or x.shape[-1] != n:
        raise ShapeError(
            f"x has shape {tuple(x.shape)} but weight has {n} in_features; x must be (..., {n})"
        )
    if bias is not None and bias.shape != (o,):
        raise ShapeError(
            f"bias has shape {tuple(bias.shape)} but weight has {o} out_features; "
            f"bias must be ({o},)"
        )
