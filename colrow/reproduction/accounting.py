"""The paper's compute reductions beside what its definition gives, planned without a step.

The definition is that of the paper's section 3.3: multiply-accumulates of matrix products and
convolutions, forward and backward, the gradient to the network's input not counted.
"""

from dataclasses import dataclass

from colrow.figures import count, share
from colrow.report.document import Paragraph, Section, Table
from crs_core.cost import plan_cost
from crs_core.presets import PRESETS
from crs_core.spec import parse_spec


@dataclass(frozen=True)
class Row:
    """A line of the paper: which preset it is, and what the paper says it saves."""

    preset: str
    paper: str


ROWS = (
    Row("mlp-topk40-backward5", "79 %, 80 %"),
    Row("mlp-topk40", "60 %"),
    Row("mlp-meprop", "55 %"),
    Row("cnn-topk40-backward20", "77 %, 78 %"),
    Row("cnn-topk30", "about 68 %"),
)


def section() -> Section:
    """Plan every row and set it beside the paper's figure."""
    rows = []
    for row in ROWS:
        preset = PRESETS[row.preset]
        cost = plan_cost(parse_spec(preset.spec))
        rows.append(
            (
                preset.title,
                row.paper,
                share(cost.reduction),
                count(cost.exact_macs),
                count(cost.planned_macs),
            )
        )
    columns = ("row", ">paper", ">the definition gives", ">MACs exact", ">MACs planned")
    return Section(
        "Compute reduction, planned",
        (
            Paragraph(
                "From the specs alone, without running a step. MACs are those of the whole "
                "training. With 30 % of the CNN's channels the nominal ratio would give 67.9 %; 10 "
                "of 32 channels are kept."
            ),
            Table(columns, tuple(rows)),
        ),
    )
