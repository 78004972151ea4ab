"""A study as it is told: points that hang on seed and ratio alone, and agree with theory."""

from collections.abc import Callable
from math import sqrt
from typing import Any

import pytest
import torch

from crs_core.engine.randomness import Randomness
from crs_core.events import METRICS, Points
from crs_core.spec import StudySpec
from crs_core.study.entries import draw_factors
from crs_core.study.matrices import Matrices
from crs_core.study.measure import measure
from crs_core.study.methods import estimator
from tests.crs_core.study.conftest import seeded
from tests.crs_core.study.specs import CONVOLUTION, SMALL, study

CPU = torch.device("cpu")
TIMES = {"seconds", "product_seconds", "exact_product_seconds"}
NON_NEGATIVE = {"distribution": {"name": "exponential"}}
METHODS: list[dict[str, Any]] = [
    *({"method": name} for name in ("exact", "topk", "nps", "uniform", "bernoulli")),
    *({"method": {"name": n, "scaled": True}} for n in ("nps", "uniform")),
    *({"method": {"name": n, "replacement": True, "scaled": True}} for n in ("nps", "uniform")),
    *({"method": name} for name in ("random_projection", "svd", "count_sketch")),
    {"method": "random_walk", **NON_NEGATIVE},
]


def told(
    spec: StudySpec, should_stop: Callable[[], bool] = lambda: False
) -> dict[int, dict[str, float]]:
    points = measure(spec, Randomness(spec.seed, CPU).once, device=CPU, should_stop=should_stop)
    return {p.step: p.values for p in points}


def without_times(found: dict[int, dict[str, float]]) -> dict[int, dict[str, float]]:
    return {k: {n: v for n, v in values.items() if n not in TIMES} for k, values in found.items()}


@pytest.mark.parametrize("matrices", ["one", "fresh"])
@pytest.mark.parametrize("method", METHODS, ids=str)
def test_every_method_tells_known_metrics_at_every_ratio(method: dict, matrices: str) -> None:
    spec = study(**method, matrices=matrices, draws=60)
    generators = Randomness(spec.seed, CPU).once
    points = list(measure(spec, generators, device=CPU, should_stop=lambda: False))
    assert [(p.step, p.epoch) for p in points] == [(2, 0.1), (10, 0.5), (20, 1.0)]
    for point in points:
        assert isinstance(point, Points)
        assert set(point.values) <= set(METRICS)
        assert all(value == value for value in point.values.values())
        v = point.values
        slack = 1 + 1e-9
        assert v["spectral_error"] <= v["frobenius_error"] * slack + 1e-12
        assert v["element_error"] <= v["frobenius_error"] * slack + 1e-12
        assert v["rms_error"] * slack >= v["frobenius_error"]
        assert v["product_seconds"] > 0
        assert v["exact_product_seconds"] > 0
    assert (
        points[-1].values["frobenius_error"] < 1e-12
        or "scaled" in str(method)
        or method["method"] in ("random_projection", "count_sketch", "random_walk")
    )


@pytest.mark.parametrize("matrices", ["one", "fresh"])
@pytest.mark.parametrize("base", [SMALL, CONVOLUTION], ids=["matmul", "conv2d"])
def test_monte_carlo_and_theory_agree_in_mean_squares(base: dict, matrices: str) -> None:
    for values in told(study(base, matrices=matrices, draws=2000)).values():
        assert abs(values["expectation_gap"]) <= 4.5
        assert values["rms_error"] == pytest.approx(values["expected_error"], rel=0.1)


def test_the_optimal_score_has_its_own_theory_and_less_error() -> None:
    cheap, optimal = (
        told(study(CONVOLUTION, score=score, draws=2000)) for score in ("norms", "optimal")
    )
    for k in cheap:
        assert abs(optimal[k]["expectation_gap"]) <= 4.5
        assert optimal[k]["expected_error"] < cheap[k]["expected_error"]


def test_the_bound_is_told_for_nps_with_replacement_scaled_alone() -> None:
    for k, values in told(study()).items():
        assert values["error_bound"] == pytest.approx(1 / sqrt(k), rel=1e-12)
        assert values["expected_error"] <= values["error_bound"]
    for k, values in told(study(CONVOLUTION)).items():
        assert values["error_bound"] == pytest.approx(3 / sqrt(k), rel=1e-12)
    assert all("error_bound" not in v for v in told(study(method="nps")).values())


def test_one_seed_two_studies_identical_points() -> None:
    for method in METHODS:
        one, two = told(study(**method)), told(study(**method))
        assert without_times(one) == without_times(two)
    other = told(study(seed=4))
    assert other[10]["frobenius_error"] != told(study())[10]["frobenius_error"]


def test_a_ratio_more_changes_no_other_points() -> None:
    whole, part = told(study()), told(study(ratios=[0.5]))
    assert without_times(part)[10] == without_times(whole)[10]


def test_every_method_sees_the_same_matrices() -> None:
    found = [told(study(method=m, draws=50))[10]["zero_error"] for m in ("topk", "count_sketch")]
    assert found[0] == pytest.approx(found[1], rel=1e-12)
    spec = study()
    together = draw_factors(spec, 3, seeded(7), CPU)
    g = seeded(7)
    for d in range(3):
        alone = draw_factors(spec, 1, g, CPU)
        assert isinstance(alone, Matrices)
        assert isinstance(together, Matrices)
        assert torch.equal(alone.a[0], together.a[d])
        assert torch.equal(alone.b[0], together.b[d])


def test_one_matrix_gives_a_policy_without_chance_one_draw() -> None:
    fixed = told(study(method="topk", matrices="one", draws=5000))
    assert all("frobenius_error_std" not in v for v in fixed.values())
    spread = told(study(method="topk", matrices="fresh"))
    assert all(v["frobenius_error_std"] > 0 for k, v in spread.items() if k < 20)


def test_a_wish_to_stop_ends_the_points_and_what_was_told_stays_equal() -> None:
    asked = iter(range(100))
    spec = study()
    stopped = told(spec, should_stop=lambda: next(asked) >= 1)
    assert list(stopped) == [2]
    assert without_times(stopped)[2] == without_times(told(spec))[2]


def test_draws_for_the_spectral_error_are_as_many_as_asked() -> None:
    none = told(study(spectral_draws=0))
    assert all("spectral_error" not in v for v in none.values())
    some, all_of_them = told(study(spectral_draws=7)), told(study(spectral_draws=200))
    assert some[10]["spectral_error"] != all_of_them[10]["spectral_error"]
    assert some[10]["frobenius_error"] == all_of_them[10]["frobenius_error"]


@pytest.mark.parametrize(
    ("distribution", "mean", "std", "low"),
    [
        ({"name": "normal", "mean": 1.0, "std": 2.0}, 1, 2, None),
        ({"name": "uniform", "low": -1.0, "high": 3.0}, 1, 4 / 12**0.5, -1),
        ({"name": "exponential", "mean": 2.0}, 2, 2, 0),
    ],
)
def test_entries_follow_their_distribution(
    distribution: dict, mean: float, std: float, low: float | None
) -> None:
    spec = study(distribution=distribution, distribution_b={"name": "normal", "mean": -5.0})
    factors = draw_factors(spec, 300, seeded(), CPU)
    assert isinstance(factors, Matrices)
    assert factors.a.dtype == torch.float64
    assert float(factors.a.mean()) == pytest.approx(mean, abs=0.05)
    assert float(factors.a.std()) == pytest.approx(std, abs=0.05)
    assert low is None or float(factors.a.min()) >= low
    assert float(factors.b.mean()) == pytest.approx(-5, abs=0.05)


@pytest.mark.parametrize("size", [(1, 1, 1), (1, 2, 1), (3, 1, 2)])
def test_the_smallest_sizes_are_no_special_case(size: tuple[int, int, int]) -> None:
    operation = {"name": "matmul", **dict(zip("mnp", size, strict=True))}
    for method in METHODS:
        found = told(study(**method, operation=operation, ratios=[1.0], draws=20))
        assert all(value == value for v in found.values() for value in v.values())


def test_topk_that_explores_is_random_and_topk_alone_is_not() -> None:
    assert not estimator(study(method={"name": "topk"}), 3).is_random
    assert estimator(study(method={"name": "topk", "exploration": 0.2}), 3).is_random
