"""Ratios by step, and the sums over them, against one step at a time."""

import math
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crs_core.cost import layer_cost, training_cost
from crs_core.layers import Conv2d, LayerShape, Linear
from crs_core.ratios import ratio_at, runs, sampled_steps
from crs_core.rules import LayerPlan, plan_at
from crs_core.spec import Policy, RatioSchedule

TOPK = Policy(name="topk")


def schedule(**fields: Any) -> RatioSchedule:
    return RatioSchedule.model_validate(fields)


def test_without_a_schedule_the_ratio_holds_from_the_first_step() -> None:
    assert [ratio_at(0.4, None, step, 3) for step in range(3)] == [0.4, 0.4, 0.4]


def test_first_steps_and_last_share_are_exact() -> None:
    how = schedule(exact_first_steps=3, exact_last=0.2)
    assert sampled_steps(how, 20) == range(3, 16)
    ratios = [ratio_at(0.4, how, step, 20) for step in range(20)]
    assert ratios == [1.0] * 3 + [0.4] * 13 + [1.0] * 4


def test_linear_goes_evenly_from_start_to_the_rule_s_ratio() -> None:
    how = schedule(shape="linear", start=0.8, exact_first_steps=2)
    ratios = [ratio_at(0.3, how, step, 8) for step in range(8)]
    assert ratios == pytest.approx([1.0, 1.0, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3], abs=1e-15)
    assert ratios[-1] == 0.3


def test_an_end_step_has_the_rule_s_ratio_first() -> None:
    how = schedule(shape="linear", end_step=4)
    assert [ratio_at(0.2, how, step, 7) for step in range(7)] == pytest.approx(
        [1.0, 0.8, 0.6, 0.4, 0.2, 0.2, 0.2], abs=1e-15
    )


def test_cosine_is_slow_at_both_ends() -> None:
    how = schedule(shape="cosine", start=0.9)
    ratios = [ratio_at(0.1, how, step, 9) for step in range(9)]
    wanted = [0.1 + 0.8 * (1 + math.cos(math.pi * t / 8)) / 2 for t in range(9)]
    assert ratios == pytest.approx(wanted, abs=1e-15)
    assert (ratios[0], ratios[-1]) == (0.9, 0.1)


def test_steps_jump_in_equal_parts_at_their_milestones() -> None:
    how = schedule(shape="step", start=1.0, milestones=[2, 5, 6])
    assert [ratio_at(0.4, how, step, 8) for step in range(8)] == pytest.approx(
        [1.0, 1.0, 0.8, 0.8, 0.8, 0.6, 0.4, 0.4], abs=1e-15
    )


def test_a_ratio_may_grow() -> None:
    how = schedule(shape="linear", start=0.1)
    ratios = [ratio_at(0.5, how, step, 5) for step in range(5)]
    assert ratios == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])


@pytest.mark.parametrize("shape", ["linear", "cosine"])
def test_an_exact_product_stays_exact(shape: str) -> None:
    how = schedule(shape=shape, start=0.5, exact_first_steps=1)
    assert {ratio_at(1.0, how, step, 9) for step in range(9)} == {1.0}


def test_a_single_sampled_step_has_the_rule_s_ratio() -> None:
    how = schedule(shape="linear", exact_first_steps=4)
    assert [ratio_at(0.3, how, step, 5) for step in (3, 4)] == [1.0, 0.3]


SHAPES = [
    {"shape": "constant"},
    {"shape": "linear", "start": 0.95},
    {"shape": "linear", "start": 0.02, "end_step": 40},
    {"shape": "cosine"},
    {"shape": "cosine", "start": 0.5, "end_step": 61},
    {"shape": "step", "start": 0.9, "milestones": [11, 12, 57]},
]
LAYERS: list[LayerShape] = [
    Linear(57, 31, positions=3),
    Linear(20, 13, needs_input_grad=False),
    Conv2d(12, 20, (3, 3), in_size=(7, 7), out_size=(5, 5), groups=4),
]


@pytest.mark.parametrize("fields", SHAPES, ids=str)
@pytest.mark.parametrize("shape", LAYERS, ids=lambda s: s.kind)
@pytest.mark.parametrize("policy", ["topk", "meprop"])
@pytest.mark.parametrize("edges", [{}, {"exact_first_steps": 7, "exact_last": 0.23}])
@pytest.mark.parametrize("devices", [1, 2])
def test_the_planned_total_is_the_sum_over_the_steps(
    fields: dict[str, Any], shape: LayerShape, policy: str, edges: dict[str, Any], devices: int
) -> None:
    steps = 97
    forward = 1.0 if policy == "meprop" else 0.31
    plan = LayerPlan(
        "l", shape, Policy(name=policy), forward, 0.07, 2, 0, schedule(**fields, **edges)
    )
    found = training_cost(plan, batch=9, steps=steps, devices=devices)
    slow = [0] * len(found)
    for step in range(steps):
        at = plan_at(plan, step, steps)
        for i, product in enumerate(layer_cost(at, batch=9, devices=devices)):
            slow[i] += product.planned_macs
    assert [p.planned_total for p in found] == slow
    one_step = layer_cost(plan, batch=9, devices=devices)
    assert [p.planned_macs for p in found] == [p.planned_macs for p in one_step]


@given(
    start=st.floats(0.01, 1.0),
    ratio=st.floats(0.01, 1.0),
    shape=st.sampled_from(["linear", "cosine"]),
    n=st.integers(1, 90),
    steps=st.integers(1, 400),
)
@settings(max_examples=100, deadline=None)
def test_any_schedule_is_summed_step_by_step(
    start: float, ratio: float, shape: str, n: int, steps: int
) -> None:
    plan = LayerPlan("l", Linear(n, 7), TOPK, ratio, 1.0, 1, 0, schedule(shape=shape, start=start))
    slow = sum(layer_cost(plan_at(plan, s, steps), 3)[0].planned_macs for s in range(steps))
    assert training_cost(plan, batch=3, steps=steps)[0].planned_total == slow


def test_a_billion_steps_are_not_visited_one_by_one() -> None:
    plan = LayerPlan(
        "l", Linear(650, 10_000, positions=35), TOPK, 0.5, 0.2, 1, 0, schedule(shape="cosine")
    )
    begin = time.perf_counter()
    (forward, *_) = training_cost(plan, batch=20, steps=10**9)
    assert time.perf_counter() - begin < 30
    assert forward.planned_total is not None
    # Half a cosine from 1 to 0.5 has the mean 0.75.
    assert forward.planned_total / (10**9 * forward.exact_macs) == pytest.approx(0.75, abs=1e-4)


def test_runs_are_whole_and_in_order() -> None:
    values = [5, 5, 5, 4, 3, 3, 3, 3, 3, 1]
    assert list(runs(values.__getitem__, range(10))) == [(3, 5), (1, 4), (5, 3), (1, 1)]
    assert list(runs(values.__getitem__, range(4, 9))) == [(5, 3)]
    assert list(runs(values.__getitem__, range(0))) == []
