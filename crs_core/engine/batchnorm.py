"""Batch normalisation over a batch that several ranks share: statistics of the whole batch.

Torch's own `SyncBatchNorm` does that on CUDA alone. On the CPU stands the same here, by its
formulas: with n values of a channel on all ranks together, x̂ = (x - mean) / sqrt(var + eps),

    y  = γ x̂ + β
    dx = γ / sqrt(var + eps) · (dy - Σ dy / n - x̂ · Σ dy x̂ / n)

where mean, var and both Σ are over the values of all ranks; dγ = Σ dy x̂ and dβ = Σ dy are over a
rank's own, since gradients of parameters are averaged later.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.modules.batchnorm import _BatchNorm

from crs_core.engine.ranks import gathered


def normalise_together(model: nn.Module, device: torch.device) -> nn.Module:
    """Have the batch normalisations of `model` look at all ranks; in place, and give the model."""
    if device.type == "cuda":
        converted: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(  # type: ignore[no-untyped-call]
            model
        )
        return converted
    for name, module in list(model.named_modules()):
        if isinstance(module, _BatchNorm):
            if not name:
                return SharedBatchNorm(module)
            parent, _, child = name.rpartition(".")
            setattr(model.get_submodule(parent), child, SharedBatchNorm(module))
    return model


class SharedBatchNorm(_BatchNorm):
    """The twin of a batch normalisation, with its parameters, averages and state dict.

    In evaluation it is the same. In training, every rank calls it alike, each with its own examples
    of the batch: N C …, at least one.
    """

    def __init__(self, alone: _BatchNorm) -> None:
        super().__init__(
            alone.num_features,
            alone.eps,
            alone.momentum,
            alone.affine,
            alone.track_running_stats,
            device="meta",  # nothing is made that would be thrown away
        )
        self.weight, self.bias = alone.weight, alone.bias
        self.running_mean, self.running_var = alone.running_mean, alone.running_var
        self.num_batches_tracked = alone.num_batches_tracked
        self.train(alone.training)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's own name
        """Give the normalised input."""
        if not self.training:
            evaluated: Tensor = super().forward(input)
            return evaluated
        y, mean, var, count = _Normalise.apply(  # type: ignore[no-untyped-call]
            input, self.weight, self.bias, self.eps
        )
        if self.track_running_stats:
            self._track(mean, var * (count / (count - 1)))
        assert isinstance(y, Tensor)
        return y

    def _check_input_dim(self, input: Tensor) -> None:  # noqa: A002
        """Take any number of dimensions: the module whose twin this is would have refused."""

    @torch.no_grad()
    def _track(self, mean: Tensor, unbiased: Tensor) -> None:
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        weight = self.momentum
        if weight is None:
            weight = 1 / float(self.num_batches_tracked)
        for average, now in ((self.running_mean, mean), (self.running_var, unbiased)):
            assert average is not None
            average.lerp_(now.to(average.dtype), weight)


class _Normalise(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float
    ) -> tuple[Tensor, Tensor, Tensor, int]:
        dims = [d for d in range(x.dim()) if d != 1]
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        own_var, own_mean = torch.var_mean(wide, dims, correction=0)
        counts = gathered(torch.tensor(float(x.numel() // x.shape[1]), dtype=torch.float64))
        vars_, means = gathered(torch.stack([own_var, own_mean]).double()).unbind(1)
        shares = (counts / counts.sum())[:, None]
        mean = (shares * means).sum(0)
        var = (shares * (vars_ + (means - mean).square())).sum(0)
        mean, var = mean.to(wide.dtype), var.to(wide.dtype)
        scale = torch.rsqrt(var + eps)
        hat = (wide - _along(mean, x)).mul_(_along(scale, x))
        y = hat if weight is None else hat * _along(weight, x)
        y = y if bias is None else y + _along(bias, x)
        count = int(counts.sum())
        ctx.save_for_backward(x, mean, scale, weight)
        ctx.count, ctx.has_bias, ctx.dims = count, bias is not None, dims
        ctx.mark_non_differentiable(mean, var)
        return y.to(x.dtype), mean, var, count

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor, *_: object) -> tuple[Tensor | None, ...]:
        x, mean, scale, weight = ctx.saved_tensors
        wide = dy.to(scale.dtype)
        hat = (x.to(scale.dtype) - _along(mean, x)).mul_(_along(scale, x))
        own_sum, own_product = wide.sum(ctx.dims), (wide * hat).sum(ctx.dims)
        # γ is a factor of a whole channel, so it can wait until the sums are taken.
        sums = gathered(torch.stack([own_sum, own_product]).double()).sum(0) / ctx.count
        of_dy, of_product = sums.to(scale.dtype)
        factor = scale if weight is None else scale * weight
        dx = (wide - _along(of_dy, x) - hat * _along(of_product, x)).mul_(_along(factor, x))
        dweight = None if weight is None else own_product.to(weight.dtype)
        dbias = own_sum.to(scale.dtype) if ctx.has_bias else None
        return dx.to(dy.dtype), dweight, dbias, None


def _along(values: Tensor, x: Tensor) -> Tensor:
    """Give a value per channel the shape to go with x."""
    return values.view(1, -1, *[1] * (x.dim() - 2))
