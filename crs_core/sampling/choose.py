"""The way in: check scores and budget, find the draw of the policy."""

from functools import lru_cache

import torch
from pydantic import ValidationError
from torch import Tensor

from crs_core.errors import RatioError, ShapeError, SpecError
from crs_core.sampling.budget import enough
from crs_core.sampling.draws import DRAWS, Kept
from crs_core.spec import Policy, field_errors

_HALF_TYPES = (torch.float16, torch.bfloat16)


def sample(
    scores: Tensor,
    k: int,
    policy: Policy | str,
    *,
    least: int = 1,
    generator: torch.Generator | None = None,
) -> Kept:
    """Keep k pairs by `policy`; see the head of `crs_core.sampling` for what each policy does.

    `scores` is a vector of n, or groups x n: then k pairs are kept in each group. `exact` keeps
    all whatever k is, `bernoulli` as many as it draws, and a policy with `coverage` from `least`
    to k. Nothing is short-cut at k = n: the draw takes place. Randomness comes from `generator`
    (left out: torch's global one), which may live on another device.

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
    return draw(scores, k, as_policy(policy), generator, least=least)


def draw(
    scores: Tensor,
    k: int,
    policy: Policy,
    generator: torch.Generator | None,
    *,
    least: int = 1,
) -> Kept:
    """Do what `sample` does, for scores and k that are known to be sound.

    Never waits for the device, but for `bernoulli` and for `coverage`: only the device knows how
    many were drawn, or are needed.
    """
    if scores.dtype in _HALF_TYPES:
        scores = scores.float()
    if policy.coverage is not None:
        k = enough(scores, k, policy.coverage, least=least)
    return DRAWS[policy.name](scores, k, policy, generator)


def as_policy(policy: Policy | str) -> Policy:
    """Make a policy of its name; a policy passes through. Raises SpecError for a name not known."""
    return _named(policy) if isinstance(policy, str) else policy


def is_scaled(policy: Policy) -> bool:
    """Whether any scale of the policy differs from 1."""
    return policy.scaled or policy.name in ("bernoulli", "wta")


def needs_scores(policy: Policy) -> bool:
    """Whether the policy looks at the scores at all, beside their number."""
    return policy.name not in ("exact", "uniform")


@lru_cache(maxsize=64)
def _named(name: str) -> Policy:
    try:
        return Policy.model_validate({"name": name})
    except ValidationError as error:
        raise SpecError(field_errors(error, Policy)) from None
