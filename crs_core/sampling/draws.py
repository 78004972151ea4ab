"""The draw of each policy; the head of `crs_core.sampling` has the formulas."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from crs_core.sampling.budget import mixed
from crs_core.spec import Policy


@dataclass(frozen=True)
class Kept:
    """The pairs kept, in no particular order; a pair drawn twice stands there twice.

    For scores in groups (groups x n) both fields have one row per group; where a `bernoulli` draw
    keeps fewer pairs in one group than in another, the row is filled up with pairs of scale 0.
    """

    indices: Tensor
    """int64, each in [0, n)."""
    scales: Tensor
    """As many as indices, in the scores' dtype (float32 for half types); ones where not scaled."""


def _exact(scores: Tensor, k: int, policy: Policy, generator: torch.Generator | None) -> Kept:  # noqa: ARG001
    indices = torch.arange(scores.shape[-1], device=scores.device).expand(scores.shape)
    return Kept(indices.contiguous(), torch.ones_like(scores))


def _topk(scores: Tensor, k: int, policy: Policy, generator: torch.Generator | None) -> Kept:
    explored = min(k - 1, max(1, round(policy.exploration * k))) if policy.exploration and k else 0
    values, indices = torch.topk(scores, k - explored, dim=-1, sorted=False)
    if explored:
        keys = _rand(tuple(scores.shape), generator, scores.device).scatter_(-1, indices, -1.0)
        others = torch.topk(keys, explored, dim=-1, sorted=False).indices
        indices = torch.cat([indices, others], dim=-1)
        values = scores.gather(-1, indices)
    return Kept(indices, torch.ones_like(values))


def _nps(scores: Tensor, k: int, policy: Policy, generator: torch.Generator | None) -> Kept:
    weights = _weights(scores, policy)
    indices = _DRAWS_IN_PROPORTION[policy.replacement](weights, k, generator)
    if not policy.scaled:
        return Kept(indices, torch.ones_like(indices, dtype=weights.dtype))
    scales = weights.sum(-1, keepdim=True) / (weights.gather(-1, indices) * k)
    # A pair of score 0, kept for want of better ones, would have the scale 1/0. NaN stays NaN.
    return Kept(indices, scales.nan_to_num_(torch.nan, 0.0, 0.0))


def _weights(scores: Tensor, policy: Policy) -> Tensor:
    """Give weights to draw in proportion to; they are never all 0."""
    if policy.exploration:
        return mixed(scores, policy.exploration)
    # Scores that are all 0 become ones, without asking the device whether they are.
    return scores + (scores.sum(-1, keepdim=True) <= 0)


def _with_replacement(weights: Tensor, k: int, generator: torch.Generator | None) -> Tensor:
    # Double precision: with float32 sums the last of many thousand pairs would be drawn too rarely.
    sums = weights.double().cumsum(-1)
    u = _rand((*weights.shape[:-1], k), generator, weights.device)
    # right=True steps over pairs of weight 0, whose sum is that of their neighbour.
    drawn = torch.searchsorted(sums, u.mul_(sums[..., -1:]), right=True)
    return drawn.clamp_(max=weights.shape[-1] - 1)


def _without_replacement(weights: Tensor, k: int, generator: torch.Generator | None) -> Tensor:
    noise = torch.empty(
        weights.shape, dtype=torch.float64, device=_home(generator, weights.device)
    ).exponential_(generator=generator)
    # The k largest of s_i / E_i come out as k draws in proportion to s, none put back.
    keys = weights / noise.to(weights.device).clamp_min_(torch.finfo(torch.float64).tiny)
    return torch.topk(keys, k, dim=-1, sorted=False).indices


_DRAWS_IN_PROPORTION: dict[bool, Callable[[Tensor, int, torch.Generator | None], Tensor]] = {
    True: _with_replacement,
    False: _without_replacement,
}


def _uniform(scores: Tensor, k: int, policy: Policy, generator: torch.Generator | None) -> Kept:
    n = scores.shape[-1]
    if policy.replacement:
        indices = torch.randint(
            max(n, 1),
            (*scores.shape[:-1], k),
            generator=generator,
            device=_home(generator, scores.device),
        ).to(scores.device)
    else:
        keys = _rand(tuple(scores.shape), generator, scores.device)
        indices = torch.topk(keys, k, dim=-1, sorted=False).indices
    scale = n / k if policy.scaled and k else 1.0
    return Kept(indices, torch.full_like(indices, scale, dtype=scores.dtype))


def _wta(scores: Tensor, k: int, policy: Policy, generator: torch.Generator | None) -> Kept:
    # By falling score, so that "the c largest" is a place, and c may stay on the device.
    weights, order = torch.sort(_weights(scores, policy).double(), dim=-1, descending=True)
    if k == 0:
        return Kept(order[..., :0], scores[..., :0])
    sums = weights.cumsum(-1)
    total = sums[..., -1:]
    before = torch.cat([torch.zeros_like(total), sums[..., : k - 1]], dim=-1)
    place = torch.arange(k, device=scores.device)
    winners = ((total - before) / (k - place)).argmin(-1, keepdim=True)
    held = before.gather(-1, winners)
    rest = total - held
    u = _rand((*scores.shape[:-1], k), generator, scores.device)
    # right=True steps over pairs of weight 0, whose sum is that of their neighbour.
    drawn = torch.searchsorted(sums, held + u * rest, right=True)
    drawn = drawn.clamp_(max=weights.shape[-1] - 1).maximum(winners)
    at = torch.where(place < winners, place, drawn)
    weight = weights.gather(-1, at)
    scales = torch.where(place < winners, 1.0, rest / ((k - winners) * weight))
    # A pair of score 0, kept for want of better ones, would have the scale 1/0. NaN stays NaN.
    scales = torch.where(weight == 0, 0.0, scales)
    return Kept(order.gather(-1, at), scales.to(scores.dtype))


def _bernoulli(scores: Tensor, k: int, policy: Policy, generator: torch.Generator | None) -> Kept:
    if policy.exploration:
        scores = mixed(scores, policy.exploration)
    order, q = keep_probabilities(scores, k)
    # Said so that NaN is kept: a network that diverged must not look well.
    is_kept = ~(_rand(tuple(q.shape), generator, q.device) >= q)
    if scores.dim() == 1:
        at = is_kept.nonzero().squeeze(-1)
    else:
        # Every group gets the count of the largest, filled up with pairs of scale 0.
        count = int(is_kept.sum(-1).max()) if is_kept.numel() else 0
        at = torch.topk(is_kept.to(torch.uint8), count, dim=-1).indices
        q = torch.where(is_kept, q, torch.inf)
    scales = q.gather(-1, at).reciprocal_().clamp_(max=torch.finfo(scores.dtype).max)
    return Kept(order.gather(-1, at), scales.to(scores.dtype))


def keep_probabilities(scores: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Give the pairs by rising score and, beside them, q = min(1, c s), Σq = min(k, scores > 0).

    Let T_i be the sum of s_i and all that are not larger, and t_i the number of pairs above i. Were
    just those above clipped at 1, c would be (k − t_i) / T_i. So i is clipped too where
    (k − t_i) s_i >= T_i; what holds for i holds for all above. In double precision.
    """
    s, order = torch.sort(scores.double(), dim=-1)
    n = s.shape[-1]
    if n == 0:
        return order, s
    sums = s.cumsum(-1)
    left = torch.arange(k - n + 1, k + 1, device=s.device)
    clipped = ((left * s >= sums) & (s > 0)).sum(-1, keepdim=True)
    # Where nothing but scores of 0 is left, c is of no matter as long as it is finite.
    c = (k - clipped) / sums.gather(-1, (n - 1 - clipped).clamp_(min=0)).clamp_(min=1e-200)
    return order, torch.where(left > k - clipped, 1.0, (s * c).clamp_(max=1.0))


def _home(generator: torch.Generator | None, device: torch.device) -> torch.device:
    return device if generator is None else generator.device


def _rand(
    shape: tuple[int, ...], generator: torch.Generator | None, device: torch.device
) -> Tensor:
    # Double precision: 24 bits of a float32 number favour some pairs among many thousand.
    home = _home(generator, device)
    return torch.rand(shape, generator=generator, device=home, dtype=torch.float64).to(device)


DRAWS: dict[str, Callable[[Tensor, int, Policy, torch.Generator | None], Kept]] = {
    "exact": _exact,
    "topk": _topk,
    "nps": _nps,
    "uniform": _uniform,
    "bernoulli": _bernoulli,
    "wta": _wta,
    "meprop": _topk,
}
"""The policies there are; the names are those of `spec.PolicyName`."""
