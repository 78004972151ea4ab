"""Are trained weights close to symmetric around zero? The paper says so in section 3.3.

It gives no number. Ours, stated: of a matrix, 45 to 55 % of the entries are positive. Skewness
stands beside it, since a few large entries move it much.
"""

from collections.abc import Sequence

from colrow.figures import share
from colrow.report import plots
from colrow.report.document import Block, Mark, Paragraph, Picture, Section, Table
from colrow.report.plots import Axis
from colrow.reproduction.parts import Setting
from colrow.reproduction.records import Weights
from colrow.reproduction.results import Results

LEAST, MOST = 0.45, 0.55


def is_symmetric(weights: Weights) -> bool:
    """Whether about as many entries are positive as negative."""
    return LEAST <= weights.positive <= MOST


def section(settings: Sequence[Setting], results: Results) -> Section | None:
    """Describe the weights of each setting's first seed; None where none are recorded."""
    rows, pictures = [], []
    for number, setting in enumerate(settings):
        record = results.succeeded(setting).get(0)
        found = record.weights if record is not None else ()
        for weights in found:
            verdict = Mark("symmetric", "good") if is_symmetric(weights) else Mark("not", "bad")
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
