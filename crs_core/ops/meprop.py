"""meProp: an exact forward product, and gradients from the outputs of the largest gradient.

J are the k of o output features (channels, in each group) with the largest Σ |dY[:,j]|, summed
over the examples of the batch and every position, k = round(backward_ratio o) within the bounds
of `crs_core.cost.budget`:

    product       multiplies                             elsewhere
    forward       X Wᵀ, exact
    grad_input    dX      = dY[:,J] W[J,:]
    grad_weight   dW[J,:] = dY[:,J]ᵀ X                   dW is 0

One set serves both gradient products, nothing is scaled, the batch is not sampled, and the
gradient of the bias is whole. In a meter the pairs of both gradient products are outputs.

Source: Sun, Ren, Ma & Wang 2017 (meProp), its simple unified top-k: one set for the whole batch.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from crs_core.events import Product
from crs_core.ops.choice import Chosen, Setting, spread, wide
from crs_core.ops.storage import is_turned, storage_order
from crs_core.ops.window import Window


class MePropLinear(torch.autograd.Function):
    """A linear layer, X of any leading dimensions."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        how: Setting,
        dtype: torch.dtype,
    ) -> Tensor:
        """Multiply exactly."""
        o, n = weight.shape
        need_x, need_w = ctx.needs_input_grad[:2]
        ctx.how = how
        ctx.by_columns = is_turned(storage_order(weight))
        bias = None if bias is None else bias.to(dtype)
        with torch.autocast(x.device.type, enabled=False):
            x, weight = x.to(dtype), weight.to(dtype)
            y = F.linear(x, weight, bias)
        macs = y.numel() * n
        ctx.output_macs = macs // o
        how.count("forward", pairs=n, kept=n, exact_macs=macs, performed_macs=macs)
        ctx.save_for_backward(x if need_w else None, weight if need_x else None)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
        """Multiply the rows of W and the columns of dY that are kept."""
        need_x, need_w, need_b = ctx.needs_input_grad[:3]
        x, weight = ctx.saved_tensors
        how: Setting = ctx.how
        shape, dy = dy.shape, dy.reshape(-1, dy.shape[-1])
        o = dy.shape[1]
        dx = dw = None
        db = dy.sum(0) if need_b else None
        kept = _choose(how, _needed(need_x=need_x, need_w=need_w), dy, 1)
        dys = dy if kept is None else kept.take(dy, 1)
        if need_x:
            dx = dys @ (weight if kept is None else kept.take(weight, 0))
            if how.is_probing and how.meter is not None:
                how.meter.compare("grad_input", dx, dy @ weight)
            dx = dx.view(*shape[:-1], dx.shape[1])
        if need_w:
            x = x.reshape(-1, x.shape[-1])
            dw = dys.t() @ x
            if kept is not None:
                dw = spread(dw, 0, kept.indices, o, by_columns=ctx.by_columns)
            if how.is_probing and how.meter is not None:
                how.meter.compare("grad_weight", dw, dy.t() @ x)
        _count(ctx, o, dys.shape[1], 1)
        return dx, dw, db, None, None


class MePropConv2d(torch.autograd.Function):
    """A convolution of N x C x H x W."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        how: Setting,
        window: Window,
        dtype: torch.dtype,
    ) -> Tensor:
        """Convolve exactly."""
        need_x, need_w = ctx.needs_input_grad[:2]
        bias = None if bias is None else bias.to(dtype)
        with torch.autocast(x.device.type, enabled=False):
            weight, padded = weight.to(dtype), window.pad(x.to(dtype))
            y = window.convolve(padded, weight, bias)
        pairs = weight.shape[1]
        macs = y.numel() * weight[0].numel()
        how.count("forward", pairs=pairs, kept=pairs, exact_macs=macs, performed_macs=macs)
        ctx.how, ctx.window = how, window
        ctx.x_shape, ctx.w_shape, ctx.padded_shape = x.shape, weight.shape, padded.shape
        ctx.output_macs = macs // weight.shape[0]
        ctx.save_for_backward(padded if need_w else None, weight if need_x else None)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
        """Convolve the channels of dY and the kernels that are kept."""
        need_x, need_w, need_b = ctx.needs_input_grad[:3]
        padded, weight = ctx.saved_tensors
        how: Setting = ctx.how
        window: Window = ctx.window
        dx = dw = None
        db = dy.sum((0, 2, 3)) if need_b else None
        kept = _choose(how, _needed(need_x=need_x, need_w=need_w), dy, window.groups)
        dys = dy if kept is None else kept.take(dy, 1)
        if need_x:
            ws = weight if kept is None else kept.take(weight, 0)
            dx = _grad_input(ctx, dys, ws)
            if how.is_probing and how.meter is not None:
                how.meter.compare("grad_input", dx, _grad_input(ctx, dy, weight))
        if need_w:
            dw = _grad_weight(ctx, dys, padded)
            if kept is not None:
                dw = spread(dw, 0, kept.indices, dy.shape[1])
            if how.is_probing and how.meter is not None:
                how.meter.compare("grad_weight", dw, _grad_weight(ctx, dy, padded))
        _count(ctx, dy.shape[1], dys.shape[1], window.groups)
        return dx, dw, db, None, None, None


def _needed(*, need_x: bool, need_w: bool) -> tuple[Product, ...]:
    inputs: tuple[Product, ...] = ("grad_input",) if need_x else ()
    return (*inputs, "grad_weight") if need_w else inputs


def _choose(how: Setting, needed: tuple[Product, ...], dy: Tensor, groups: int) -> Chosen | None:
    """Choose outputs, in each group, once for all products that are needed."""
    if not needed:
        return None
    outputs = dy.shape[1]
    kept = how.choose(needed[0], outputs // groups, dy, lambda: _sizes(dy), groups=groups)
    if kept is not None and how.meter is not None:
        for product in needed[1:]:
            how.meter.cover(product, kept.indices, outputs, is_lasting=True)
    return kept


def _sizes(dy: Tensor) -> Tensor:
    """Give Σ |dY[:,j]| for each output j, in float32 for half types."""
    return dy.abs().sum([0, *range(2, dy.dim())], dtype=wide(dy.dtype))


def _grad_input(ctx: Any, dy: Tensor, weight: Tensor) -> Tensor:
    # Only the shape of the input matters here.
    like = dy.new_zeros(()).expand(ctx.padded_shape)
    dx, _ = ctx.window.gradients(dy, like, weight, need_x=True, need_w=False)
    assert isinstance(dx, Tensor)
    unpadded: Tensor = ctx.window.unpad(dx, ctx.x_shape)
    return unpadded


def _grad_weight(ctx: Any, dy: Tensor, padded: Tensor) -> Tensor:
    like = dy.new_zeros(()).expand(dy.shape[1], *ctx.w_shape[1:])
    _, dw = ctx.window.gradients(dy, padded, like, need_x=False, need_w=True)
    assert isinstance(dw, Tensor)
    return dw


def _count(ctx: Any, outputs: int, kept: int, groups: int) -> None:
    """Count the gradient products that were needed; `outputs` and `kept` are of all groups."""
    need_x, need_w = ctx.needs_input_grad[:2]
    for product in _needed(need_x=need_x, need_w=need_w):
        ctx.how.count(
            product,
            pairs=outputs // groups,
            kept=kept // groups,
            exact_macs=ctx.output_macs * outputs,
            performed_macs=ctx.output_macs * kept,
        )
