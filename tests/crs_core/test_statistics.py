"""Mean, spread, differences and fronts."""

import math

import pytest

from crs_core.statistics import Delta, Stat, delta, front, stat


def test_statistics_of_few_values():
    assert stat([]) == Stat(None, None, 0)
    assert stat([None, 2.0]) == Stat(2.0, None, 1)
    assert stat([1.0, 3.0]) == Stat(2.0, pytest.approx(math.sqrt(2)), 2)


def test_groups_without_a_shared_seed_are_compared_by_their_means():
    assert delta([(0, 1.0), (1, 3.0)], [(5, 1.0)]) == Delta(1.0, None, 2, paired=False)
    assert delta([(0, None)], [(0, 1.0)]) is None


def test_equal_points_are_both_on_the_front():
    assert front([(1, 1), (1, 1), (0, 1), None, (0, 2)]) == [True, True, False, False, True]
