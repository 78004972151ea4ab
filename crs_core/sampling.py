"""Choose pairs by their scores, and say by what each must be scaled.

With scores s_1 … s_n (never negative), p_i = s_i / Σs and a budget of k pairs:

    policy                     chooses                                   scale       unbiased
    exact                      all n pairs                               1           no error
    topk                       the k largest scores                      1           no
    nps, replacement, scaled   k draws, pair i with p_i (Eq. 3, Eq. 8)   1/(k p_i)   yes (Eq. 2)
    nps, replacement           the same draws                            1           no
    nps, scaled                successive draws, none put back           1/(k p_i)   no
    nps                        the same draws                            1           no
    uniform (four variants)    as nps with p_i = 1/n                     n/k or 1    scaled: yes
    bernoulli                  pair i alone with q_i = min(1, c s_i)     1/q_i       yes
    meprop                     the k largest scores                      1           no

"Unbiased" means that the mean of Σ scale_i · (pair i) over many draws is the sum over all pairs.
For `bernoulli` c is such that Σq = min(k, number of scores above 0), so k is the mean count of a
draw; what is clipped at 1 is handed to the other pairs until the budget is spent.

`meprop` differs from `topk` in what is scored, and where: `crs_core.ops.meprop`.

A pair of score 0 contributes nothing; where `nps` scales, its scale is 0. When all scores are 0,
`nps` draws uniformly and `bernoulli` draws nothing.

Source: Adelman & Silberstein 2018, section 3.1; `bernoulli`: Adelman, Levy, Hakimi & Silberstein
2021. Draws that are not put back: the k largest of s_i / E_i, E_i exponential (Gumbel top-k).
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

    For scores in groups (groups x n) both fields have one row per group; where a `bernoulli` draw
    keeps fewer pairs in one group than in another, the row is filled up with pairs of scale 0.
    """

    indices: Tensor
    """int64, each in [0, n)."""
    scales: Tensor
    """As many as indices, in the scores' dtype (float32 for half types); ones where not scaled."""


def sample(
    scores: Tensor,
    k: int,
    policy: Policy | str,
    *,
    generator: torch.Generator | None = None,
) -> Kept:
    """Keep k pairs by `policy`; see the head of this file for what each policy does.

    `scores` is a vector of n, or groups x n: then k pairs are kept in each group. `exact` keeps
    all whatever k is, and `bernoulli` as many as it draws. Nothing is short-cut at k = n: the
    draw takes place. Randomness comes from `generator` (left out: torch's global one), which may
    live on another device.

    Raises ShapeError for scores that are not floating-point numbers in one or two dimensions,
    RatioError for a negative or non-finite score or a k outside 0 … n, SpecError for a policy that
    is not known.
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
        raise RatioError(
            "a score is negative or not finite; scores are norms: give numbers from 0 up"
        )
    return draw(scores, k, as_policy(policy), generator)


def draw(scores: Tensor, k: int, policy: Policy, generator: torch.Generator | None) -> Kept:
    """Do what `sample` does, for scores and k that are known to be sound.

    Never waits for the device, but for `bernoulli`: only the device knows how many it drew.
    """
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
    # Scores that are all 0 become ones, without asking the device whether they are.
    weights = scores + (scores.sum(-1, keepdim=True) <= 0)
    indices = _DRAWS_IN_PROPORTION[policy.replacement](weights, k, generator)
    if not policy.scaled:
        return Kept(indices, torch.ones_like(indices, dtype=weights.dtype))
    scales = weights.sum(-1, keepdim=True) / (weights.gather(-1, indices) * k)
    # A pair of score 0, kept for want of better ones, would have the scale 1/0. NaN stays NaN.
    return Kept(indices, scales.nan_to_num_(torch.nan, 0.0, 0.0))


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


def _bernoulli(
    scores: Tensor,
    k: int,
    policy: Policy,  # noqa: ARG001
    generator: torch.Generator | None,
) -> Kept:
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
    "meprop": _topk,
}
"""The policies there are; the names are those of `spec.PolicyName`."""
