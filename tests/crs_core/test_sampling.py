"""Which pairs each policy keeps, how often, and with which scale."""

from itertools import permutations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from crs_core.errors import RatioError, ShapeError, SpecError
from crs_core.sampling import DRAWS, Kept, keep_probabilities, sample
from crs_core.spec import Policy

VARIANTS = [
    Policy(name=name, replacement=replacement, scaled=scaled)
    for name in ("nps", "uniform")
    for replacement in (False, True)
    for scaled in (False, True)
]
ALL = [*(Policy(name=n) for n in ("exact", "topk", "bernoulli", "meprop")), *VARIANTS]
UNBIASED = [
    Policy(name="nps", replacement=True, scaled=True),
    Policy(name="uniform", scaled=True),
    Policy(name="uniform", replacement=True, scaled=True),
    Policy(name="bernoulli"),
]

SCORES = torch.tensor([3.0, 0.5, 7.0, 0.1, 1.0, 2.5, 0.0], dtype=torch.float64)


def label(policy: Policy) -> str:
    return policy.name + "+replacement" * policy.replacement + "+scaled" * policy.scaled


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def total(kept: Kept, n: int) -> Tensor:
    """The factor that each pair ends up with: its scales, summed over its draws."""
    return torch.zeros(n, dtype=kept.scales.dtype).index_add_(0, kept.indices, kept.scales)


def test_every_policy_of_the_spec_is_there() -> None:
    names = {p.name for p in ALL}
    assert set(DRAWS) == names
    assert Policy.model_fields["name"].annotation.__args__ == tuple(DRAWS)  # type: ignore[union-attr]


@pytest.mark.parametrize("policy", ALL, ids=label)
@pytest.mark.parametrize("k", [0, 1, 4, 7])
def test_keeps_k_pairs_of_the_right_types(policy: Policy, k: int) -> None:
    kept = sample(SCORES, k, policy, generator=seeded())
    assert kept.indices.dtype == torch.int64
    assert kept.scales.dtype == SCORES.dtype
    assert kept.indices.shape == kept.scales.shape
    assert ((kept.indices >= 0) & (kept.indices < 7)).all()
    assert torch.isfinite(kept.scales).all()
    if policy.name != "bernoulli":
        assert len(kept.indices) == (7 if policy.name == "exact" else k)
    if not policy.replacement:
        assert len(kept.indices.unique()) == len(kept.indices)
    if not policy.scaled and policy.name != "bernoulli":
        assert (kept.scales == 1).all()


@pytest.mark.parametrize("policy", ALL, ids=label)
def test_no_pairs_at_all_give_nothing(policy: Policy) -> None:
    kept = sample(torch.empty(0), 0, policy)
    assert kept.indices.shape == kept.scales.shape == (0,)


@pytest.mark.parametrize("policy", ALL, ids=label)
def test_one_pair_is_kept_whole(policy: Policy) -> None:
    kept = sample(torch.tensor([2.5]), 1, policy, generator=seeded())
    assert kept.indices.tolist() == [0]
    assert kept.scales.tolist() == [1.0]


def test_topk_keeps_the_largest() -> None:
    assert set(sample(SCORES, 3, "topk").indices.tolist()) == {2, 0, 5}


@pytest.mark.parametrize("policy", UNBIASED, ids=label)
def test_the_mean_of_many_draws_is_every_pair_once(policy: Policy) -> None:
    g, draws = seeded(1), 4000
    factors = torch.stack([total(sample(SCORES, 3, policy, generator=g), 7) for _ in range(draws)])
    wanted = torch.ones(7, dtype=torch.float64)
    if policy.name != "uniform":
        wanted[SCORES == 0] = 0
    error = factors.std(0) / draws**0.5
    # 4.5 standard errors: one of 28 honest means in about 5000 seeds lies outside.
    assert ((factors.mean(0) - wanted).abs() <= 4.5 * error + 1e-12).all()


def test_nps_with_replacement_draws_in_proportion() -> None:
    draws = 40_000
    kept = sample(SCORES.repeat(draws // 4, 1), 4, Policy(name="nps", replacement=True))
    shares = kept.indices.flatten().bincount(minlength=7) / draws
    p = SCORES / SCORES.sum()
    assert ((shares - p).abs() <= 5 * (p * (1 - p) / draws).sqrt()).all()


def test_nps_without_replacement_makes_successive_draws() -> None:
    s, draws = torch.tensor([5.0, 2.0, 1.0, 0.0]), 40_000
    kept = sample(s.repeat(draws, 1), 2, "nps", generator=seeded())
    pairs = kept.indices.sort(-1).values
    for first, second in [(0, 1), (0, 2), (1, 2)]:
        # The chance of the set: first one then the other, in either order.
        p = sum(
            float(s[a] / s.sum() * s[b] / (s.sum() - s[a]))
            for a, b in permutations((first, second))
        )
        share = float((pairs == torch.tensor([first, second])).all(-1).double().mean())
        assert abs(share - p) <= 5 * (p * (1 - p) / draws) ** 0.5


@pytest.mark.parametrize("replacement", [False, True])
def test_uniform_does_not_look_at_the_scores(replacement: bool) -> None:
    draws = 40_000
    kept = sample(
        SCORES.repeat(draws, 1), 3, Policy(name="uniform", replacement=replacement),
        generator=seeded(3),
    )  # fmt: skip
    shares = kept.indices.flatten().bincount(minlength=7) / (3 * draws)
    assert ((shares - 1 / 7).abs() <= 5 * (6 / 49 / (3 * draws)) ** 0.5).all()


def test_scales_follow_the_formulas() -> None:
    p = SCORES / SCORES.sum()
    for replacement in (False, True):
        policy = Policy(name="nps", replacement=replacement, scaled=True)
        kept = sample(SCORES, 4, policy, generator=seeded())
        torch.testing.assert_close(kept.scales, 1 / (4 * p[kept.indices]))
        policy = Policy(name="uniform", replacement=replacement, scaled=True)
        assert (sample(SCORES, 4, policy).scales == 7 / 4).all()
    kept = sample(SCORES, 4, "bernoulli", generator=seeded())
    order, q = keep_probabilities(SCORES, 4)
    torch.testing.assert_close(kept.scales, 1 / q[order.argsort()][kept.indices])


def slow_probabilities(scores: Tensor, k: int) -> Tensor:
    """Find c by halving: Σ min(1, c s) rises with c."""
    budget = min(k, int((scores > 0).sum()))
    low, high = 0.0, 1e30
    for _ in range(300):
        c = (low + high) / 2
        low, high = (c, high) if float((c * scores).clamp(max=1).sum()) < budget else (low, c)
    return (high * scores).clamp(max=1)


@pytest.mark.parametrize(
    "scores",
    [
        SCORES,
        torch.ones(9, dtype=torch.float64),
        torch.tensor([1e6, 1.0, 1.0, 1.0, 0.0], dtype=torch.float64),
        torch.tensor([1.0, 1e-20, 1e-21], dtype=torch.float64),
        torch.logspace(-8, 3, 40, dtype=torch.float64),
        torch.tensor([2.0, 0.0, 0.0, 0.0], dtype=torch.float64),
    ],
)
def test_bernoulli_probabilities_spend_the_whole_budget(scores: Tensor) -> None:
    for k in range(len(scores) + 1):
        order, q = keep_probabilities(scores, k)
        assert float(q.sum()) == pytest.approx(min(k, int((scores > 0).sum())), rel=1e-12)
        torch.testing.assert_close(q[order.argsort()], slow_probabilities(scores, k))


@given(st.lists(st.floats(0, 2.0**100, width=32), min_size=1, max_size=30), st.data())
@settings(max_examples=150, deadline=None)
def test_bernoulli_budget_holds_for_any_scores(scores: list[float], data: st.DataObject) -> None:
    k = data.draw(st.integers(0, len(scores)))
    _, q = keep_probabilities(torch.tensor(scores), k)
    assert ((q >= 0) & (q <= 1)).all()
    assert float(q.sum()) == pytest.approx(min(k, sum(s > 0 for s in scores)), rel=1e-9)


@pytest.mark.parametrize("k", [5, 40, 90])
def test_the_mean_bernoulli_count_is_within_one_percent_of_k(k: int) -> None:
    scores = torch.rand(100, generator=seeded()) ** 6
    draws = 4000
    counts = [len(sample(scores, k, "bernoulli", generator=g).indices) for g in [seeded(5)] * draws]
    assert sum(counts) / draws == pytest.approx(k, rel=0.01)


@pytest.mark.parametrize("policy", ALL, ids=label)
def test_scores_that_are_all_zero_give_finite_scales(policy: Policy) -> None:
    kept = sample(torch.zeros(6), 4, policy, generator=seeded())
    assert torch.isfinite(kept.scales).all()
    assert len(kept.indices) == {"bernoulli": 0, "exact": 6}.get(policy.name, 4)


def test_nps_draws_uniformly_where_all_scores_are_zero() -> None:
    policy = Policy(name="nps", replacement=True, scaled=True)
    kept = sample(torch.zeros(200, 6), 4, policy, generator=seeded())
    assert kept.indices.unique().tolist() == [0, 1, 2, 3, 4, 5]
    assert (kept.scales == 6 / 4).all()


@pytest.mark.parametrize("replacement", [False, True])
def test_a_pair_of_score_zero_is_drawn_only_for_want_of_others(replacement: bool) -> None:
    scores = torch.tensor([0.0, 2.0, 0.0, 1.0, 0.0])
    policy = Policy(name="nps", replacement=replacement, scaled=True)
    g = seeded()
    for _ in range(200):
        assert set(sample(scores, 2, policy, generator=g).indices.tolist()) <= {1, 3}
    kept = sample(scores, 5, policy, generator=g)
    assert torch.isfinite(kept.scales).all()
    assert (kept.scales[scores[kept.indices] == 0] == 0).all()


@pytest.mark.parametrize("policy", ALL, ids=label)
def test_groups_choose_each_for_itself(policy: Policy) -> None:
    scores = torch.tensor([[9.0, 8.0, 0.1, 0.2], [0.1, 0.2, 9.0, 8.0], [0.0, 1e-3, 0.0, 0.0]])
    kept = sample(scores, 2, policy, generator=seeded())
    assert kept.indices.shape == kept.scales.shape
    assert kept.indices.shape[0] == 3
    if policy.name == "topk":
        assert kept.indices.sort(-1).values[:2].tolist() == [[0, 1], [2, 3]]


def test_bernoulli_groups_are_filled_up_with_scale_zero() -> None:
    scores = torch.tensor([[1.0, 1.0, 1.0, 1.0], [1.0, 0.0, 0.0, 0.0]])
    g = seeded()
    sums = torch.zeros(2, 4)
    for _ in range(4000):
        kept = sample(scores, 2, "bernoulli", generator=g)
        sums.scatter_add_(1, kept.indices, kept.scales)
    assert (sums[1] / 4000).tolist() == [1, 0, 0, 0]
    # One mean of four has the standard error sqrt((1/q - 1) / draws), q = 1/2.
    assert ((sums[0] / 4000 - 1).abs() <= 4.5 * (1 / 4000) ** 0.5).all()


@pytest.mark.parametrize("policy", ALL, ids=label)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_types_are_computed_in_float32(policy: Policy, dtype: torch.dtype) -> None:
    scores = SCORES.to(dtype)
    kept = sample(scores, 4, policy, generator=seeded(2))
    wide = sample(scores.float(), 4, policy, generator=seeded(2))
    assert kept.scales.dtype == torch.float32
    assert torch.equal(kept.indices, wide.indices)
    assert torch.equal(kept.scales, wide.scales)


@pytest.mark.parametrize("policy", ALL, ids=label)
def test_one_seed_gives_one_draw_and_leaves_the_global_generator_alone(policy: Policy) -> None:
    before = torch.get_rng_state()
    one = sample(SCORES, 3, policy, generator=seeded(4))
    two = sample(SCORES, 3, policy, generator=seeded(4))
    assert torch.equal(one.indices, two.indices)
    assert torch.equal(one.scales, two.scales)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_scale_of_scores_does_not_matter() -> None:
    for policy in ALL:
        kept = [sample(SCORES * f, 3, policy, generator=seeded()) for f in (1.0, 1e-30, 1e30)]
        for other in kept[1:]:
            assert torch.equal(kept[0].indices, other.indices)
            torch.testing.assert_close(kept[0].scales, other.scales)


@pytest.mark.parametrize("name", ["topk", "bernoulli"])
def test_scores_of_a_diverged_network_do_not_hide_it(name: str) -> None:
    scores = torch.tensor([1.0, torch.nan, 2.0])
    from crs_core.sampling import draw

    assert 1 in draw(scores, 2, Policy(name=name), seeded()).indices.tolist()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("scores", "k", "policy", "error", "text"),
    [
        (SCORES, 8, "topk", RatioError, "k is 8, but of 7 pairs one can keep 0 to 7"),
        (SCORES, -1, "topk", RatioError, "k is -1, but of 7 pairs"),
        (-SCORES, 2, "nps", RatioError, "negative or not finite"),
        (SCORES / 0, 2, "nps", RatioError, "negative or not finite"),
        (SCORES.long(), 2, "nps", ShapeError, "dtype torch.int64"),
        (SCORES.view(1, 1, 7), 2, "nps", ShapeError, "shape (1, 1, 7)"),
        (SCORES, 2, "best", SpecError, "'best' is not known; there are: 'exact', 'topk'"),
    ],
)
def test_bad_arguments_are_told(
    scores: Tensor, k: int, policy: str, error: type[Exception], text: str
) -> None:
    with pytest.raises(error) as caught:
        sample(scores, k, policy)
    assert text in str(caught.value)
