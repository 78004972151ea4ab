"""Intervals and verdicts, against scipy and against simulation."""

import math
import random

import pytest
from scipy import stats

from crs_core.evidence import MOST_SEEDS, Lost, Margin, t_quantile, weigh
from crs_core.statistics import by_seed

POINTS = Margin(0.2, is_relative=False)


def seeded(values, first=0):
    return list(enumerate(values, start=first))


def draws(seed, n, mean=0.0, std=1.0):
    generator = random.Random(seed)
    return [generator.gauss(mean, std) for _ in range(n)]


@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 5, 8, 29, 30, 999])
def test_the_quantile_is_students(degrees):
    assert t_quantile(degrees) == pytest.approx(stats.t.ppf(0.975, degrees), rel=1e-10)


@pytest.mark.parametrize("n", [2, 3, 5, 11])
def test_pairs_give_the_interval_of_a_paired_t_test(n):
    base, ours = draws(1, n, mean=0.9, std=0.02), draws(2, n, mean=0.89, std=0.01)
    found = weigh(seeded(ours), seeded(base), POINTS, higher=True)
    reference = stats.ttest_rel(ours, base).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((reference.low, reference.high))
    assert found.mean == pytest.approx(math.fsum(ours) / n - math.fsum(base) / n)
    assert (found.n, found.paired) == (n, True)


def test_only_shared_seeds_are_pairs():
    base, ours = seeded([0.91, 0.92, 0.95, 0.94]), seeded([0.90, 0.94, 0.91], first=2)
    found = weigh(ours, base, POINTS, higher=True)
    reference = stats.ttest_rel([0.90, 0.94], [0.95, 0.94]).confidence_interval(0.95)
    assert found.n == 2
    assert (found.low, found.high) == pytest.approx((reference.low, reference.high))


def test_groups_without_a_shared_seed_get_welchs_interval_and_say_so():
    base, ours = draws(3, 7, std=0.3), draws(4, 4, std=1.1)
    found = weigh(seeded(ours, first=50), seeded(base), POINTS, higher=True)
    reference = stats.ttest_ind(ours, base, equal_var=False)
    low, high = reference.confidence_interval(0.95)
    # Degrees of freedom are rounded down, so that the interval is a little wider.
    wider = stats.t.ppf(0.975, math.floor(reference.df)) / stats.t.ppf(0.975, reference.df)
    assert found.high - found.low == pytest.approx((high - low) * wider)
    assert 1 <= wider < 1.2
    assert (found.n, found.paired) == (4, False)


def test_a_seed_that_ran_twice_is_no_further_sample_without_shared_seeds_either():
    ours, base = [(0, 0.97), (0, 0.97)], [(1, 0.98), (1, 0.98)]
    found = weigh(ours, base, POINTS, higher=True)
    assert (found.low, found.verdict, found.n, found.more_seeds) == (None, "undecided", 1, 1)


def test_the_interval_holds_the_truth_as_often_as_it_says():
    trials, n, truth = 4000, 4, 0.3
    generator = random.Random(7)
    held = 0
    for _ in range(trials):
        base = [generator.gauss(5, 2) for _ in range(n)]
        ours = [value + generator.gauss(truth, 0.5) for value in base]
        found = weigh(seeded(ours), seeded(base), POINTS, higher=True)
        held += found.low <= truth <= found.high
    # Standard error of a share of 0.95 over 4000 trials: 0.0034; three of them are allowed.
    assert abs(held / trials - 0.95) < 3 * math.sqrt(0.95 * 0.05 / trials)


def test_a_group_exactly_as_bad_as_the_margin_is_seldom_called_within():
    trials, n = 4000, 5
    generator = random.Random(8)
    called = 0
    for _ in range(trials):
        ours = [generator.gauss(-0.002, 0.001) for _ in range(n)]
        called += weigh(seeded(ours), seeded([0.0] * n), POINTS, higher=True).verdict == "within"
    # A 95 % interval leaves 2.5 % on each side.
    assert abs(called / trials - 0.025) < 3 * math.sqrt(0.025 * 0.975 / trials)


@pytest.mark.parametrize(
    ("differences", "verdict"),
    [
        ([-0.0010, -0.0011, -0.0009], "within"),
        ([0.0110, 0.0111, 0.0109], "within"),
        ([-0.0040, -0.0041, -0.0042], "worse"),
        ([-0.0010, -0.0050, 0.0030], "undecided"),
    ],
)
def test_the_verdict_is_where_the_interval_lies(differences, verdict):
    base = [0.98, 0.97, 0.99]
    ours = [b + d for b, d in zip(base, differences, strict=True)]
    found = weigh(seeded(ours), seeded(base), POINTS, higher=True)
    assert found.verdict == verdict
    assert found.margin == pytest.approx(0.002)
    assert (found.more_seeds is None) == (verdict != "undecided")


def test_where_lower_is_better_more_is_worse():
    percent = Margin(1, is_relative=True)
    base = seeded([100.0, 102.0, 98.0])
    found = {
        change: weigh([(s, v + change) for s, v in base], base, percent, higher=False)
        for change in (-30.0, 0.9, 1.1)
    }
    assert {change: e.verdict for change, e in found.items()} == {
        -30.0: "within", 0.9: "within", 1.1: "worse",
    }  # fmt: skip
    assert found[1.1].margin == pytest.approx(1.0)
    assert found[1.1].low == pytest.approx(1.1)


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("higher", [True, False])
def test_the_seeds_needed_are_the_fewest_that_would_decide(paired, higher):
    base = draws(5, 4, mean=0.9, std=0.001)
    ours = [b + d for b, d in zip(base, draws(9, 4, mean=0.0, std=0.003), strict=True)]
    if not paired:
        base, ours = base[:3], ours
    found = weigh(seeded(ours, first=0 if paired else 10), seeded(base), POINTS, higher=higher)
    assert found.verdict == "undecided"
    gain = found.mean if higher else -found.mean

    def half(n):
        if paired:
            spread = stats.tstd([o - b for o, b in zip(ours, base, strict=True)])
            return stats.t.ppf(0.975, n - 1) * spread / math.sqrt(n)
        a, b = stats.tvar(ours) / n, stats.tvar(base) / n
        degrees = math.floor((a + b) ** 2 / ((a**2 + b**2) / (n - 1)))
        return stats.t.ppf(0.975, degrees) * math.sqrt(a + b)

    fewest = next(
        n for n in range(found.n + 1, 5000) if gain - half(n) > -0.002 or gain + half(n) < -0.002
    )
    assert found.more_seeds == fewest - found.n
    assert found.says == f"undecided: {found.more_seeds} more seeds needed"


def test_one_pair_has_no_interval_and_no_verdict():
    found = weigh([(0, 0.98)], [(0, 0.98), (1, 0.97)], POINTS, higher=True)
    assert (found.low, found.high, found.verdict, found.more_seeds) == (None, None, "undecided", 1)
    assert found.says == "undecided: at least 1 more seed needed to say anything"
    alone = weigh([(5, 0.98)], [(0, 0.98)], POINTS, higher=True)
    assert (alone.low, alone.verdict, alone.paired) == (None, "undecided", False)


def test_a_group_or_baseline_without_values_has_no_evidence():
    assert weigh([(0, None)], [(0, 0.9)], POINTS, higher=True) is None
    assert weigh([(0, 0.9)], [], POINTS, higher=True) is None


def test_what_no_number_of_seeds_settles_says_so():
    ours = [-0.002 - 1e-3, -0.002 + 1e-3]
    found = weigh(seeded(ours), seeded([0.0, 0.0]), POINTS, higher=True)
    assert (found.verdict, found.more_seeds) == ("undecided", None)
    assert found.says == f"undecided: more than {MOST_SEEDS:,} more seeds needed"


def test_equal_differences_are_an_interval_without_width():
    found = weigh(seeded([0.5, 0.7]), seeded([0.5, 0.7]), POINTS, higher=True)
    assert (found.low, found.high, found.verdict) == (0.0, 0.0, "within")


def test_a_seed_that_ran_twice_counts_once():
    assert by_seed([(3, 1.0), (4, 5.0), (3, 2.0), (6, None)]) == {3: 1.5, 4: 5.0}


WITHIN, UNSURE, WORSE = [0.980, 0.970], [0.990, 0.955], [0.950, 0.940]


@pytest.mark.parametrize(
    ("ours", "lost", "theirs", "says"),
    [
        (WITHIN, 0, 0, "within"),
        (WITHIN, 1, 0, "undecided: 1 of 3 diverged"),
        (WITHIN, 0, 2, "undecided: 2 of 3 of the baseline diverged"),
        (UNSURE, 0, 1, "undecided: 1 of 3 of the baseline diverged"),
        (WORSE, 1, 0, "worse: 1 of 3 diverged"),
        (WORSE, 0, 1, "undecided: 1 of 3 of the baseline diverged"),
        (WORSE, 1, 1, "undecided: 1 of 3 diverged, 1 of 3 of the baseline diverged"),
    ],
)
def test_what_diverged_on_either_side_leaves_no_silent_verdict(ours, lost, theirs, says):
    found = weigh(
        seeded(ours), seeded([0.98, 0.97]), POINTS,
        higher=True, lost=Lost(lost, 3), their_lost=Lost(theirs, 3),
    )  # fmt: skip
    assert (found.says, found.verdict) == (says, says.split(":")[0])
    assert (found.more_seeds is None, found.n) == (True, 2)
