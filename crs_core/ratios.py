"""The ratio of a step, as a function of the step alone, and steps that have the same.

Steps are counted from 0. With `first` = exact_first_steps and `last` = round(exact_last steps),
steps before `first` and the last `last` of all are exact (ratio 1). Between them, with t from 0 at
step `first` to 1 at `end_step` (left out: the last sampled step) and 1 from there on,

    constant   r = the rule's ratio
    linear     r = start + (ratio - start) t
    cosine     r = start + (ratio - start) (1 - cos πt) / 2
    step       r = start + (ratio - start) · (milestones reached) / (milestones)

A ratio of 1 in the rule stays 1: that product is exact throughout.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import TypeVar

from crs_core.spec import RatioSchedule

Value = TypeVar("Value")


def sampled_steps(schedule: RatioSchedule | None, steps: int) -> range:
    """Give the steps that are not exact by schedule, of a training of `steps`."""
    if schedule is None:
        return range(steps)
    return range(schedule.exact_first_steps, steps - round(schedule.exact_last * steps))


def ratio_at(ratio: float, schedule: RatioSchedule | None, step: int, steps: int) -> float:
    """Give what `ratio` of a rule is at `step` of a training of `steps`."""
    return ratio_by_step(ratio, schedule, steps)(step)


def ratio_by_step(
    ratio: float, schedule: RatioSchedule | None, steps: int
) -> Callable[[int], float]:
    """Give what `ratio` of a rule is, as a function of the step."""
    if schedule is None or ratio == 1:
        return lambda _step: ratio
    sampled = sampled_steps(schedule, steps)
    share, start = _share(schedule, sampled), schedule.start
    low, high, way = min(start, ratio), max(start, ratio), ratio - start

    def by_step(step: int) -> float:
        if step not in sampled:
            return 1.0
        gone = share(step)
        # Rounding may neither pass the end nor miss it.
        return ratio if gone == 1 else min(max(start + way * gone, low), high)

    return by_step


def _share(schedule: RatioSchedule, sampled: range) -> Callable[[int], float]:
    """Give how much of the way from `start` is gone, as a function of a sampled step."""
    begin = sampled.start
    end = sampled.stop - 1 if schedule.end_step is None else schedule.end_step
    match schedule.shape:
        case "constant":
            return lambda _step: 1.0
        case "step":
            milestones = schedule.milestones
            return lambda step: bisect_right(milestones, step) / len(milestones)
        case "linear":
            return lambda step: 1.0 if step >= end else (step - begin) / (end - begin)
        case "cosine":
            turn = math.pi / max(1, end - begin)
            return lambda step: 1.0 if step >= end else (1 - math.cos(turn * (step - begin))) / 2


def runs(value: Callable[[int], Value], steps: range) -> Iterator[tuple[int, Value]]:
    """Give stretches of steps that have the same value: (how many, value), in order.

    Each part of `value` must rise or fall throughout: so what a stretch has at both ends it has in
    between, and the end is found by doubling and halving, in steps that nobody visits one by one.
    """
    at = steps.start
    while at < steps.stop:
        here, reach = value(at), 1
        while at + reach < steps.stop and value(at + reach) == here:
            reach *= 2
        inside, outside = at + reach // 2, min(at + reach, steps.stop)
        while outside - inside > 1:
            middle = (inside + outside) // 2
            if value(middle) == here:
                inside = middle
            else:
                outside = middle
        yield outside - at, here
        at = outside
