"""The report of studies: error of approximate products against the pairs kept, with the bound."""

import math
from collections.abc import Mapping, Sequence

from colrow.answers import Curve
from colrow.client import Client
from colrow.figures import NONE, number
from colrow.report import plots
from colrow.report.averages import mean_line
from colrow.report.document import Block, Paragraph, Picture, Table
from colrow.report.plots import Axis, Line

ERRORS = {
    "frobenius_error": "Frobenius",
    "spectral_error": "spectral",
    "element_error": "per element",
    "rms_error": "root mean square",
    "expected_error": "its exact expectation",
}
"""The metrics of the table, and their titles."""


def blocks(client: Client, methods: Mapping[str, Sequence[str]]) -> list[Block]:
    """Draw and list the errors of methods, given the jobs of each by its label."""
    ids = [each for jobs in methods.values() for each in jobs]
    curves = client.curves(ids, metrics=[*ERRORS, "error_bound"])
    by_metric: dict[str, list[Curve]] = {}
    for curve in curves:
        by_metric.setdefault(curve["metric"], []).append(curve)
    lines = errors_lines(methods, by_metric)
    svg = plots.points("errors", lines, x=Axis("pairs kept, k"), y=ERROR_AXIS)
    rows = tuple(
        (label, *(_mean(_of(by_metric, metric, jobs)) for metric in ERRORS))
        for label, jobs in methods.items()
    )
    return [
        Picture("errors", svg, "Mean Frobenius error against the pairs kept, over the draws."),
        Table(
            ("method", *(f">{title}" for title in ERRORS.values())),
            rows,
            "Relative errors, averaged over the ratios and seeds of each method.",
        ),
        Paragraph(
            "The bound 1/√k and the exact expectation are known for nps with replacement, scaled."
        ),
    ]


ERROR_AXIS = Axis("error relative to ‖A‖‖B‖", is_logarithmic=True)


def errors_lines(
    methods: Mapping[str, Sequence[str]], by_metric: Mapping[str, Sequence[Curve]]
) -> list[Line]:
    """Make a line for each method, and one for the bound where a method has one."""
    lines = []
    for label, jobs in methods.items():
        line = mean_line(label, _of(by_metric, "frobenius_error", jobs))
        if line is not None:
            lines.append(line)
    for jobs in methods.values():
        bound = mean_line("bound 1/√k", _of(by_metric, "error_bound", jobs))
        if bound is not None:
            # It is the same for every seed: no bars.
            return [*lines, Line(bound.name, bound.x, bound.y)]
    return lines


def _of(by_metric: Mapping[str, Sequence[Curve]], metric: str, jobs: Sequence[str]) -> list[Curve]:
    return [curve for curve in by_metric.get(metric, ()) if curve["job"] in jobs]


def _mean(curves: Sequence[Curve]) -> str:
    found = [value for curve in curves for value in curve["values"] if value is not None]
    return number(math.fsum(found) / len(found)) if found else NONE
