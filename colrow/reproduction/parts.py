"""What a reproduction consists of: recipes, settings, claims, experiments. Data alone.

The paper is Adelman & Silberstein 2018. A *recipe* is a network and how it is trained, at full
length and in a small version (`quick`); a *setting* is a recipe with rules, trained with some
seeds; an *experiment* is a table or figure: settings, and claims about them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from crs_core.events import METRICS

Rules = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Recipe:
    """A network and how it is trained. The small version ends within seconds and proves nothing."""

    name: str
    full: Mapping[str, Any]
    quick: Mapping[str, Any]
    metric: str = "best_test_accuracy"

    @property
    def is_lower_better(self) -> bool:
        """Whether the metric is better when it is lower."""
        return METRICS[self.metric].better == "lower"

    @property
    def is_study(self) -> bool:
        """Whether nothing is trained: the errors of single products are measured."""
        return "kind" in self.full


@dataclass(frozen=True)
class Setting:
    """One line of a table or one point of a figure: a recipe and rules, with seeds 0, 1, 2, …"""

    recipe: Recipe
    series: str
    """What is told apart by lines of a figure: the policy with its choices."""
    rules: Rules = ()
    changes: Mapping[str, Any] = field(default_factory=dict)
    """What else it sets in the recipe's spec, by the names of its parts."""
    ratio: float | None = None
    """The place on the figure's axis; None off it."""
    seeds: int = 3
    quick_seeds: int = 2
    """0: not part of the small version."""

    @property
    def label(self) -> str:
        """Name it for a table."""
        return self.series if self.ratio is None else f"{self.series} {100 * self.ratio:g} %"

    def count(self, *, quick: bool, seeds: int | None) -> int:
        """Say how many seeds are run, at most `seeds` of them."""
        own = self.quick_seeds if quick else self.seeds
        return own if seeds is None else min(own, seeds)

    def spec(self, seed: int, *, quick: bool) -> dict[str, Any]:
        """Give the spec of one job."""
        base = self.recipe.quick if quick else self.recipe.full
        rules = {} if self.recipe.is_study else {"approximation": [dict(r) for r in self.rules]}
        return {**base, **rules, **self.changes, "seed": seed}


@dataclass(frozen=True)
class Number:
    """The paper gives a number: our mean is to be within `tolerance` of it."""

    says: str
    setting: Setting
    value: float
    tolerance: float

    @property
    def settings(self) -> tuple[Setting, ...]:
        """Give what it is about."""
        return (self.setting,)


@dataclass(frozen=True)
class NoLoss:
    """The paper says that nothing (or nearly nothing) is lost: non-inferiority at `margin`.

    `margin` is a share of accuracy (0.002 is 0.2 points), or of the baseline's perplexity.
    """

    says: str
    setting: Setting
    baseline: Setting
    margin: float

    @property
    def settings(self) -> tuple[Setting, ...]:
        """Give what it is about."""
        return self.setting, self.baseline


@dataclass(frozen=True)
class Order:
    """The paper says that one is better: the 95 % interval of the difference excludes the contrary.

    Each side is averaged over its settings, seed by seed, over the seeds that all have.
    """

    says: str
    better: tuple[Setting, ...]
    worse: tuple[Setting, ...]

    @property
    def settings(self) -> tuple[Setting, ...]:
        """Give what it is about."""
        return self.better + self.worse


@dataclass(frozen=True)
class Cost:
    """The paper says that a method saves multiply-accumulates, or that it does not.

    Judged is a study at half of the pairs, with all that the method needs beforehand.
    """

    says: str
    setting: Setting
    saves: bool

    @property
    def settings(self) -> tuple[Setting, ...]:
        """Give what it is about."""
        return (self.setting,)


Claim = Number | NoLoss | Order | Cost


@dataclass(frozen=True)
class Experiment:
    """A table or figure of the paper, what it reports in a sentence, or a question of ours."""

    name: str
    title: str
    about: str
    """What is run, and how it differs from the paper."""
    settings: tuple[Setting, ...]
    claims: tuple[Claim, ...] = ()
    figure: Literal["none", "ratios", "curves", "errors", "costs"] = "none"
    """`costs` are `errors`, and errors against cost."""
    priority: int = 0
    """Of its jobs; higher starts earlier."""
    needs_gpu: bool = False
    """Whether it takes days without one: then it is run only when it is named."""
    of_paper: bool = True
    """Whether what it claims is the paper's; else it is ours."""

    @property
    def recipes(self) -> tuple[Recipe, ...]:
        """Give the recipes of its settings, each once."""
        return tuple({s.recipe.name: s.recipe for s in self.settings}.values())

    def name_of(self, setting: Setting) -> str:
        """Name one of its settings, with the recipe where there are several."""
        is_only = len(self.recipes) == 1
        return setting.label if is_only else f"{setting.recipe.name}: {setting.label}"
