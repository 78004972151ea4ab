"""How sure a difference is: its confidence interval, and a verdict of non-inferiority. Pure.

The difference d is taken seed by seed (same seed: same initial weights, same data order), and its
95 % interval is Student's: d ± t(0.975, n - 1) s / √n over n pairs. Where two groups share no seed
there are no pairs: then it is Welch's interval of two independent means, its degrees of freedom
rounded down, and `paired` says so. Fewer than two pairs have no spread, and so no interval.

The verdict at a margin m, turned so that more is better: `within` when the interval lies wholly
above -m (at most m is lost), `worse` when wholly below, `undecided` else. How many more seeds an
undecided one needs: the smallest n at which the interval would decide, if mean and spread stayed
as they are now. It is an expectation, not a promise.

A training that diverged has no value, and so is in no mean; yet it is what was found. A group some
of whose members diverged is never `within`: what the others lost is not what the setting loses. A
baseline some of whose members diverged is no measure: nothing is decided against it, for the pairs
that are left were chosen by its failures. No number of further seeds mends either.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Literal

from crs_core.statistics import Seeded, Stat, by_seed, delta, stat

CONFIDENCE = 0.95
MOST_SEEDS = 1000
"""Beyond so many, a number of seeds is no advice."""

Verdict = Literal["within", "worse", "undecided"]


@dataclass(frozen=True)
class Margin:
    """How much may be lost. `value` is in per cent: points of a share, or of the baseline's mean.

    A share (accuracy) of 0.98 may fall by 0.2 points to 0.978; a perplexity of 90 may rise by 1 %
    to 90.9.
    """

    value: float
    is_relative: bool

    def of(self, baseline_mean: float) -> float:
        """Give it in the metric's own unit."""
        return self.value / 100 * (abs(baseline_mean) if self.is_relative else 1.0)


@dataclass(frozen=True)
class Lost:
    """How many of a group's members diverged."""

    diverged: int = 0
    members: int = 0

    def __str__(self) -> str:
        return f"{self.diverged} of {self.members}"


@dataclass(frozen=True)
class Evidence:
    """Difference to the baseline, ours less theirs, with what can be said of it."""

    mean: float
    low: float | None
    """End of the 95 % interval. None, as `high`, with fewer than two pairs."""
    high: float | None
    n: int
    """Pairs; without pairs, members of the smaller group."""
    paired: bool
    margin: float
    """In the metric's own unit."""
    verdict: Verdict
    more_seeds: int | None
    """How many more an undecided one needs; None: it is decided, members diverged, or over
    MOST_SEEDS would be."""
    says: str


def weigh(
    ours: Seeded,
    theirs: Seeded,
    margin: Margin,
    *,
    higher: bool,
    lost: Lost = Lost(),
    their_lost: Lost = Lost(),
) -> Evidence | None:
    """Weigh a group against its baseline; None when one of them has no value.

    `higher`: whether more of it is better. `lost` and `their_lost`: how many of each diverged.
    """
    found = _weigh(ours, theirs, margin, higher=higher)
    if found is None or not (lost.diverged or their_lost.diverged):
        return found
    is_worse = found.verdict == "worse" and not their_lost.diverged
    verdict: Verdict = "worse" if is_worse else "undecided"
    why = [f"{lost} diverged"] if lost.diverged else []
    why += [f"{their_lost} of the baseline diverged"] if their_lost.diverged else []
    return replace(found, verdict=verdict, more_seeds=None, says=f"{verdict}: {', '.join(why)}")


def _weigh(ours: Seeded, theirs: Seeded, margin: Margin, *, higher: bool) -> Evidence | None:
    """Weigh the values that there are."""
    # A job that ran again under its seed is the same job, and no further sample.
    base, own = (stat(by_seed(seeded).values()) for seeded in (theirs, ours))
    if base.mean is None or own.mean is None:
        return None
    allowed = margin.of(base.mean)
    found = delta(ours, theirs)
    assert found is not None, "both have values"
    if found.paired:
        mean, n, now = found.mean, found.n, _student(found.std, found.n)
        half = partial(_student, found.std)
    else:
        mean, n, now = found.mean, min(own.n, base.n), _welch(own, base)
        half = partial(_welch_of, own, base)
    gain = mean if higher else -mean
    if now is None:
        verdict: Verdict = "undecided"
        more: int | None = 2 - n
        says = f"undecided: at least {_seeds(2 - n)} needed to say anything"
    else:
        verdict = _verdict(gain, now, allowed)
        more = _more(gain, half, n, allowed) if verdict == "undecided" else None
        says = verdict if verdict != "undecided" else f"undecided: {_seeds(more)} needed"
    return Evidence(
        mean=mean,
        low=None if now is None else mean - now,
        high=None if now is None else mean + now,
        n=n,
        paired=found.paired,
        margin=allowed,
        verdict=verdict,
        more_seeds=more,
        says=says,
    )


def _verdict(gain: float, half: float, margin: float) -> Verdict:
    if gain - half > -margin:
        return "within"
    return "worse" if gain + half < -margin else "undecided"


def _more(gain: float, half: Callable[[int], float | None], n: int, margin: float) -> int | None:
    """Find the smallest n that would decide, by bisection: the half width falls with n."""

    def decides(count: int) -> bool:
        expected = half(count)
        assert expected is not None, "there is a spread"
        return _verdict(gain, expected, margin) != "undecided"

    low, high = n, n + MOST_SEEDS
    if not decides(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if decides(middle) else (middle, high)
    return high - n


def _seeds(count: int | None) -> str:
    if count is None:
        return f"more than {MOST_SEEDS:,} more seeds"
    return "1 more seed" if count == 1 else f"{count} more seeds"


def _student(std: float | None, n: int) -> float | None:
    """Give the half width for n pairs; None without a spread."""
    return None if std is None else t_quantile(n - 1) * std / math.sqrt(n)


def _welch(own: Stat, base: Stat) -> float | None:
    """Give the half width for two independent means; None unless both have a spread."""
    if own.std is None or base.std is None:
        return None
    a, b = own.std**2 / own.n, base.std**2 / base.n
    if a + b == 0:
        return 0.0
    degrees = (a + b) ** 2 / (a**2 / (own.n - 1) + b**2 / (base.n - 1))
    return t_quantile(max(1, math.floor(degrees))) * math.sqrt(a + b)


def _welch_of(own: Stat, base: Stat, count: int) -> float | None:
    """Give the half width that `count` seeds in each group would have."""
    return _welch(Stat(own.mean, own.std, count), Stat(base.mean, base.std, count))


@cache
def t_quantile(degrees: int) -> float:
    """Give t(0.975): the interval of ± so many standard errors holds 95 %.

    With whole degrees of freedom ν Student's distribution is a finite sum (Abramowitz & Stegun
    1964, 26.7.3 and 26.7.4) in θ, t = √ν tan θ, and rises with θ, so bisection finds it. Written
    here since scipy would be 30 MB more for the api, which has no other use of it.
    """
    low, high = 0.0, math.pi / 2
    for _ in range(60):
        theta = (low + high) / 2
        if _inside(theta, degrees) < CONFIDENCE:
            low = theta
        else:
            high = theta
    return math.sqrt(degrees) * math.tan((low + high) / 2)


def _inside(theta: float, degrees: int) -> float:
    """Give P(|T| <= √ν tan θ)."""
    sine, cosine = math.sin(theta), math.cos(theta)
    odd = degrees % 2
    term, total = (cosine if odd else 1.0), 0.0
    for j in range(2 + odd, degrees + 1, 2):
        total += term
        term *= cosine**2 * (j - 1) / j
    return 2 / math.pi * (theta + sine * total) if odd else sine * total
