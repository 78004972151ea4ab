"""Are trained weights close to symmetric around zero? The paper says so in section 3.3.

It gives no number. Ours, stated: of a matrix, 45 to 55 % of the entries are positive. Skewness
stands beside it, since a few large entries move it much.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from colrow.answers import JobItem
from colrow.figures import share
from colrow.report import plots
from colrow.report.document import Block, Mark, Paragraph, Picture, Section, Table
from colrow.report.plots import Axis
from colrow.reproduction.parts import Setting
from colrow.reproduction.results import Results

LEAST, MOST = 0.45, 0.55


@dataclass(frozen=True)
class Weights:
    """The entries of one trained matrix or kernel, as numbers about them."""

    name: str
    count: int
    mean: float
    std: float
    skewness: float
    positive: float
    """Share of the entries above zero."""
    edges: tuple[float, ...]
    counts: tuple[float, ...]
    """Of the histogram: entries between neighbouring edges, as shares."""

    @property
    def is_symmetric(self) -> bool:
        """Whether about as many entries are positive as negative."""
        return LEAST <= self.positive <= MOST


Reader = Callable[[JobItem], Sequence[Weights]]
"""Gives the weights of a job; none where its checkpoint cannot be reached."""


def section(settings: Sequence[Setting], results: Results, read: Reader) -> Section | None:
    """Describe the weights of each setting's first seed; None where none can be read."""
    rows, pictures = [], []
    for number, setting in enumerate(settings):
        job = results.succeeded(setting).get(0)
        found = read(job) if job is not None else ()
        for weights in found:
            verdict = Mark("symmetric", "good") if weights.is_symmetric else Mark("not", "bad")
            rows.append(
                (
                    f"{setting.recipe.name}: {weights.name}",
                    f"{weights.count:,}",
                    f"{weights.mean:+.4f}",
                    f"{weights.std:.4f}",
                    share(weights.positive),
                    f"{weights.skewness:+.2f}",
                    verdict,
                )
            )
        if found:
            largest = max(found, key=lambda w: w.count)
            svg = plots.bars(
                f"weights-{number + 1}",
                largest.edges,
                largest.counts,
                x=Axis(f"entries of {largest.name}"),
                y=Axis("share, %", 100),
            )
            says = f"Weights of {largest.name}, {setting.recipe.name}, exact, after training."
            pictures.append(Picture(f"weights-{number + 1}", svg, says))
    if not rows:
        return None
    columns = (
        "weight", ">entries", ">mean", ">deviation", ">positive", ">skewness",
        "45 to 55 % positive",
    )  # fmt: skip
    blocks: list[Block] = [
        Paragraph(
            "The paper observes that weights are close to symmetric around zero, and gives no "
            "number. Exact training, seed 0, from the last checkpoint."
        ),
        *pictures,
        Table(columns, tuple(rows)),
    ]
    return Section("Symmetry of trained weights", tuple(blocks))
