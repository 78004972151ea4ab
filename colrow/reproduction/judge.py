"""Set ours beside the paper's: a verdict for each claim. Pure.

Values are per setting and seed, of jobs that succeeded. Differences are taken seed by seed, since
jobs of one seed share initial weights and data order; the interval is that of `crs_core.evidence`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from colrow.figures import NONE
from colrow.report.document import Mark
from colrow.reproduction.parts import Claim, NoLoss, Number, Order, Recipe, Setting
from colrow.scales import Scale
from crs_core.evidence import Evidence, Margin, t_quantile, weigh
from crs_core.statistics import Stat, stat

Values = Callable[[Setting], Mapping[int, float]]
"""Gives the values of a setting by seed."""

_AT_ALL = Margin(0.0, is_relative=False)
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


def judge(claim: Claim, values: Values, *, quick: bool) -> Judged:
    """Judge one claim."""
    match claim:
        case Number():
            return _number(claim, values, quick=quick)
        case NoLoss():
            return _no_loss(claim, values)
        case Order():
            return _order(claim, values)


def _number(claim: Number, values: Values, *, quick: bool) -> Judged:
    scale = Scale.of(claim.setting.recipe.metric)
    found = stat(values(claim.setting).values())
    paper = scale.value(claim.value)
    if found.mean is None:
        return Judged(claim.says, paper, NONE, NONE, NOT_RUN)
    ours, ends = scale.spread(found), mean_interval(scale, found)
    away = found.mean - claim.value
    if quick:
        return Judged(claim.says, paper, ours, ends, SMALL)
    allowed = scale.difference(claim.tolerance).lstrip("+")
    if abs(away) <= claim.tolerance:
        return Judged(claim.says, paper, ours, ends, Mark(f"within {allowed} {scale.unit}", "good"))
    is_worse = (away > 0) == claim.setting.recipe.is_lower_better
    text = f"{scale.difference(away)} {scale.unit}, {'worse' if is_worse else 'better'}"
    return Judged(claim.says, paper, ours, ends, Mark(text, "bad" if is_worse else "open"))


def mean_interval(scale: Scale, found: Stat) -> str:
    """Write the 95 % interval of a mean."""
    if found.mean is None or found.std is None:
        return NONE
    half = t_quantile(found.n - 1) * found.std / math.sqrt(found.n)
    return f"{scale.value(found.mean - half)} to {scale.value(found.mean + half)}"


def _no_loss(claim: NoLoss, values: Values) -> Judged:
    recipe = claim.setting.recipe
    scale = Scale.of(recipe.metric)
    margin = Margin(100 * claim.margin, is_relative=recipe.is_lower_better)
    evidence = _weigh(values(claim.setting), values(claim.baseline), margin, recipe)
    unit = f"% of {claim.baseline.series}" if margin.is_relative else scale.unit
    paper = f"at most {margin.value:g} {unit} lost"
    if evidence is None:
        return Judged(claim.says, paper, NONE, NONE, NOT_RUN)
    kinds = {"within": "good", "worse": "bad", "undecided": "open"}
    says = "holds" if evidence.verdict == "within" else evidence.says
    return Judged(
        claim.says,
        paper,
        f"{scale.difference(evidence.mean)} ({evidence.n})",
        scale.interval(evidence.low, evidence.high),
        Mark(says, kinds[evidence.verdict]),  # type: ignore[arg-type]
    )


def _order(claim: Order, values: Values) -> Judged:
    recipe = claim.better[0].recipe
    scale = Scale.of(recipe.metric)
    better, worse = (_averaged(side, values) for side in (claim.better, claim.worse))
    evidence = _weigh(better, worse, _AT_ALL, recipe)
    if evidence is None:
        return Judged(claim.says, "better", NONE, NONE, NOT_RUN)
    said: dict[str, Mark] = {
        "within": Mark("holds", "good"),
        "worse": Mark("the contrary", "bad"),
        "undecided": Mark(evidence.says, "open"),
    }
    ours = f"{scale.difference(evidence.mean)} ({evidence.n})"
    ends = scale.interval(evidence.low, evidence.high)
    return Judged(claim.says, "better", ours, ends, said[evidence.verdict])


def difference(setting: Setting, baseline: Setting, values: Values) -> Evidence | None:
    """Weigh a setting against its baseline, for a table that shows differences."""
    recipe = setting.recipe
    return _weigh(values(setting), values(baseline), _AT_ALL, recipe)


def _weigh(
    ours: Mapping[int, float], theirs: Mapping[int, float], margin: Margin, recipe: Recipe
) -> Evidence | None:
    higher = not recipe.is_lower_better
    return weigh(list(ours.items()), list(theirs.items()), margin, higher=higher)


def _averaged(side: Sequence[Setting], values: Values) -> dict[int, float]:
    """Average settings seed by seed, over the seeds that all of those run have."""
    run = [found for setting in side if (found := values(setting))]
    shared = set.intersection(*(set(found) for found in run)) if run else set()
    return {seed: math.fsum(f[seed] for f in run) / len(run) for seed in sorted(shared)}
