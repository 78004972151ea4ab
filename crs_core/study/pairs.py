"""The error of keeping some pairs of a product, and what it is on average, where that is known.

With c_i the Frobenius norm of pair i's own product, C the exact result and k pairs kept, the mean
of ‖C − C̃‖_F² over the draws is exactly

    with replacement, scaled      (Σ c_i² / p_i − ‖C‖²) / k; for nps of a matrix product, where
                                  p_i is in proportion to c_i: ((Σ c_i)² − ‖C‖²) / k
    uniform, scaled               n (n − k) / (k (n − 1)) · (Σ c_i² − ‖C‖² / n)
    uniform                       (n − k)/n · Σ c_i²
                                  + (n − k)(n − k − 1) / (n (n − 1)) · (‖C‖² − Σ c_i²)
    bernoulli                     Σ c_i² (1 / q_i − 1)

and `exact` and `topk` have but one result. The first holds for any probabilities of pairs
drawn independently (Drineas, Kannan & Mahoney 2006, Lemma 4); the others follow from the chances
that one pair and that two pairs are kept.
"""

from typing import Protocol

import torch
from torch import Tensor

from crs_core.sampling import draw, keep_probabilities
from crs_core.sampling.budget import mixed
from crs_core.spec import Policy


class Factors(Protocol):
    """Two factors and their pairs: `Matrices` or `Channels`, whose docstrings say what each is."""

    @property
    def scores(self) -> Tensor: ...  # noqa: D102
    @property
    def own_norms(self) -> Tensor: ...  # noqa: D102
    @property
    def norms(self) -> Tensor: ...  # noqa: D102
    def exact(self) -> Tensor: ...  # noqa: D102
    @property
    def product(self) -> Tensor: ...  # noqa: D102
    def weighted(self, weights: Tensor) -> Tensor: ...  # noqa: D102
    def kept(self, indices: Tensor, scales: Tensor) -> Tensor: ...  # noqa: D102


def pair_weights(scores: Tensor, k: int, policy: Policy, generator: torch.Generator) -> Tensor:
    """Draw k pairs for each row of the scores; give each pair's scales, summed over its draws.

    D x n to D x n. Nothing is short-cut at k = n.
    """
    kept = draw(scores, k, policy, generator)
    # `bernoulli` fills rows up with pairs of scale 0, which change no sum.
    return torch.zeros_like(scores).scatter_add_(1, kept.indices, kept.scales)


def sampling_errors(factors: Factors, weights: Tensor) -> Tensor:
    """Give C − C̃ for each row of weights: D x rows x columns."""
    return factors.weighted(1 - weights)


def expected_square(factors: Factors, scores: Tensor, k: int, policy: Policy) -> Tensor | None:
    """Give the mean of ‖C − C̃‖_F² over the draws, F numbers; None where no formula is known.

    `scores` are what the policy is given, F x n. See the head of this file.
    """
    c, whole = factors.own_norms.square(), factors.product.square().sum((1, 2))
    n = c.shape[1]
    if policy.exploration:
        scores = mixed(scores, policy.exploration)
    match policy:
        case Policy(name="nps", replacement=True, scaled=True):
            # A pair that cannot be drawn has the scale 0: it is as good as absent if it is 0.
            p = scores / scores.sum(1, keepdim=True)
            return ((c / p).nan_to_num(0.0).sum(1) - whole) / k
        case Policy(name="uniform", replacement=True, scaled=True):
            return (c.sum(1) * n - whole) / k
        case Policy(name="uniform", scaled=True):
            return (c.sum(1) - whole / n) * (n * (n - k) / (k * max(n - 1, 1)))
        case Policy(name="uniform", replacement=False):
            one, two = (n - k) / n, (n - k) * (n - k - 1) / (n * max(n - 1, 1))
            return c.sum(1) * one + (whole - c.sum(1)) * two
        case Policy(name="bernoulli"):
            order, q = keep_probabilities(scores, k)
            return (c.gather(1, order) * (1 / q - 1)).nan_to_num(0.0, posinf=0.0).sum(1)
    return None
