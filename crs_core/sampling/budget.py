"""Budgets and probabilities that follow the scores: the adaptive budget, the floor."""

import torch
from torch import Tensor


def enough(scores: Tensor, k: int, coverage: float, *, least: int = 1) -> int:
    """Give the size of the smallest set of pairs that holds the share `coverage` of all scores.

    At least `least`, at most k; of groups that of the one that needs most, since all keep the
    same count. Scores that are all 0 need no more than `least`. Waits for the device.
    """
    if k == 0 or scores.numel() == 0:
        return k
    held = torch.topk(scores, k, dim=-1).values.double().cumsum(-1)
    wanted = coverage * scores.double().sum(-1, keepdim=True)
    needed = (held < wanted).sum(-1) + 1
    return min(k, max(least, int(needed.max())))


def mixed(scores: Tensor, exploration: float) -> Tensor:
    """Give (1 - e) p + e/n: probabilities of which none is below e/n. Scores of 0 give e/n."""
    total = scores.sum(-1, keepdim=True).clamp_min(torch.finfo(scores.dtype).tiny)
    floor = exploration / max(1, scores.shape[-1])
    return scores * ((1 - exploration) / total) + floor
