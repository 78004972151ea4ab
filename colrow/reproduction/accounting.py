"""The paper's compute reductions beside what its definition gives, planned without a step.

The definition is that of the paper's section 3.3: multiply-accumulates of matrix products and
convolutions, forward and backward, the gradient to the network's input not counted.
"""

from dataclasses import dataclass

from colrow.figures import count, share
from colrow.report.document import Paragraph, Section, Table
from colrow.reproduction import images, mnist, texts
from colrow.reproduction.parts import Experiment, Setting
from crs_core.cost import plan_cost
from crs_core.spec import parse_spec


@dataclass(frozen=True)
class Row:
    """A line of the paper: its setting, and what the paper says it saves."""

    setting: Setting
    paper: str


def _of(experiment: Experiment, series: str) -> Setting:
    return next(s for s in experiment.settings if s.series == series)


ROWS = (
    Row(mnist.MLP_TABLE2, "79 %, 80 %"),
    Row(mnist.MLP_TOPK40, "60 %"),
    Row(mnist.MLP_MEPROP, "55 %"),
    Row(mnist.CNN_TABLE2, "77 %, 78 %"),
    Row(mnist.CNN_TOPK30, "about 68 %"),
    Row(_of(texts.LSTM_FULL, "output matrix 50 %"), "24 %"),
    Row(_of(images.FIGURE2C, "topk 50 %"), "50 %"),
    Row(_of(images.FIGURE2C, "topk 50 % of the larger filters"), "33 %"),
)
"""Every compute reduction that the paper gives."""


def section() -> Section:
    """Plan every row and set it beside the paper's figure."""
    rows = []
    for row in ROWS:
        setting = row.setting
        cost = plan_cost(parse_spec(setting.spec(0, quick=False)))
        rows.append(
            (
                f"{setting.recipe.name}: {setting.label}",
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
