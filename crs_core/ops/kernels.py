"""Channels of kernels in groups: scored, taken out, put back.

Channel i of group q is number q C/g + i among the channels of the input, but number i in the
kernels of its group. With groups the kernels are therefore seen as O C/g small images, of which
the chosen are taken.
"""

import torch
from torch import Tensor

from crs_core.ops.choice import Chosen, norms, spread, take


def channel_norms(weight: Tensor, groups: int) -> Tensor:
    """Give ‖K[:,i]‖ for each group and each of its channels."""
    if groups == 1:
        return norms(weight, 1)
    slices = norms(weight.flatten(0, 1), 0).view(groups, -1, weight.shape[1])
    return (slices * slices).sum(1).sqrt_()


def _rows(kept: Chosen, outputs: int, channels: int, groups: int) -> Tensor:
    first = torch.arange(0, outputs * channels, channels, device=kept.indices.device)
    local = kept.indices.view(groups, 1, kept.count) % channels
    return (first.view(groups, -1, 1) + local).flatten()


def take_channels(weight: Tensor, kept: Chosen, groups: int) -> Tensor:
    """Give K_S, without its scales."""
    if groups == 1:
        return kept.take(weight, 1)
    rows = _rows(kept, weight.shape[0], weight.shape[1], groups)
    return take(weight.flatten(0, 1), 0, rows).view(weight.shape[0], kept.count, *weight.shape[2:])


def spread_channels(dws: Tensor, kept: Chosen, shape: torch.Size, groups: int) -> Tensor:
    """Put a gradient of K_S into zeros of the shape of K."""
    if groups == 1:
        return spread(dws, 1, kept.indices, shape[1])
    rows = _rows(kept, shape[0], shape[1], groups)
    return spread(dws.flatten(0, 1), 0, rows, shape[0] * shape[1]).view(shape)


def scale_channels(ws: Tensor, scales: Tensor, groups: int) -> Tensor:
    """Give K_S σ."""
    each = scales.view(groups, 1, ws.shape[1], 1, 1)
    scaled = ws.view(groups, ws.shape[0] // groups, *ws.shape[1:]) * each
    return scaled.view(ws.shape).to(ws.dtype)
