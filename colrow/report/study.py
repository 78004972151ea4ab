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
    curves = client.curves(ids, metrics=[*ERRORS, "error_bound", "zero_error"])
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


ROUNDING = 1e-9
"""Errors of rounding alone are below, those of an approximation above."""
ERROR_AXIS = Axis("error relative to ‖A‖‖B‖", is_logarithmic=True)


def errors_lines(
    methods: Mapping[str, Sequence[str]], by_metric: Mapping[str, Sequence[Curve]]
) -> list[Line]:
    """Make a line for each method, one of a result of zeros, and one of the bound, where known."""
    lines = []
    for label, jobs in methods.items():
        line = mean_line(label, _of(by_metric, "frobenius_error", jobs))
        if line is not None:
            lines.append(above_rounding(line))
    for name, metric in (("a result of zeros", "zero_error"), ("bound 1/√k", "error_bound")):
        known = (mean_line(name, _of(by_metric, metric, jobs)) for jobs in methods.values())
        found = next((line for line in known if line is not None), None)
        if found is not None:
            lines.append(Line(found.name, found.x, found.y))  # alike for every seed: no bars
    return lines


def above_rounding(line: Line) -> Line:
    """Leave out points at which nothing is approximated: rounding would stretch the axis."""
    kept = [i for i, value in enumerate(line.y) if value > ROUNDING]
    low, high = (tuple(ends[i] for i in kept) if ends else () for ends in (line.low, line.high))
    return Line(
        line.name, tuple(line.x[i] for i in kept), tuple(line.y[i] for i in kept), low, high
    )


def _of(by_metric: Mapping[str, Sequence[Curve]], metric: str, jobs: Sequence[str]) -> list[Curve]:
    return [curve for curve in by_metric.get(metric, ()) if curve["job"] in jobs]


def _mean(curves: Sequence[Curve]) -> str:
    found = [value for curve in curves for value in curve["values"] if value is not None]
    return number(math.fsum(found) / len(found)) if found else NONE
