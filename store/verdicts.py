"""How a metric is judged: at which margin, and which direction of it is better."""

from dataclasses import dataclass
from typing import Self

from crs_core.events import METRICS
from crs_core.evidence import Evidence, Lost, Margin, weigh
from crs_core.statistics import Seeded
from store.errors import BadQuery

MARGIN_POINTS = 0.2
"""Of a share, as accuracy is: the margin if none is given."""
MARGIN_PERCENT = 1.0
"""Of the baseline's mean, for every other metric, as perplexity."""


@dataclass(frozen=True)
class Judgement:
    """The way in which one metric is judged."""

    metric: str
    margin: Margin

    @classmethod
    def of(cls, metric: str, margin: float | None) -> Self:
        """Judge at this margin in per cent, or at the metric's own. Raises BadQuery."""
        is_relative = not metric.endswith(("accuracy", "reduction"))
        if margin is None:
            own = MARGIN_PERCENT if is_relative else MARGIN_POINTS
            return cls(metric, Margin(own, is_relative))
        if not 0 < margin <= 100:
            raise BadQuery(
                "a margin says how much worse than exact still counts as no loss, in per cent: "
                f"above 0 and at most 100; got {margin:g}"
            )
        return cls(metric, Margin(margin, is_relative))

    def weigh(self, ours: Seeded, theirs: Seeded, lost: Lost, their_lost: Lost) -> Evidence | None:
        """Weigh a group against its baseline, where a direction of the metric is better."""
        better = METRICS[self.metric].better
        if better == "none":
            return None
        return weigh(
            ours,
            theirs,
            self.margin,
            higher=better == "higher",
            lost=lost,
            their_lost=their_lost,
        )
