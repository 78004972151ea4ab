import math
import tracemalloc

import pytest
from sqlalchemy import select

from store import curves
from store.curves import reduce
from store.errors import BadQuery, NotFound
from store.tables import Point
from store.views import Summary


def test_points_become_curves_in_the_order_of_the_metrics(bench):
    claim = bench.begin()
    bench.record(claim, bench.started(), bench.points(1, seconds=0.5, train_loss=2.0))
    bench.record(claim, bench.points(3, train_loss=1.5, seconds=1.5))
    loss, seconds = bench.read(curves.read, [claim.job_id])
    assert (loss.metric, loss.steps, loss.values) == ("train_loss", [1, 3], [2.0, 1.5])
    assert (seconds.metric, seconds.values, seconds.of) == ("seconds", [0.5, 1.5], 2)
    assert (loss.reduced, loss.non_finite) == (False, [])
    assert bench.read(curves.read, [claim.job_id], ["train_loss"], after=1)[0].steps == [3]
    assert bench.read(curves.read, [claim.job_id], ["test_loss"]) == []


def test_curves_of_several_jobs_come_in_the_order_asked_for(bench):
    first, second = bench.begin(), bench.begin()
    bench.record(first, bench.points(1, train_loss=1.0))
    bench.record(second, bench.points(2, train_loss=2.0))
    found = bench.read(curves.read, [second.job_id, first.job_id], ["train_loss"])
    assert [(c.job_id, c.steps) for c in found] == [(second.job_id, [2]), (first.job_id, [1])]
    with pytest.raises(NotFound, match="'none'"):
        bench.read(curves.read, [first.job_id, "none"])


def test_an_answer_of_too_many_points_is_refused_saying_what_to_do(bench, monkeypatch):
    monkeypatch.setattr(curves, "PART", 2)
    ids = []
    for count in (3, 8, 5):
        claim = bench.begin()
        bench.record(claim, *(bench.points(step, train_loss=step) for step in range(1, count + 1)))
        ids.append(claim.job_id)
    assert [c.of for c in bench.read(curves.read, ids, most=16)] == [3, 8, 5]
    for most in (15, 10, 2):
        with pytest.raises(BadQuery, match=rf"more than {most} points together.*max_points=320"):
            bench.read(curves.read, ids, most=most)
    found = bench.read(curves.read, ids, max_points=4, most=11)
    assert [(len(c.steps), c.of) for c in found] == [(3, 3), (4, 8), (4, 5)]


@pytest.mark.parametrize("max_points", [None, 320])
def test_of_many_points_few_are_held_at_a_time(bench, max_points):
    """However many points all the curves have, one curve and one part are here unreduced."""
    count, ids = 20_000, []
    for _ in range(4):
        claim = bench.begin()
        bench.record(claim, *(bench.points(step, train_loss=step) for step in range(1, count + 1)))
        ids.append(claim.job_id)
    bench.read(curves.read, ids[:1], max_points=max_points)
    tracemalloc.start()
    try:
        if max_points is None:
            with pytest.raises(BadQuery):
                bench.read(curves.read, ids, most=count // 2)
        else:
            assert [c.of for c in bench.read(curves.read, ids, max_points=320)] == [count] * 4
        # A step, a value and their places in two lists take 72 bytes.
        assert tracemalloc.get_traced_memory()[1] < 2 * 72 * count
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_null_and_named_by_its_position(bench, value):
    claim = bench.begin()
    bench.record(
        claim,
        bench.points(1, train_loss=2.0),
        bench.points(2, train_loss=value),
        bench.points(3, train_loss=1.0),
    )
    (curve,) = bench.read(curves.read, [claim.job_id])
    assert (curve.values, curve.non_finite) == ([2.0, None, 1.0], [1])
    stored = bench.read(lambda s: s.scalars(select(Point.value).order_by(Point.step)).all())
    assert stored == [2.0, None, 1.0]
    assert bench.job(claim.job_id).summary["train_loss"] == Summary(1.0, 1.0, None)


def test_a_reduced_curve_keeps_first_last_and_every_peak(bench):
    claim = bench.begin()
    values = {step: math.sin(step / 20) for step in range(1000)}
    values |= {333: 9.0, 700: -9.0}
    bench.record(claim, *(bench.points(step, train_loss=v) for step, v in values.items()))
    (curve,) = bench.read(curves.read, [claim.job_id], max_points=50)
    assert len(curve.steps) <= 50
    assert (curve.of, curve.reduced) == (1000, True)
    assert {0, 333, 700, 999} <= set(curve.steps)
    assert curve.values == pytest.approx([values[step] for step in curve.steps], rel=1e-14)
    assert curve.steps == sorted(set(curve.steps))
    assert not bench.read(curves.read, [claim.job_id], max_points=1000)[0].reduced


@pytest.mark.parametrize("n", [5, 6, 7, 50, 51])
@pytest.mark.parametrize("limit", [4, 5, 10])
def test_reduction_never_gives_more_than_asked_for(n, limit):
    kept = reduce([float(i % 3) for i in range(n)], limit)
    assert kept == sorted(set(kept))
    assert kept[0] == 0
    assert kept[-1] == n - 1
    assert len(kept) <= limit


def test_a_gap_stays_in_a_reduced_curve():
    values = [1.0] * 20 + [None] * 20 + [2.0] * 20
    kept = reduce(values, 12)
    assert None in [values[i] for i in kept]
    assert {1.0, 2.0} <= {values[i] for i in kept}
