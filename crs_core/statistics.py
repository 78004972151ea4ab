"""Mean, spread, differences and fronts of numbers. Pure."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Stat:
    """Mean and sample standard deviation of n values: None without a value, or below two."""

    mean: float | None
    std: float | None
    n: int


@dataclass(frozen=True)
class Delta:
    """Difference to the baseline. `paired`: taken seed by seed over the n seeds that both have."""

    mean: float
    std: float | None
    n: int
    paired: bool


def stat(values: Iterable[float | None]) -> Stat:
    """Describe the values that are there."""
    found = [v for v in values if v is not None]
    if not found:
        return Stat(None, None, 0)
    n, mean = len(found), math.fsum(found) / len(found)
    if n < 2:
        return Stat(mean, None, n)
    return Stat(mean, math.sqrt(math.fsum((v - mean) ** 2 for v in found) / (n - 1)), n)


Seeded = Sequence[tuple[int, float | None]]


def delta(values: Seeded, base: Seeded) -> Delta | None:
    """Subtract the baseline: by seed where the two share seeds, else mean from mean."""
    ours, theirs = by_seed(values), by_seed(base)
    shared = sorted(ours.keys() & theirs.keys())
    if shared:
        pairs = stat(ours[seed] - theirs[seed] for seed in shared)
        assert pairs.mean is not None
        return Delta(pairs.mean, pairs.std, pairs.n, paired=True)
    mean, base_mean = stat(ours.values()).mean, stat(theirs.values()).mean
    if mean is None or base_mean is None:
        return None
    return Delta(mean - base_mean, None, len(ours), paired=False)


def by_seed(values: Seeded) -> dict[int, float]:
    """Give one value per seed: the mean, where a seed ran more than once."""
    found: dict[int, list[float]] = defaultdict(list)
    for seed, value in values:
        if value is not None:
            found[seed].append(value)
    return {seed: math.fsum(several) / len(several) for seed, several in found.items()}


def front(points: Sequence[tuple[float, float] | None]) -> list[bool]:
    """Say of each point whether no other is at least as large in both and larger in one."""
    there = [p for p in points if p is not None]
    return [
        p is not None and not any(q[0] >= p[0] and q[1] >= p[1] and q != p for q in there)
        for p in points
    ]
