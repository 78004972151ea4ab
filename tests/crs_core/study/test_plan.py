"""k and MACs of every method, before anything is run."""

from math import ceil, log2

import pytest

from crs_core.errors import SpecError
from crs_core.planning import plan_job
from crs_core.study.plan import study_plan
from tests.crs_core.study.specs import CONVOLUTION, study

M, N, P = 9, 20, 6


def macs(**changes: object) -> list[int]:
    return [size.macs for size in study_plan(study(**changes)).sizes]


def test_ratios_become_counts_of_pairs() -> None:
    plan = study_plan(study(ratios=[0.01, 0.12, 0.5, 0.94, 1.0]))
    assert [(s.ratio, s.k) for s in plan.sizes] == [
        (0.01, 1), (0.12, 2), (0.5, 10), (0.94, 19), (1.0, 20),
    ]  # fmt: skip
    assert plan.pairs == N
    assert plan.exact_macs == M * N * P


@pytest.mark.parametrize("policy", ["topk", "nps", "uniform", "bernoulli"])
def test_policies_cost_the_product_of_the_pairs_they_keep(policy: str) -> None:
    assert macs(method=policy) == [M * k * P for k in (2, 10, 20)]


def test_exact_keeps_every_pair_at_every_ratio() -> None:
    assert macs(method="exact") == [M * N * P] * 3


def test_alternatives_cost_their_transformations_too() -> None:
    assert macs(method="random_projection") == [
        M * N * k + N * k * P + M * k * P for k in (2, 10, 20)
    ]
    factorization = min(14 * N * M**2 + 8 * M**3, 6 * N * M**2 + 20 * M**3) // 2
    ranks = [min(k, M) for k in (2, 10, 20)]
    assert macs(method="svd") == [factorization + r * N * P + M * r * P for r in ranks]
    b, three = 2 * 4, {"name": "count_sketch", "repetitions": 3}
    one = N * (M + P + 2 * b * 3 + 2 * b) + b * 3 + M * P
    assert macs(method="count_sketch")[0] == one
    assert macs(method=three)[0] == 3 * one
    walks = macs(method="random_walk", distribution={"name": "uniform"})
    steps = ceil(log2(N) + log2(P)) + 1
    assert walks == [2 * (M * N + N * P) + M * k * 8 * steps for k in (2, 10, 20)]


def test_a_convolution_costs_its_windows() -> None:
    plan = study_plan(study(CONVOLUTION))
    assert plan.exact_macs == 2 * 36 * 10 * 9 * 5
    assert [s.macs for s in plan.sizes] == [2 * 36 * k * 9 * 5 for k in (1, 5, 10)]
    wide = CONVOLUTION["operation"] | {"padding": 0, "image_size": 8}
    assert study_plan(study(CONVOLUTION, operation=wide)).exact_macs == 2 * 36 * 10 * 9 * 5


def test_the_cost_of_a_study_is_that_of_all_its_draws() -> None:
    cost = plan_job(study())
    assert cost.exact_macs == 200 * 3 * M * N * P
    assert cost.planned_macs == 200 * M * P * (2 + 10 + 20)
    assert (cost.steps, cost.steps_per_epoch, cost.layers) == (20, N, ())
    assert cost.reduction == pytest.approx(1 - 32 / 60)


def test_what_an_alternative_costs_more_than_it_saves_is_said() -> None:
    assert plan_job(study(method="svd")).reduction < -5


@pytest.mark.parametrize(
    ("changes", "loc", "text"),
    [
        ({"ratios": [0.1, 0.11]}, "ratios", "0.1 and 0.11 both keep 2 of 20 pairs; leave one"),
        (
            {"operation": {"name": "matmul", "m": 20_000, "n": 20, "p": 10_000}},
            "operation", "the largest array of this study has 200,000,000 entries",
        ),
        (
            {
                "method": {"name": "count_sketch", "buckets_per_pair": 100_000},
                "operation": {"name": "matmul", "m": 9, "n": 40, "p": 6},
            },
            "operation", "has 320,000,000 entries; give sizes (or ratios, or `method`)",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_run_is_told_before(changes: dict, loc: str, text: str) -> None:
    with pytest.raises(SpecError) as caught:
        study_plan(study(**changes))
    assert caught.value.errors[0].loc == loc
    assert text in caught.value.errors[0].msg
