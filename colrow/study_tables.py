"""Tables of studies for the terminal."""

from collections.abc import Sequence

from rich.table import Table

from colrow.figures import count, number, share
from colrow.tables import table_of
from crs_core.events import Points
from crs_core.study.plan import StudyPlan


def study_plan_table(plan: StudyPlan) -> Table:
    """Show how many pairs each size of a study keeps and what one product costs."""
    table = table_of(">ratio", ">pairs", ">k", ">MACs exact", ">MACs planned", ">reduction")
    for size in plan.sizes:
        table.add_row(
            share(size.ratio), f"{plan.pairs:,}", f"{size.k:,}", count(plan.exact_macs),
            count(size.macs), share(1 - size.macs / plan.exact_macs),
        )  # fmt: skip
    return table


def study_table(told: Sequence[Points]) -> Table:
    """Show the errors of a study, a line per size."""
    table = table_of(
        ">ratio", ">k", ">Frobenius error", ">± draws", ">root mean square", ">expected", ">bound",
        ">spectral", ">element", ">MACs", ">s / exact",
    )  # fmt: skip
    for point in told:
        get = point.values.get
        time = point.values["product_seconds"] / point.values["exact_product_seconds"]
        table.add_row(
            share(point.epoch), f"{point.step:,}", number(get("frobenius_error")),
            number(get("frobenius_error_std")), number(get("rms_error")),
            number(get("expected_error")), number(get("error_bound")),
            number(get("spectral_error")), number(get("element_error")),
            count(point.values["macs"]), f"{time:.2f}",
        )  # fmt: skip
    table.caption = "s / exact: time of one product on this machine over that of the exact one"
    table.caption_justify = "left"
    return table
