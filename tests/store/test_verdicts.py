"""At which margin a metric is judged, and that one without a better direction is not."""

import math

import pytest

from crs_core.evidence import Lost, Margin
from store.errors import BadQuery
from store.verdicts import Judgement

OURS, THEIRS = [(0, 10.4), (1, 20.5)], [(0, 10.0), (1, 20.0)]
ALL = Lost(0, 2), Lost(0, 2)


def part(diverged, members):
    return Lost(diverged, members), Lost(0, 2)


@pytest.mark.parametrize("metric", ["best_test_accuracy", "compute_reduction"])
def test_a_margin_of_a_share_is_in_points(metric):
    assert Judgement.of(metric, None).margin == Margin(0.2, is_relative=False)
    assert Judgement.of(metric, 0.5).margin.of(0.98) == pytest.approx(0.005)


@pytest.mark.parametrize("metric", ["best_test_perplexity", "seconds", "test_loss"])
def test_a_margin_of_another_metric_is_of_the_baselines_mean(metric):
    assert Judgement.of(metric, None).margin == Margin(1.0, is_relative=True)
    assert Judgement.of(metric, 10).margin.of(-11.0) == pytest.approx(1.1)


def test_the_direction_is_that_of_the_metric():
    assert Judgement.of("best_test_perplexity", 20).weigh(OURS, THEIRS, *ALL).verdict == "within"
    assert (
        Judgement.of("best_test_perplexity", 0.1).weigh(OURS, THEIRS, *ALL).verdict == "undecided"
    )
    assert Judgement.of("best_test_accuracy", 0.1).weigh(THEIRS, OURS, *ALL).verdict == "undecided"
    assert Judgement.of("best_test_accuracy", 100).weigh(OURS, THEIRS, *ALL).verdict == "within"


def test_a_metric_without_a_better_direction_is_not_judged():
    assert Judgement.of("learning_rate", None).weigh(OURS, THEIRS, *ALL) is None


def test_a_group_that_diverged_in_part_is_not_within_however_well_the_rest_did():
    judged = Judgement.of("best_test_perplexity", 20)
    whole, some = judged.weigh(OURS, THEIRS, *ALL), judged.weigh(OURS, THEIRS, *part(3, 5))
    assert (whole.verdict, whole.says) == ("within", "within")
    assert (some.verdict, some.says) == ("undecided", "undecided: 3 of 5 diverged")
    assert (some.mean, some.low, some.n) == (whole.mean, whole.low, whole.n)


def test_a_group_that_diverged_in_part_is_told_to_need_no_more_seeds():
    judged = Judgement.of("best_test_perplexity", 0.1)
    assert judged.weigh(OURS, THEIRS, *ALL).more_seeds is not None
    some = judged.weigh(OURS, THEIRS, *part(1, 3))
    assert (some.says, some.more_seeds) == ("undecided: 1 of 3 diverged", None)
    worse = [(0, 12.0), (1, 22.01)]
    found = judged.weigh(worse, THEIRS, *part(2, 4))
    assert (found.verdict, found.says) == ("worse", "worse: 2 of 4 diverged")
    assert judged.weigh([], THEIRS, *part(2, 2)) is None


@pytest.mark.parametrize("margin", [0, -1, math.nan, math.inf, 101])
def test_a_margin_that_is_none_is_told(margin):
    with pytest.raises(BadQuery, match=f"above 0 and at most 100; got {margin:g}"):
        Judgement.of("seconds", margin)
