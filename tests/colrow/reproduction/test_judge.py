"""Verdicts on claims, from values by seed."""

import pytest
from scipy import stats

from colrow.report.document import Mark
from colrow.reproduction.judge import NOT_RUN, Outcome, difference, judge
from colrow.reproduction.parts import Cost, NoLoss, Number, Order, Recipe, Setting

ACCURATE = Recipe("a", {"model": 1}, {})
PERPLEXED = Recipe("p", {"model": 1}, {}, metric="best_test_perplexity")
EXACT, LOW, HIGH = (Setting(ACCURATE, name) for name in ("exact", "low", "high"))


def values(**found):
    """Give outcomes by the series of settings: seeds 0, 1, 2, …, None of one that diverged."""

    def outcome(setting):
        seeded = dict(enumerate(found.get(setting.series, [])))
        ended = {seed: value for seed, value in seeded.items() if value is not None}
        return Outcome(ended, frozenset(seeded.keys() - ended.keys()))

    return outcome


@pytest.mark.parametrize(
    ("ours", "verdict"),
    [
        ([0.9810, 0.9820], Mark("within 0.15 points", "good")),
        ([0.9790, 0.9790], Mark("-0.26 points, worse", "bad")),
        ([0.9850, 0.9850], Mark("+0.34 points, better", "open")),
        ([], NOT_RUN),
    ],
)
def test_a_number_is_within_its_tolerance_or_how_far_away(ours, verdict):
    claim = Number("it says", EXACT, 0.9816, 0.0015)
    found = judge(claim, values(exact=ours), quick=False)
    assert (found.paper, found.verdict) == ("98.16 %", verdict)


def test_the_interval_of_a_mean_is_students():
    ours = [0.9810, 0.9820, 0.9812]
    found = judge(Number("", EXACT, 0.98, 0.1), values(exact=ours), quick=False)
    low, high = stats.t.interval(0.95, 2, loc=sum(ours) / 3, scale=stats.sem(ours))
    assert found.interval == f"{100 * low:.2f} % to {100 * high:.2f} %"
    assert found.ours == "98.14 ± 0.05 % (3)"


def test_a_perplexity_above_the_papers_is_worse():
    claim = Number("", Setting(PERPLEXED, "exact"), 83.5, 0.5)
    found = judge(claim, values(exact=[85.0, 85.2]), quick=False)
    assert found.verdict == Mark("+1.6 perplexity, worse", "bad")


def test_a_small_version_is_not_held_against_the_papers_numbers():
    found = judge(Number("", EXACT, 0.98, 0.001), values(exact=[0.5, 0.5]), quick=True)
    assert found.verdict.text == "small version: not judged"


@pytest.mark.parametrize(
    ("low", "verdict"),
    [
        ([0.979, 0.9691, 0.9892], Mark("holds", "good")),
        ([0.970, 0.960, 0.980], Mark("worse", "bad")),
        ([0.981, 0.960, 0.991], Mark("undecided: 349 more seeds needed", "open")),
        ([], NOT_RUN),
    ],
)
def test_nothing_is_lost_when_the_interval_says_so(low, verdict):
    claim = NoLoss("", LOW, EXACT, 0.002)
    found = judge(claim, values(exact=[0.98, 0.97, 0.99], low=low), quick=False)
    assert (found.paper, found.verdict) == ("at most 0.2 points lost", verdict)


def test_a_margin_of_perplexity_is_a_share_of_the_baseline():
    low, exact = Setting(PERPLEXED, "low"), Setting(PERPLEXED, "exact")
    claim = NoLoss("", low, exact, 0.01)
    found = judge(claim, values(exact=[80.0, 82.0], low=[80.5, 82.6]), quick=False)
    assert found.paper == "at most 1 % lost"
    assert found.verdict.text == "undecided: 1 more seed needed"
    found = judge(claim, values(exact=[80.0, 82.0], low=[80.5, 82.5]), quick=False)
    assert found.verdict.text == "holds"


@pytest.mark.parametrize(
    ("high", "text"),
    [
        ([0.99, 0.98, 1.0], "holds"),
        ([0.97, 0.96, 0.98], "the contrary"),
        ([0.99, 0.96, 0.991], "undecided: more than 1,000 more seeds needed"),
    ],
)
def test_an_order_holds_when_the_interval_excludes_the_contrary(high, text):
    claim = Order("", (HIGH,), (LOW,))
    found = judge(claim, values(high=high, low=[0.98, 0.97, 0.99]), quick=False)
    assert found.verdict.text == text


def test_sides_are_averaged_seed_by_seed_over_what_was_run():
    other = Setting(ACCURATE, "other")
    absent = Setting(ACCURATE, "absent")
    claim = Order("", (HIGH, other, absent), (LOW,))
    found = judge(
        claim, values(high=[0.9, 0.8], other=[0.7, 0.6, 0.1], low=[0.5, 0.4, 0.9]), quick=False
    )
    assert (found.ours, found.verdict.text) == ("+30.00 (2)", "holds")


def test_of_errors_less_is_better():
    study = Recipe("s", {"kind": "matmul_error"}, {}, metric="frobenius_error")
    best, rest = Setting(study, "best"), Setting(study, "rest")
    found = judge(
        Order("", (best,), (rest,)), values(best=[0.1, 0.11], rest=[0.3, 0.31]), quick=True
    )
    assert found.verdict.text == "holds"


def test_a_difference_without_a_margin():
    found = difference(LOW, EXACT, values(exact=[0.98, 0.97], low=[0.97, 0.961]))
    assert found.mean == pytest.approx(-0.0095)
    assert difference(LOW, EXACT, values(exact=[0.98])) is None


@pytest.mark.parametrize(
    ("ours", "ends"),
    [([0.9816, None, 0.9816], "98.16 % to 98.16 %"), ([None], "–"), ([None, None], "–")],
)
def test_a_number_does_not_hold_for_a_setting_of_which_a_seed_diverged(ours, ends):
    claim = Number("", EXACT, 0.9816, 0.0015)
    found = judge(claim, values(exact=ours), quick=False)
    lost = ours.count(None)
    assert found.verdict == Mark(f"does not hold: {lost} of {len(ours)} diverged", "bad")
    assert found.interval == ends
    assert judge(claim, values(exact=ours), quick=True).verdict.kind == "open"


BASE = [0.98, 0.97, 0.99]


@pytest.mark.parametrize(
    ("low", "exact", "verdict"),
    [
        ([0.98, 0.9701, None], BASE, Mark("does not hold: 1 of 3 diverged", "bad")),
        ([None, None, None], BASE, Mark("does not hold: 3 of 3 diverged", "bad")),
        ([None], [None], Mark("does not hold: 1 of 1 diverged", "bad")),
        (BASE, [0.98, 0.97, None], Mark("undecided: 1 of 3 of exact diverged", "open")),
        (BASE, [None, None], Mark("undecided: 2 of 2 of exact diverged", "open")),
        ([0.9, 0.89], [0.98, 0.97, None], Mark("undecided: 1 of 3 of exact diverged", "open")),
        ([], BASE, NOT_RUN),
    ],
)
def test_a_seed_that_diverged_is_lost_and_a_baseline_that_diverged_decides_nothing(
    low, exact, verdict
):
    found = judge(NoLoss("", LOW, EXACT, 0.002), values(exact=exact, low=low), quick=False)
    assert found.verdict == verdict


@pytest.mark.parametrize(
    ("high", "low", "verdict"),
    [
        ([0.99, 0.98, None], BASE, Mark("does not hold: 1 of 3 diverged", "bad")),
        (
            [0.99, 0.98, 1.0],
            [0.98, 0.97, None],
            Mark("holds, 1 of 3 of the worse diverged", "good"),
        ),
        (
            [0.97, 0.96, 1.0],
            [0.98, 0.97, None],
            Mark("the contrary, 1 of 3 of the worse diverged", "bad"),
        ),
        ([0.99, 0.98], [None, None], Mark("holds, 2 of 2 of the worse diverged", "good")),
        ([0.99], [None], Mark("undecided, 1 of 1 of the worse diverged", "open")),
        ([], [None, None], NOT_RUN),
        ([None], [None], Mark("does not hold: 1 of 1 diverged", "bad")),
    ],
)
def test_an_order_whose_better_side_diverged_does_not_hold(high, low, verdict):
    found = judge(Order("", (HIGH,), (LOW,)), values(high=high, low=low), quick=False)
    assert found.verdict == verdict


def test_a_seed_with_which_one_of_a_side_diverged_is_in_no_mean_of_it():
    other = Setting(ACCURATE, "other")
    claim = Order("", (HIGH,), (LOW, other))
    found = judge(
        claim, values(high=[0.9, 0.8, 0.9], low=[0.5, 0.4, 0.9], other=[0.5, 0.4, None]),
        quick=False,
    )  # fmt: skip
    assert (found.ours, found.verdict.text) == ("+40.00 (2)", "holds, 1 of 3 of the worse diverged")


@pytest.mark.parametrize(
    ("saves", "cost", "verdict"),
    [
        (True, 0.5, Mark("holds", "good")),
        (True, 1.0, Mark("the contrary", "bad")),
        (False, 1.5, Mark("holds", "good")),
        (False, 0.38, Mark("the contrary", "bad")),
        (False, None, NOT_RUN),
    ],
)
def test_a_cost_is_held_against_that_of_the_product(saves, cost, verdict):
    found = judge(Cost("", LOW, saves=saves), lambda _: Outcome({}, cost=cost), quick=False)
    assert found.verdict == verdict
    assert found.ours == ("–" if cost is None else f"{cost:.2f} of it")
    quick = judge(Cost("", LOW, saves=saves), lambda _: Outcome({}, cost=cost), quick=True)
    assert quick.verdict.kind == "open"
