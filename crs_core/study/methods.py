"""Every method of a study as one function: errors of many draws at once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from crs_core.sampling import draw
from crs_core.spec import Policy, StudySpec
from crs_core.spec.study import OtherMethod
from crs_core.study import count_sketch, pairs, projection, random_walk, svd
from crs_core.study.matrices import Matrices
from crs_core.study.pairs import Factors


@dataclass(frozen=True)
class Estimator:
    """One method of one size k."""

    errors: Callable[[Factors, int, torch.Generator], Tensor]
    """(factors, draws, generator) -> C − C̃, D x rows x columns; the factors are one pair or D."""
    expected_square: Callable[[Factors], Tensor | None]
    """Mean of ‖C − C̃‖_F² over the draws, exactly, for each pair of factors; None: not known."""
    once: Callable[[Factors, torch.Generator], Tensor]
    """One approximate product of the first factors, made as one would make it: to be timed."""
    is_random: bool = True
    """Whether two draws differ at all."""


def estimator(spec: StudySpec, k: int) -> Estimator:
    """Give the method of a spec at size k."""
    if isinstance(spec.method, Policy):
        return _sampling(spec.method, k, is_optimal=spec.score == "optimal")
    return _alternative(spec.method, k)


def _sampling(policy: Policy, k: int, *, is_optimal: bool) -> Estimator:
    def scores(factors: Factors) -> Tensor:
        return factors.own_norms if is_optimal else factors.scores

    def errors(factors: Factors, draws: int, generator: torch.Generator) -> Tensor:
        known = scores(factors)
        weights = pairs.pair_weights(known.expand(draws, -1), k, policy, generator)
        return pairs.sampling_errors(factors, weights)

    def once(factors: Factors, generator: torch.Generator) -> Tensor:
        kept = draw(scores(factors)[0], k, policy, generator)
        return factors.kept(kept.indices, kept.scales)

    def expected(factors: Factors) -> Tensor | None:
        return pairs.expected_square(factors, scores(factors), k, policy)

    return Estimator(errors, expected, once, is_random=_is_random(policy))


def _is_random(policy: Policy) -> bool:
    return policy.name not in ("exact", "topk") or policy.exploration > 0


@dataclass(frozen=True)
class Alternative:
    """A method that samples no pairs; the two functions are those of its file."""

    approximate: Callable[..., Tensor]
    """(matrices, k, draws, method, generator) -> C̃, D x m x p (F x m x p where none is random)."""
    expected_square: Callable[..., Tensor | None]
    """(matrices, k, method) -> as that of `Estimator`."""
    is_random: bool = True


ALTERNATIVES: Mapping[str, Alternative] = {
    "random_projection": Alternative(projection.project, projection.expected_square),
    "svd": Alternative(svd.truncate, svd.no_formula, is_random=False),
    "count_sketch": Alternative(count_sketch.sketch, count_sketch.expected_square),
    "random_walk": Alternative(random_walk.walk, random_walk.expected_square),
}
"""The alternatives to sampling, by the names of `spec.Method`."""


def _alternative(method: OtherMethod, k: int) -> Estimator:
    known = ALTERNATIVES[method.name]

    def errors(factors: Factors, draws: int, generator: torch.Generator) -> Tensor:
        matrices = _matrices(factors)
        return matrices.product - known.approximate(matrices, k, draws, method, generator)

    def expected(factors: Factors) -> Tensor | None:
        return known.expected_square(_matrices(factors), k, method)

    def once(factors: Factors, generator: torch.Generator) -> Tensor:
        matrices = _matrices(factors)
        first = Matrices(matrices.a[:1], matrices.b[:1])
        return known.approximate(first, k, 1, method, generator)

    return Estimator(errors, expected, once, is_random=known.is_random)


def _matrices(factors: Factors) -> Matrices:
    assert isinstance(factors, Matrices), "the spec refuses the alternatives for a convolution"
    return factors
