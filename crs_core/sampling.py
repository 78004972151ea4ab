"""Choose pairs by their scores, and say by what each must be scaled.

With scores s_1 … s_n (never negative), p_i = s_i / Σs and a budget of k pairs:

    policy                     chooses                                        scale        unbiased
    exact                      all n pairs                                    1            no error
    topk                       the k largest scores                           1            no
    nps, replacement, scaled   k draws, pair i with p_i (Eq. 3, Eq. 8)        1/(k p_i)    yes (Eq. 2)
    nps, replacement           the same draws                                 1            no
    nps, scaled                successive draws without putting back          1/(k p_i)    no
    nps                        the same                                       1            no
    uniform (four variants)    as nps with p_i = 1/n                          n/k or 1     scaled: yes
    bernoulli                  pair i alone with q_i = min(1, c s_i)          1/q_i        yes

"Unbiased" means that the mean of Σ scale_i · (pair i) over many draws is the sum over all pairs. For
`bernoulli` c is such that Σq = min(k, number of scores above 0), so k is the mean count of a draw; what is
clipped at 1 is handed to the other pairs until the budget is spent.

A pair of score 0 contributes nothing, and where a policy scales, its scale is 0. When all scores are 0,
`nps` draws uniformly and `bernoulli` draws nothing.

Source: Adelman & Silberstein 2018, section 3.1; `bernoulli`: Adelman, Levy, Hakimi & Silberstein 2021.
Drawing in proportion to p without putting back is done by the Gumbel top-k trick: the k largest of
log s_i − log E_i, E_i exponential.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch
from pydantic import ValidationError
from torch import Tensor

from crs_core.errors import RatioError, ShapeError, SpecError
from crs_core.spec import Policy, field_errors

_HALF_TYPES = (torch.float16, torch.bfloat16)


@dataclass(frozen=True)
class Kept:
    """The pairs kept, in no particular order; a pair drawn twice stands there twice.

    For scores in groups (groups x n) both fields have one row per group; where a `bernoulli` draw keeps fewer
    pairs in one group than in another, the row is filled up with pairs of scale 0.
    """

    indices: Tensor
    """int64, each in [0, n)."""
    scales: Tensor
    """As many as indices, of the scores' dtype (float32 for half types); ones where the policy doesn't scale."""


def sample(
    scores: Tensor,
    k: int,
    policy: Policy | str,
    *,
    generator: torch.Generator | None = None,
) -> Kept:
    """Keep k pairs by `policy`; see the head of this file for what each policy does.

    `scores` is a vector of n, or groups x n: then k pairs are kept in each group. `exact` keeps all whatever k
    is, and `bernoulli` as many as it draws. Nothing is short-cut at k = n: the draw takes place.
    Randomness comes from `generator` (left out: torch's global one), which may live on another device.

    Raises ShapeError for scores that are not floating-point numbers in one or two dimensions, RatioError for
    a negative or non-finite score or a k outside 0 … n, SpecError for a policy that is not known.
    """
    if scores.dim() not in (1, 2) or not scores.is_floating_point():
        raise ShapeError(
            f"scores have shape {tuple(scores.shape)} and dtype {scores.dtype}; "
            "give floating-point scores as a vector, or as groups x pairs"
        )
    n = scores.shape[-1]
    if not 0 <= k <= n:
        raise RatioError(f"k is {k}, but of {n} pairs one can keep 0 to {n}")
    if not bool(((scores >= 0) & torch.isfinite(scores)).all()):
        raise RatioError("a score is negative or not finite; scores are norms: give numbers from 0 up")
    return draw(scores, k, as_policy(policy), generator)


def draw(scores: Tensor, k: int, policy: Policy, generator: torch.Generator | None) -> Kept:
    """Do what `sample` does, for scores and k that are known to be sound. Never waits for the device
    (but `bernoulli`, whose count is part of the draw).
    """  # fmt: skip
    if scores.dtype in _HALF_TYPES:
        scores = scores.float()
    return DRAWS[policy.name](scores, k, policy, generator)


def as_policy(policy: Policy | str) -> Policy:
    """Make a policy of its name; a policy passes through. Raises SpecError for a name not known."""
    return _named(policy) if isinstance(policy, str) else policy


def is_scaled(policy: Policy) -> bool:
    """Whether any scale of the policy differs from 1."""
    return policy.scaled or policy.name == "bernoulli"


def needs_scores(policy: Policy) -> bool:
    """Whether the policy looks at the scores at all, beside their number."""
    return policy.name not in ("exact", "uniform")


@lru_cache(maxsize=64)
def _named(name: str) -> Policy:
    try:
        return Policy.model_validate({"name": name})
    except ValidationError as error:
        raise SpecError(field_errors(error)) from None


def _exact(scores: Tensor, k: int, policy: Policy, generator: torch.Generator | None) -> Kept:  # noqa: ARG001
    indices = torch.arange(scores.shape[-1], device=scores.device).expand(scores.shape)
    return Kept(indices.contiguous(), torch.ones_like(scores))


def _topk(scores: Tensor, k: int, policy: Policy, generator: torch.Generator | None) -> Kept:  # noqa: ARG001
    values, indices = torch.topk(scores, k, dim=-1, sorted=False)
    return Kept(indices, torch.ones_like(values))


def _nps(scores: Tensor, k: int, policy: Policy, generator: torch.Generator | None) -> Kept:
    return _in_proportion(_or_uniform(scores), k, policy, generator)


def _uniform(scores: Tensor, k: int, policy: Policy, generator: torch.Generator | None) -> Kept:
    return _in_proportion(torch.ones_like(scores), k, policy, generator)


def _in_proportion(
    weights: Tensor, k: int, policy: Policy, generator: torch.Generator | None
) -> Kept:
    """Draw k of n in proportion to `weights`, with or without putting back."""
    indices = _DRAWS_IN_PROPORTION[policy.replacement](weights, k, generator)
    if not policy.scaled:
        return Kept(indices, torch.ones_like(indices, dtype=weights.dtype))
    p = weights.gather(-1, indices) / weights.sum(-1, keepdim=True)
    # The smallest normal number keeps 1/(k p) finite where a pair is kept for want of better ones.
    scales = 1 / (k * p.clamp_min(torch.finfo(p.dtype).tiny))
    return Kept(indices, torch.where(p > 0, scales, 0))


def _with_replacement(weights: Tensor, k: int, generator: torch.Generator | None) -> Tensor:
    # Double precision: with float32 sums the last of many thousand pairs would be drawn too rarely.
    sums = weights.double().cumsum(-1)
    u = _rand((*weights.shape[:-1], k), generator, weights.device)
    # right=True steps over pairs of weight 0, whose sum is that of their neighbour.
    drawn = torch.searchsorted(sums, u * sums[..., -1:], right=True)
    return drawn.clamp_(max=weights.shape[-1] - 1)


def _without_replacement(weights: Tensor, k: int, generator: torch.Generator | None) -> Tensor:
    u = _rand(tuple(weights.shape), generator, weights.device)
    # 1 − u lies in (0, 1], so E = −log(1 − u) is exponential; the clamp spares log 0 for u = 0.
    exponential = torch.log1p(-u).neg_().clamp_min_(torch.finfo(torch.float64).tiny)
    keys = weights.double().log_().sub_(exponential.log_())
    return torch.topk(keys, k, dim=-1, sorted=False).indices


_DRAWS_IN_PROPORTION: dict[bool, Callable[[Tensor, int, torch.Generator | None], Tensor]] = {
    True: _with_replacement,
    False: _without_replacement,
}


def _bernoulli(scores: Tensor, k: int, policy: Policy, generator: torch.Generator | None) -> Kept:  # noqa: ARG001
    order, q = keep_probabilities(scores, k)
    is_kept = _rand(tuple(q.shape), generator, q.device) < q
    limits = torch.finfo(scores.dtype)
    if scores.dim() == 1:
        return Kept(order[is_kept], (1 / q[is_kept]).clamp_(max=limits.max).to(scores.dtype))
    # Every group gets the largest group's count: kept pairs first, filled up with scale 0.
    count = int(is_kept.sum(-1).max()) if is_kept.numel() else 0
    first = torch.topk(is_kept.to(torch.uint8), count, dim=-1).indices
    scales = torch.where(is_kept, (1 / q).clamp_(max=limits.max), 0).to(scores.dtype)
    return Kept(order.gather(-1, first), scales.gather(-1, first))


def keep_probabilities(scores: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Give the pairs by falling score, and beside them q = min(1, c s) with Σq = min(k, scores above 0).

    With s sorted and T_t the sum of s_t and all after it, the t largest are clipped at 1 and
    c = (k − t) / T_t, for the least t with c s_t < 1. Once that holds it holds for all later t, so t is the
    number of scores above 0 where (k − t) s_t >= T_t. Double precision throughout.
    """
    s, order = torch.sort(scores.double(), dim=-1, descending=True)
    n = s.shape[-1]
    place = torch.arange(n, device=s.device)
    tails = s.flip(-1).cumsum(-1).flip(-1)
    clipped = (((k - place) * s >= tails) & (s > 0)).sum(-1, keepdim=True).clamp_(max=k)
    c = (k - clipped) / tails.gather(-1, clipped.clamp(max=max(n - 1, 0))) if n else s[..., :1]
    # Where nothing is left for the rest, 0/0: the rest gets nothing.
    q = torch.where(place < clipped, 1.0, (c.nan_to_num_(0.0, 0.0, 0.0) * s).clamp_(max=1.0))
    return order, torch.where(s > 0, q, 0.0)


def _or_uniform(scores: Tensor) -> Tensor:
    """Replace scores that are all 0 by ones, without asking the device whether they are."""
    return scores + (scores.sum(-1, keepdim=True) <= 0)


def _rand(
    shape: tuple[int, ...], generator: torch.Generator | None, device: torch.device
) -> Tensor:
    where = device if generator is None else generator.device
    # Double precision: 24 bits of a float32 number favour some pairs among many thousand.
    return torch.rand(shape, generator=generator, device=where, dtype=torch.float64).to(device)


DRAWS: dict[str, Callable[[Tensor, int, Policy, torch.Generator | None], Kept]] = {
    "exact": _exact,
    "topk": _topk,
    "nps": _nps,
    "uniform": _uniform,
    "bernoulli": _bernoulli,
}
"""The policies there are; the names are those of `spec.PolicyName`."""
