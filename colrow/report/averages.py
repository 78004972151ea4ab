"""Curves of several jobs as one: mean and spread, step by step. Pure."""

import math
from collections import defaultdict
from collections.abc import Sequence

from colrow.answers import Curve
from colrow.report.plots import Line


def mean_line(name: str, curves: Sequence[Curve], *, per_epoch: float = 1.0) -> Line | None:
    """Average curves of one metric over the steps that all have; None without such a step.

    The band is one sample standard deviation to each side, absent for a single curve. `per_epoch`
    steps are one unit of x.
    """
    values: dict[int, list[float]] = defaultdict(list)
    for curve in curves:
        for step, value in zip(curve["steps"], curve["values"], strict=True):
            if value is not None:
                values[step].append(value)
    shared = sorted(step for step, found in values.items() if len(found) == len(curves))
    if not shared:
        return None
    means = [math.fsum(values[step]) / len(curves) for step in shared]
    if len(curves) < 2:
        return Line(name, tuple(step / per_epoch for step in shared), tuple(means))
    spreads = [
        math.sqrt(math.fsum((v - mean) ** 2 for v in values[step]) / (len(curves) - 1))
        for step, mean in zip(shared, means, strict=True)
    ]
    return Line(
        name,
        tuple(step / per_epoch for step in shared),
        tuple(means),
        tuple(mean - spread for mean, spread in zip(means, spreads, strict=True)),
        tuple(mean + spread for mean, spread in zip(means, spreads, strict=True)),
    )
