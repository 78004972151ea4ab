"""An approximate 2-D convolution, and its two approximate gradients.

I is N x C x H x W, the kernels are O x C/g x kh x kw with g groups. With σ the forward scales on
the kept channels S, and J, ρ and R, τ the kept pairs and scales of the two gradient products:

    product       contracts over         score of a pair              multiplies
    forward       C/g, input channels    ‖I[:,i]‖ ‖K[:,i]‖ (Eq. 8)    I_S σ  with  K_S
    grad_input    O/g, output channels   ‖dY[:,o]‖ ‖(K_S σ)[o]‖       dY[:,J] ρ  with  (K_S σ)[J]
    grad_weight   N, examples            ‖dY[b]‖ ‖(I_S σ)[b]‖         dY[R] τ  with  (I_S σ)[R]

Outside S dI and dK are zero, and each scale is applied once. The norms of I are those of the
unpadded input. With groups the pairs are chosen within each group, the same count in each. The
bias and its gradient are exact. Where a product keeps every pair it is torch's own operation;
with one input channel per group the forward product always is.

Source: Adelman & Silberstein 2018, section 4. The optimal probabilities of Eq. 7 cost more than
they save.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from crs_core.errors import ShapeError
from crs_core.ops.choice import (
    Chosen,
    Generators,
    Setting,
    compute_dtype,
    norms,
    setting,
    spread,
)
from crs_core.ops.kernels import channel_norms, scale_channels, spread_channels, take_channels
from crs_core.ops.memory import Memory
from crs_core.ops.meprop import MePropConv2d
from crs_core.ops.meter import Meter
from crs_core.ops.window import PaddingMode, Window, make_window
from crs_core.spec import Policy


def crs_conv2d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | tuple[int, int] = 1,
    padding: str | int | tuple[int, int] = 0,
    dilation: int | tuple[int, int] = 1,
    groups: int = 1,
    *,
    policy: Policy | str,
    ratio: float,
    backward_ratio: float = 1.0,
    min_samples: int = 10,
    generator: torch.Generator | Generators | None = None,
    meter: Meter | None = None,
    memory: Memory | None = None,
    padding_mode: PaddingMode = "zeros",
) -> Tensor:
    """Convolve a sample of the input channels, with gradients from samples as well (Eq. 6).

    Exact (bit for bit `torch.nn.functional.conv2d`, or what `torch.nn.Conv2d` does for another
    `padding_mode`) where k = min(n, max(min_samples, round(ratio n))) is n in each product; n is
    C/groups, and in the gradients O/groups and N, by `backward_ratio`. Products whose gradient
    nobody needs are not computed. Can be differentiated once.

    x: (N, C, H, W), also (C, H, W); weight: (O, C/groups, kh, kw); bias: (O,). `padding` is also
    'same' (for stride 1) or 'valid'. Raises ShapeError, RatioError, SpecError.
    """
    how = setting(policy, ratio, backward_ratio, min_samples, generator, meter, memory)
    _check(x, weight, bias, groups)
    window = make_window(weight, stride, padding, dilation, groups, padding_mode)
    if x.dim() == 3:
        return _conv2d(x.unsqueeze(0), weight, bias, how, window).squeeze(0)
    return _conv2d(x, weight, bias, how, window)


def _conv2d(x: Tensor, weight: Tensor, bias: Tensor | None, how: Setting, window: Window) -> Tensor:
    per_group = weight.shape[0] // window.groups
    if how.is_exact(pairs=weight.shape[1], backward_pairs=(per_group, x.shape[0])):
        y = window.convolve(window.pad(x), weight, bias)
        _count_exact(how, x, weight, y, per_group)
        return y
    dtype = compute_dtype(x, weight, bias)
    function = MePropConv2d if how.policy.name == "meprop" else _Conv2d
    y = function.apply(x, weight, bias, how, window, dtype)  # type: ignore[no-untyped-call]
    assert isinstance(y, Tensor)
    return y


class _Conv2d(torch.autograd.Function):
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
        o, channels, g = weight.shape[0], weight.shape[1], window.groups
        kept = how.choose(
            "forward",
            channels,
            x,
            lambda: norms(x, 1) * how.weight_norms(lambda: channel_norms(weight, g).flatten()),
            groups=g,
        )
        bias = None if bias is None else bias.to(dtype)
        with torch.autocast(x.device.type, enabled=False):
            if kept is None:
                xs, ws = x.to(dtype), weight.to(dtype)
            else:
                xs = kept.take_scaled(x, 1).to(dtype)
                ws = take_channels(weight, kept, g).to(dtype)
            xs_shape, xs = xs.shape, window.pad(xs)
            y = _output(window, xs, ws, bias)
            if how.is_probing and kept is not None and how.meter is not None:
                exact = window.convolve(window.pad(x.to(dtype)), weight.to(dtype), bias)
                how.meter.compare("forward", *_without(bias, y, exact))
        k = ws.shape[1]
        # MACs of one pair: in how many places a kernel's slice of one channel is multiplied, and
        # how large it is.
        ctx.pair_macs = y.numel() * weight.shape[2] * weight.shape[3]
        how.count(
            "forward",
            pairs=channels,
            kept=k,
            exact_macs=ctx.pair_macs * channels,
            performed_macs=ctx.pair_macs * k,
        )

        need_x, need_w = ctx.needs_input_grad[:2]
        ctx.how, ctx.window, ctx.kept = how, window, kept
        ctx.x_shape, ctx.w_shape, ctx.xs_shape, ctx.padded_shape = (
            x.shape, weight.shape, xs_shape, xs.shape,
        )  # fmt: skip
        ctx.outputs = o // g
        probe = how.is_probing and (need_x or need_w)
        ctx.save_for_backward(
            xs if need_w else None,
            ws if need_x else None,
            x if probe else None,
            weight if probe else None,
        )
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
        need_x, need_w, need_b = ctx.needs_input_grad[:3]
        xs, ws, x, weight = ctx.saved_tensors
        dx = _grad_input(ctx, dy, ws) if need_x else None
        dw = _grad_weight(ctx, dy, xs) if need_w else None
        db = dy.sum((0, 2, 3)) if need_b else None
        if x is not None:
            _probe(ctx, dy, x.to(dy.dtype), weight.to(dy.dtype), dx, dw)
        return dx, dw, db, None, None, None


def _grad_input(ctx: Any, dy: Tensor, ws: Tensor) -> Tensor:
    how: Setting = ctx.how
    window: Window = ctx.window
    kept: Chosen | None = ctx.kept
    g = window.groups
    if kept is not None and kept.scales is not None:
        ws = scale_channels(ws, kept.scales, g)
    chosen = how.choose(
        "grad_input", ctx.outputs, dy, lambda: norms(dy, 1) * norms(ws, 0), groups=g
    )
    if chosen is not None:
        dy, ws = chosen.take_scaled(dy, 1), chosen.take(ws, 0)
    k, k_out = ws.shape[1], ws.shape[0] // g
    pair_macs = ctx.pair_macs // ctx.outputs
    how.count(
        "grad_input",
        pairs=ctx.outputs,
        kept=k_out,
        exact_macs=pair_macs * ctx.outputs * ctx.w_shape[1],
        performed_macs=pair_macs * k_out * k,
    )
    if k_out == 0 or k == 0:
        return dy.new_zeros(ctx.x_shape)
    # Only the shape of the input matters here.
    like = dy.new_zeros(()).expand(ctx.padded_shape)
    dxs, _ = window.gradients(dy, like, ws, need_x=True, need_w=False)
    assert dxs is not None
    dxs = window.unpad(dxs, ctx.xs_shape)
    return dxs if kept is None else spread(dxs, 1, kept.indices, ctx.x_shape[1])


def _grad_weight(ctx: Any, dy: Tensor, xs: Tensor) -> Tensor:
    how: Setting = ctx.how
    window: Window = ctx.window
    kept: Chosen | None = ctx.kept
    n = xs.shape[0]
    chosen = how.choose("grad_weight", n, dy, lambda: norms(dy, 0) * norms(xs, 0))
    if chosen is not None:
        dy, xs = chosen.take_scaled(dy, 0), chosen.take(xs, 0)
    k, examples = xs.shape[1] // window.groups, xs.shape[0]
    pair_macs = ctx.pair_macs // n if n else 0
    how.count(
        "grad_weight",
        pairs=n,
        kept=examples,
        exact_macs=pair_macs * n * ctx.w_shape[1],
        performed_macs=pair_macs * examples * k,
    )
    if k == 0 or examples == 0:
        return dy.new_zeros(ctx.w_shape)
    like = dy.new_zeros(()).expand(ctx.w_shape[0], k, *ctx.w_shape[2:])
    _, dws = window.gradients(dy, xs, like, need_x=False, need_w=True)
    assert dws is not None
    return dws if kept is None else spread_channels(dws, kept, ctx.w_shape, window.groups)


def _output(window: Window, xs: Tensor, ws: Tensor, bias: Tensor | None) -> Tensor:
    """Convolve the kept channels; none at all give zeros and the bias."""
    if ws.shape[1]:
        return window.convolve(xs, ws, bias)
    one = xs.new_zeros(xs.shape[0], window.groups, *xs.shape[2:])
    return window.convolve(one, ws.new_zeros(ws.shape[0], 1, *ws.shape[2:]), bias)


def _without(bias: Tensor | None, *outputs: Tensor) -> tuple[Tensor, ...]:
    """Take the exact bias off again, so that an error is that of the product alone."""
    return outputs if bias is None else tuple(y - bias.view(-1, 1, 1) for y in outputs)


def _probe(
    ctx: Any, dy: Tensor, x: Tensor, weight: Tensor, dx: Tensor | None, dw: Tensor | None
) -> None:
    window: Window = ctx.window
    padded = window.pad(x)
    exact_x, exact_w = window.gradients(
        dy, padded, weight, need_x=dx is not None, need_w=dw is not None
    )
    if dx is not None and exact_x is not None:
        ctx.how.meter.compare("grad_input", dx, window.unpad(exact_x, x.shape))
    if dw is not None and exact_w is not None:
        ctx.how.meter.compare("grad_weight", dw, exact_w)


def _count_exact(how: Setting, x: Tensor, weight: Tensor, y: Tensor, outputs: int) -> None:
    """Count all three products now: torch's own operation will not tell of its backward pass."""
    pairs = weight.shape[1]
    macs = y.numel() * weight[0].numel()
    how.count("forward", pairs=pairs, kept=pairs, exact_macs=macs, performed_macs=macs)
    if torch.is_grad_enabled() and x.requires_grad:
        how.count("grad_input", pairs=outputs, kept=outputs, exact_macs=macs, performed_macs=macs)
    if torch.is_grad_enabled() and weight.requires_grad:
        n = x.shape[0]
        how.count("grad_weight", pairs=n, kept=n, exact_macs=macs, performed_macs=macs)


def _check(x: Tensor, weight: Tensor, bias: Tensor | None, groups: int) -> None:
    if weight.dim() != 4:
        raise ShapeError(
            f"weight has shape {tuple(weight.shape)}; "
            "it must be (out_channels, in_channels / groups, height, width)"
        )
    o, channels = weight.shape[:2]
    if groups < 1 or o % groups:
        raise ShapeError(
            f"groups is {groups} but weight has {o} out_channels; groups must divide them"
        )
    if x.dim() not in (3, 4) or x.shape[-3] != channels * groups:
        raise ShapeError(
            f"x has shape {tuple(x.shape)} but weight has {channels} channels in each of {groups} "
            f"group(s); x must be (batch, {channels * groups}, height, width), or without the batch"
        )
    if bias is not None and bias.shape != (o,):
        raise ShapeError(
            f"bias has shape {tuple(bias.shape)} but weight has {o} out_channels; "
            f"bias must be ({o},)"
        )
