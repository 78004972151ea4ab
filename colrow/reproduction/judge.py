"""Set ours beside the paper's: a verdict for each claim. Pure.

Values are per setting and seed, of jobs that succeeded. Differences are taken seed by seed, since
jobs of one seed share initial weights and data order; the interval is that of `crs_core.evidence`.

A training that diverged has no value, and is not passed over either:

- where the paper gives a number, or says that nothing is lost, a setting with one does not hold;
- an order does not hold when one of the better side diverged. Those of the worse side speak for it:
  the others decide, and when all of them diverged (two at least) it holds;
- against a baseline with one, no loss is undecided.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from colrow.figures import NONE
from colrow.report.document import Mark
from colrow.reproduction.parts import Claim, Cost, NoLoss, Number, Order, Recipe, Setting
from colrow.scales import Scale
from crs_core.evidence import Evidence, Lost, Margin, t_quantile, weigh
from crs_core.statistics import Stat, stat


@dataclass(frozen=True)
class Outcome:
    """What the seeds of a setting came to."""

    values: Mapping[int, float]
    diverged: frozenset[int] = field(default_factory=frozenset)
    cost: float | None = None
    """Of a study at half of the pairs: its multiply-accumulates over those of the product."""

    @property
    def lost(self) -> Lost:
        """Say how many diverged of those that came to an end."""
        return Lost(len(self.diverged), len(self.diverged) + len(self.values))


Outcomes = Callable[[Setting], Outcome]
"""Gives what a setting came to."""

_AT_ALL = Margin(0.0, is_relative=False)
_KINDS: dict[str, Literal["good", "bad", "open"]] = {
    "within": "good", "worse": "bad", "undecided": "open",
}  # fmt: skip
NOT_RUN = Mark("not run", "open")
SMALL = Mark("small version: not judged", "open")


@dataclass(frozen=True)
class Judged:
    """A claim with what was found."""

    says: str
    paper: str
    ours: str
    interval: str
    """95 % confidence interval: of our mean, or of the difference."""
    verdict: Mark


def judge(claim: Claim, outcomes: Outcomes, *, quick: bool) -> Judged:
    """Judge one claim."""
    match claim:
        case Number():
            return _number(claim, outcomes(claim.setting), quick=quick)
        case NoLoss():
            return _no_loss(claim, outcomes(claim.setting), outcomes(claim.baseline))
        case Order():
            return _order(claim, outcomes)
        case Cost():
            return _cost(claim, outcomes(claim.setting), quick=quick)


def _number(claim: Number, outcome: Outcome, *, quick: bool) -> Judged:
    scale = Scale.of(claim.setting.recipe.metric)
    found = stat(outcome.values.values())
    ours = NONE if found.mean is None else scale.spread(found)
    ends = mean_interval(scale, found)
    judged = Judged(claim.says, scale.value(claim.value), ours, ends, NOT_RUN)
    if quick and outcome.lost.members:
        return replace(judged, verdict=SMALL)
    if outcome.diverged:
        return replace(judged, verdict=_not_so(outcome.lost))
    if found.mean is None:
        return judged
    away = found.mean - claim.value
    allowed = scale.difference(claim.tolerance).lstrip("+")
    if abs(away) <= claim.tolerance:
        return replace(judged, verdict=Mark(f"within {allowed} {scale.unit}", "good"))
    is_worse = (away > 0) == claim.setting.recipe.is_lower_better
    text = f"{scale.difference(away)} {scale.unit}, {'worse' if is_worse else 'better'}"
    return replace(judged, verdict=Mark(text, "bad" if is_worse else "open"))


def _not_so(lost: Lost) -> Mark:
    return Mark(f"does not hold: {lost} diverged", "bad")


def mean_interval(scale: Scale, found: Stat) -> str:
    """Write the 95 % interval of a mean."""
    if found.mean is None or found.std is None:
        return NONE
    half = t_quantile(found.n - 1) * found.std / math.sqrt(found.n)
    return f"{scale.value(found.mean - half)} to {scale.value(found.mean + half)}"


def _no_loss(claim: NoLoss, ours: Outcome, theirs: Outcome) -> Judged:
    recipe = claim.setting.recipe
    scale = Scale.of(recipe.metric)
    margin = Margin(100 * claim.margin, is_relative=recipe.is_lower_better)
    evidence = _weigh(ours, theirs, margin, recipe)
    unit = "%" if margin.is_relative else scale.unit
    judged = _judged(claim.says, f"at most {margin.value:g} {unit} lost", scale, evidence)
    if ours.diverged:
        return replace(judged, verdict=_not_so(ours.lost))
    if evidence is None:
        if not theirs.diverged:
            return judged
        says = f"undecided: {theirs.lost} of {claim.baseline.series} diverged"
        return replace(judged, verdict=Mark(says, "open"))
    says = "holds" if evidence.verdict == "within" else evidence.says
    says = says.replace("the baseline", claim.baseline.series)
    return replace(judged, verdict=Mark(says, _KINDS[evidence.verdict]))


def _order(claim: Order, outcomes: Outcomes) -> Judged:
    recipe = claim.better[0].recipe
    scale = Scale.of(recipe.metric)
    better, worse = (_averaged(side, outcomes) for side in (claim.better, claim.worse))
    # What diverged is judged below, and weighed by nobody.
    evidence = _weigh(Outcome(better.values), Outcome(worse.values), _AT_ALL, recipe)
    judged = _judged(claim.says, "better", scale, evidence)
    if better.diverged:
        return replace(judged, verdict=_not_so(better.lost))
    note = f", {worse.lost} of the worse diverged" if worse.diverged else ""
    if evidence is not None:
        said = {"within": "holds", "worse": "the contrary"}.get(evidence.verdict, evidence.says)
        return replace(judged, verdict=Mark(said + note, _KINDS[evidence.verdict]))
    if not worse.diverged or not better.values:
        return judged
    is_sure = not worse.values and min(len(worse.diverged), len(better.values)) > 1
    said, kind = ("holds", "good") if is_sure else ("undecided", "open")
    return replace(judged, verdict=Mark(said + note, kind))  # type: ignore[arg-type]


def _cost(claim: Cost, outcome: Outcome, *, quick: bool) -> Judged:
    paper = f"{'less' if claim.saves else 'no less'} than the product"
    judged = Judged(claim.says, paper, NONE, NONE, NOT_RUN)
    if outcome.cost is None:
        return judged
    judged = replace(judged, ours=f"{outcome.cost:.2f} of it")
    if quick:
        return replace(judged, verdict=SMALL)
    holds = (outcome.cost < 1) == claim.saves
    return replace(judged, verdict=Mark("holds", "good") if holds else Mark("the contrary", "bad"))


def _judged(says: str, paper: str, scale: Scale, evidence: Evidence | None) -> Judged:
    """Put a difference beside what the paper says, as not run."""
    if evidence is None:
        return Judged(says, paper, NONE, NONE, NOT_RUN)
    ours = f"{scale.difference(evidence.mean)} ({evidence.n})"
    return Judged(says, paper, ours, scale.interval(evidence.low, evidence.high), NOT_RUN)


def difference(setting: Setting, baseline: Setting, outcomes: Outcomes) -> Evidence | None:
    """Weigh a setting against its baseline, for a table that shows differences."""
    return _weigh(outcomes(setting), outcomes(baseline), _AT_ALL, setting.recipe)


def _weigh(ours: Outcome, theirs: Outcome, margin: Margin, recipe: Recipe) -> Evidence | None:
    return weigh(
        list(ours.values.items()),
        list(theirs.values.items()),
        margin,
        higher=not recipe.is_lower_better,
        lost=ours.lost,
        their_lost=theirs.lost,
    )


def _averaged(side: Sequence[Setting], outcomes: Outcomes) -> Outcome:
    """Average settings seed by seed, over the seeds that all of those run have.

    A seed with which one of them diverged is one that diverged.
    """
    run = [found for setting in side if (found := outcomes(setting)).lost.members]
    diverged = frozenset[int]().union(*(found.diverged for found in run))
    shared = set.intersection(*(set(found.values) for found in run)) if run else set()
    means = {s: math.fsum(f.values[s] for f in run) / len(run) for s in sorted(shared)}
    return Outcome(means, diverged)
