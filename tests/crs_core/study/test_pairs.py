"""The error of kept pairs: its mean square against the formulas, its bound, its edges."""

from math import sqrt

import pytest
import torch

from crs_core.spec import Policy
from crs_core.study.pairs import Factors, expected_square, pair_weights, sampling_errors
from tests.crs_core.study.conftest import channels, matrices, seeded

KNOWN = [
    Policy(name="nps", replacement=True, scaled=True),
    Policy(name="uniform", replacement=True, scaled=True),
    Policy(name="uniform", scaled=True),
    Policy(name="uniform"),
    Policy(name="bernoulli"),
    Policy(name="nps", replacement=True, scaled=True, exploration=0.6),
    Policy(name="bernoulli", exploration=0.6),
]
UNKNOWN = [
    Policy(name="topk"),
    Policy(name="nps"),
    Policy(name="nps", scaled=True),
    Policy(name="nps", replacement=True),
    Policy(name="uniform", replacement=True),
]
NPS = KNOWN[0]
DRAWS = 20_000


def label(policy: Policy) -> str:
    words = policy.name + "+replacement" * policy.replacement + "+scaled" * policy.scaled
    return words + "+exploration" * (policy.exploration > 0)


def squares(factors: Factors, policy: Policy, k: int, *, optimal: bool = False, draws: int = DRAWS):
    scores = (factors.own_norms if optimal else factors.scores).expand(draws, -1)
    weights = pair_weights(scores, k, policy, seeded(2))
    return sampling_errors(factors, weights).square().sum((1, 2))


@pytest.mark.parametrize("policy", KNOWN, ids=label)
@pytest.mark.parametrize("make", [matrices, channels])
@pytest.mark.parametrize("k", [1, 3, 6])
def test_the_mean_square_is_the_expected_one(policy: Policy, make, k: int) -> None:
    factors = make()
    found = squares(factors, policy, k)
    expected = expected_square(factors, factors.scores, k, policy)
    assert expected is not None
    # 4.5 standard errors: one of 42 honest means in about 3500 seeds lies outside.
    assert abs(found.mean() - expected[0]) <= 4.5 * found.std() / DRAWS**0.5


def test_nps_of_matrices_has_the_paper_s_expectation() -> None:
    factors = matrices()
    square = float(factors.product.square().sum())
    wanted = (float(factors.scores.sum()) ** 2 - square) / 3
    found = expected_square(factors, factors.scores, 3, NPS)
    assert found is not None
    assert float(found) == pytest.approx(wanted, rel=1e-12)


def test_optimal_scores_have_their_own_expectation_which_no_other_scores_beat() -> None:
    factors = channels()
    found = squares(factors, NPS, 3, optimal=True)
    optimal = expected_square(factors, factors.own_norms, 3, NPS)
    cheap = expected_square(factors, factors.scores, 3, NPS)
    assert optimal is not None
    assert cheap is not None
    assert abs(found.mean() - optimal[0]) <= 4.5 * found.std() / DRAWS**0.5
    assert float(optimal) < float(cheap)
    g = seeded(5)
    for _ in range(20):
        other = factors.own_norms * (0.5 + torch.rand(1, 7, generator=g, dtype=torch.float64))
        beaten = expected_square(factors, other, 3, NPS)
        assert beaten is not None
        assert float(optimal) <= float(beaten)


def test_every_pair_of_factors_has_its_own_expectation() -> None:
    factors = matrices(4)
    found = expected_square(factors, factors.scores, 3, NPS)
    assert found is not None
    for d in range(4):
        one = type(factors)(factors.a[d : d + 1], factors.b[d : d + 1])
        alone = expected_square(one, one.scores, 3, NPS)
        assert alone is not None
        torch.testing.assert_close(found[d : d + 1], alone)


@pytest.mark.parametrize("policy", UNKNOWN, ids=label)
def test_where_no_formula_is_known_none_is_given(policy: Policy) -> None:
    factors = matrices()
    assert expected_square(factors, factors.scores, 3, policy) is None


@pytest.mark.parametrize("policy", [*KNOWN, *UNKNOWN], ids=label)
def test_draws_take_place_even_where_every_pair_is_kept(policy: Policy) -> None:
    found = squares(matrices(), policy, 7, draws=50)
    # Without replacement nps has every pair once, but with the scales 1/(n p_i).
    errs = policy.replacement or policy == Policy(name="nps", scaled=True)
    assert (float(found.min()) > 1e-6) == errs


@pytest.mark.parametrize("k", [1, 3, 7])
def test_nps_with_replacement_stays_under_its_bound_on_average(k: int) -> None:
    for seed in range(5):
        factors = matrices(seed=seed)
        expected = expected_square(factors, factors.scores, k, NPS)
        assert expected is not None
        assert float(expected.sqrt() / factors.norms) <= 1 / sqrt(k)
        convolution = channels(seed=seed)
        expected = expected_square(convolution, convolution.scores, k, NPS)
        assert expected is not None
        assert float(expected.sqrt() / convolution.norms) <= 3 / sqrt(k)


def test_topk_leaves_out_the_pairs_of_the_smallest_scores() -> None:
    factors = matrices()
    left = factors.scores[0].argsort()[:4]
    wanted = factors.a[0][:, left] @ factors.b[0][left]
    weights = pair_weights(factors.scores, 3, Policy(name="topk"), seeded())
    torch.testing.assert_close(sampling_errors(factors, weights)[0], wanted)


@pytest.mark.parametrize("policy", [*KNOWN, *UNKNOWN], ids=label)
def test_one_pair_alone_has_no_error(policy: Policy) -> None:
    factors = matrices(n=1)
    assert squares(factors, policy, 1, draws=20).max() < 1e-25
    expected = expected_square(factors, factors.scores, 1, policy)
    assert expected is None or abs(float(expected)) < 1e-12


@pytest.mark.parametrize("policy", KNOWN, ids=label)
def test_a_pair_of_zeros_leaves_the_expectation_finite_and_right(policy: Policy) -> None:
    factors = matrices()
    factors.a[0, :, 2] = 0
    found = squares(factors, policy, 3)
    expected = expected_square(factors, factors.scores, 3, policy)
    assert expected is not None
    assert abs(found.mean() - expected[0]) <= 4.5 * found.std() / DRAWS**0.5
