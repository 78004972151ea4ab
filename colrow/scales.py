"""How a compared metric is written: accuracies in per cent, differences of them in points."""

from dataclasses import dataclass
from typing import Self

from colrow.figures import NONE, number
from crs_core.statistics import Stat


@dataclass(frozen=True)
class Scale:
    """One metric's way to be written."""

    title: str
    says: str
    """Which value of a job it is."""
    is_share: bool

    @classmethod
    def of(cls, metric: str) -> Self:
        """Give the scale of a metric by its name."""
        title = metric.removeprefix("best_").removeprefix("test_").replace("_", " ")
        best = "on the test set where validation was best"
        says = best if metric.startswith(("best_test_", "test_")) else f"the metric {metric}"
        return cls(title, says, metric.endswith(("accuracy", "reduction")))

    @property
    def unit(self) -> str:
        """Give what a difference is counted in."""
        return "points" if self.is_share else self.title

    def value(self, value: float | None) -> str:
        """Write one value."""
        if value is None:
            return NONE
        return f"{100 * value:.2f} %" if self.is_share else number(value)

    def difference(self, value: float | None) -> str:
        """Write a difference, with its sign."""
        if value is None:
            return NONE
        return f"{100 * value:+.2f}" if self.is_share else f"{value:+.3g}"

    def spread(self, spread: Stat) -> str:
        """Write mean ± standard deviation (n)."""
        mean, std = spread.mean, spread.std
        if mean is None:
            return f"{NONE} ({spread.n})"
        if self.is_share:
            middle = "" if std is None else f" ± {100 * std:.2f}"
            return f"{100 * mean:.2f}{middle} % ({spread.n})"
        return f"{number(mean)}{'' if std is None else f' ± {std:.2g}'} ({spread.n})"

    def interval(self, low: float | None, high: float | None) -> str:
        """Write the ends of the interval of a difference."""
        if low is None or high is None:
            return NONE
        return f"{self.difference(low)} to {self.difference(high)}"
