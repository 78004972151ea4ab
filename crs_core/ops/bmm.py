"""Approximate products A B of many matrices at once, by heads.

A is N x H x m x n, B is N x H x n x p: H heads, each with a kept set of its own that all N examples
share. With σ the forward scales on the kept set S of a head, J, ρ and R, τ those of the gradients:

    product       contracts over      score of a pair, norms over all examples
    forward       n                   (Σ_N ‖A[:,i]‖² ‖B[i,:]‖²)^½              multiplies A_S σ, B_S
    grad_input    p, columns of B     (Σ_N ‖dC[:,j]‖² ‖(B_S σ)[:,j]‖²)^½       gives dA on S
    grad_weight   m, rows of A        (Σ_N ‖dC[r,:]‖² ‖(A_S σ)[r,:]‖²)^½       gives dB on S

A score is the norm of what a pair contributes to the products of all examples together; for one
example it is that of `crs_core.ops.linear`. Where a product keeps every pair it is torch's own.
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
    refuse_meprop,
    setting,
    wide,
)
from crs_core.ops.meter import Meter
from crs_core.spec import Policy


def crs_bmm(
    a: Tensor,
    b: Tensor,
    *,
    policy: Policy | str,
    ratio: float,
    backward_ratio: float = 1.0,
    min_samples: int = 10,
    generator: torch.Generator | Generators | None = None,
    meter: Meter | None = None,
) -> Tensor:
    """Give A B from a sample of the pairs of each head, with gradients from samples as well.

    Exact (bit for bit `a @ b`) where k = min(n, max(min_samples, round(ratio n))) is n in each
    product. In a meter and in `Generators` dA is grad_input and dB grad_weight. Can be
    differentiated once.

    a: (N, H, m, n); b: (N, H, n, p). Raises ShapeError, RatioError, SpecError.
    """
    refuse_meprop(policy, "a batched product")
    how = setting(policy, ratio, backward_ratio, min_samples, generator, meter)
    if a.dim() != 4 or b.dim() != 4:
        raise ShapeError(
            f"a has shape {tuple(a.shape)} and b has shape {tuple(b.shape)}; both must have four "
            "dimensions: examples, heads, rows, columns"
        )
    if a.shape[:2] != b.shape[:2] or a.shape[3] != b.shape[2]:
        raise ShapeError(
            f"a has shape {tuple(a.shape)} and b has shape {tuple(b.shape)}; a @ b needs the same "
            "examples and heads, and as many columns of a as rows of b"
        )
    if how.is_exact(pairs=a.shape[3], backward_pairs=(b.shape[3], a.shape[2])):
        _count_exact(how, a, b)
        return a @ b
    c = _Bmm.apply(a, b, how, compute_dtype(a, b, None))  # type: ignore[no-untyped-call]
    assert isinstance(c, Tensor)
    return c


class _Bmm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, how: Setting, dtype: torch.dtype) -> Tensor:
        n, heads = a.shape[3], a.shape[1]
        kept = _Pairs.choose(how, "forward", n, a, b)
        with torch.autocast(a.device.type, enabled=False):
            a_s = (a if kept is None else kept.take_scaled(a, 3)).to(dtype)
            b_s = (b if kept is None else kept.take(b, 2)).to(dtype)
            c = a_s @ b_s
            if how.is_probing and kept is not None and how.meter is not None:
                how.meter.compare("forward", c, a.to(dtype) @ b.to(dtype))
        ctx.macs = c.numel()
        k = a_s.shape[3]
        how.count("forward", pairs=n, kept=k, exact_macs=ctx.macs * n, performed_macs=ctx.macs * k)
        ctx.how, ctx.kept, ctx.pairs, ctx.heads = how, kept, n, heads
        ctx.dtypes = a.dtype, b.dtype
        probe = how.is_probing
        ctx.save_for_backward(a_s, b_s, a if probe else None, b if probe else None)
        return c

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dc: Tensor) -> tuple[Tensor | None, ...]:
        how: Setting = ctx.how
        kept: _Pairs | None = ctx.kept
        a_s, b_s, a, b = ctx.saved_tensors
        n, k, rows, columns = ctx.pairs, a_s.shape[3], dc.shape[2], dc.shape[3]
        da = db = None
        if ctx.needs_input_grad[0]:
            # Scaled before it is scored: the factor is B_S σ.
            b_scaled = b_s if kept is None else kept.scale(b_s, 2)
            chosen = _Pairs.choose(how, "grad_input", columns, dc, b_scaled.transpose(2, 3))
            left, right = dc, b_scaled
            if chosen is not None:
                left, right = chosen.take_scaled(dc, 3), chosen.take(b_scaled, 3)
            da = left @ right.transpose(2, 3)
            k_columns = left.shape[3]
            how.count(
                "grad_input",
                pairs=columns,
                kept=k_columns,
                exact_macs=ctx.macs * n,
                performed_macs=ctx.macs // columns * k_columns * k,
            )
            da = da if kept is None else kept.spread(da, 3, n)
            if b is not None and how.meter is not None:
                how.meter.compare("grad_input", da, dc @ b.to(dc.dtype).transpose(2, 3))
            da = da.to(ctx.dtypes[0])
        if ctx.needs_input_grad[1]:
            chosen = _Pairs.choose(how, "grad_weight", rows, dc.transpose(2, 3), a_s)
            left, right = a_s, dc
            if chosen is not None:
                left, right = chosen.take(a_s, 2), chosen.take_scaled(dc, 2)
            db = left.transpose(2, 3) @ right
            k_rows = left.shape[2]
            how.count(
                "grad_weight",
                pairs=rows,
                kept=k_rows,
                exact_macs=ctx.macs * n,
                performed_macs=ctx.macs // rows * k_rows * k,
            )
            db = db if kept is None else kept.spread(db, 2, n)
            if a is not None and how.meter is not None:
                how.meter.compare("grad_weight", db, a.to(dc.dtype).transpose(2, 3) @ dc)
            db = db.to(ctx.dtypes[1])
        return da, db, None, None


class _Pairs:
    """The pairs kept of each head, the same count in each: heads x k."""

    def __init__(self, chosen: Chosen, pairs: int, heads: int) -> None:
        first = torch.arange(0, heads * pairs, pairs, device=chosen.indices.device)
        self._indices = chosen.indices.view(heads, -1) - first[:, None]
        self._scales = None if chosen.scales is None else chosen.scales.view(heads, -1)

    @classmethod
    def choose(
        cls, how: Setting, product: Any, pairs: int, left: Tensor, right: Tensor
    ) -> "_Pairs | None":
        """Choose of the columns of `left` and rows of `right`; None means all of them."""
        heads = left.shape[1]

        def scores() -> Tensor:
            of = wide(left.dtype)
            left_squares = (left.to(of) ** 2).sum(2)
            right_squares = (right.to(of) ** 2).sum(3)
            return (left_squares * right_squares).sum(0).sqrt().flatten()

        chosen = how.choose(product, pairs, left, scores, groups=heads)
        return None if chosen is None else cls(chosen, pairs, heads)

    def take(self, t: Tensor, dim: int) -> Tensor:
        """Copy the kept slices of each head along `dim`, 2 or 3."""
        return t.gather(dim, self._along(t, dim))

    def take_scaled(self, t: Tensor, dim: int) -> Tensor:
        """Copy them, each times its scale."""
        return self.scale(self.take(t, dim), dim)

    def scale(self, part: Tensor, dim: int) -> Tensor:
        """Multiply slices that were taken by their scales."""
        if self._scales is None:
            return part
        heads, k = self._scales.shape
        shape = (1, heads, k, 1) if dim == 2 else (1, heads, 1, k)
        return (part * self._scales.view(shape)).to(part.dtype)

    def spread(self, part: Tensor, dim: int, size: int) -> Tensor:
        """Add slices to zeros where they were taken from; of dA and dB scales are applied once."""
        shape = list(part.shape)
        shape[dim] = size
        return part.new_zeros(shape).scatter_add_(dim, self._along(part, dim), part)

    def _along(self, t: Tensor, dim: int) -> Tensor:
        heads, k = self._indices.shape
        shape = (1, heads, k, 1) if dim == 2 else (1, heads, 1, k)
        size = list(t.shape)
        size[dim] = k
        return self._indices.view(shape).expand(size)


def _count_exact(how: Setting, a: Tensor, b: Tensor) -> None:
    """Count all products now: torch's own operation will not tell of its backward pass."""
    (_, _, m, n), p = a.shape, b.shape[3]
    macs = a.numel() * p
    how.count("forward", pairs=n, kept=n, exact_macs=macs, performed_macs=macs)
    if torch.is_grad_enabled() and a.requires_grad:
        how.count("grad_input", pairs=p, kept=p, exact_macs=macs, performed_macs=macs)
    if torch.is_grad_enabled() and b.requires_grad:
        how.count("grad_weight", pairs=m, kept=m, exact_macs=macs, performed_macs=macs)
