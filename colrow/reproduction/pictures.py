"""The figures of a reproduction: against the ratio, learning curves, errors of a study."""

from collections.abc import Sequence
from dataclasses import replace

from colrow.answers import Curve
from colrow.report import plots
from colrow.report.averages import mean_line
from colrow.report.document import Picture
from colrow.report.plots import Axis, Level, Line
from colrow.report.study import ERROR_AXIS, above_rounding, errors_lines
from colrow.reproduction.parts import Experiment, Setting
from colrow.reproduction.results import Results
from colrow.scales import Scale
from crs_core.statistics import stat


def pictures(experiment: Experiment, results: Results) -> list[Picture]:
    """Draw what the experiment's figure is; nothing where there are no results yet."""
    match experiment.figure:
        case "none":
            found: list[Picture | None] = []
        case "ratios":
            found = [_ratios(experiment, results)]
        case "curves":
            found = [_curves(experiment, results)]
        case "errors":
            found = [_errors(*part, results) for part in _parts(experiment)]
        case "costs":
            found = [
                draw(*part, results) for part in _parts(experiment) for draw in (_errors, _costs)
            ]
    return [picture for picture in found if picture is not None]


def _parts(experiment: Experiment) -> list[tuple[str, str, list[Setting]]]:
    """Give for each recipe, which has axes of its own, a name, what it is, and its settings."""
    recipes = experiment.recipes
    if len(recipes) == 1:
        return [(experiment.name, "", list(experiment.settings))]
    return [
        (
            f"{experiment.name}-{number}",
            f", {recipe.name}",
            [s for s in experiment.settings if s.recipe.name == recipe.name],
        )
        for number, recipe in enumerate(recipes, start=1)
    ]


def _axis(scale: Scale) -> Axis:
    return Axis(f"{scale.title}, %", 100.0) if scale.is_share else Axis(scale.title)


def _ratios(experiment: Experiment, results: Results) -> Picture | None:
    by_series: dict[str, list[tuple[float, Setting]]] = {}
    level = None
    for setting in experiment.settings:
        found = stat(results.values(setting).values())
        if found.mean is None:
            continue
        if setting.ratio is not None:
            by_series.setdefault(setting.series, []).append((setting.ratio, setting))
        elif setting.series == "exact":
            std = found.std or 0.0
            level = Level("exact", found.mean, found.mean - std, found.mean + std)
    if not by_series:
        return None
    lines = [
        _line(series, sorted(points, key=lambda p: p[0]), results)
        for series, points in by_series.items()
    ]
    scale = Scale.of(experiment.settings[0].recipe.metric)
    x = Axis("share of pairs kept, %", 100)
    svg = plots.points(experiment.name, lines, x=x, y=_axis(scale), level=level)
    says = (
        f"{scale.title.capitalize()} against the share of pairs kept; bars and band are one "
        "standard deviation over seeds."
    )
    return Picture(experiment.name, svg, says)


def _line(series: str, points: list[tuple[float, Setting]], results: Results) -> Line:
    stats = [stat(results.values(setting).values()) for _, setting in points]
    means = [s.mean or 0.0 for s in stats]
    stds = [s.std or 0.0 for s in stats]
    return Line(
        series,
        tuple(ratio for ratio, _ in points),
        tuple(means),
        tuple(m - s for m, s in zip(means, stds, strict=True)),
        tuple(m + s for m, s in zip(means, stds, strict=True)),
    )


def _curves(experiment: Experiment, results: Results) -> Picture | None:
    metric = experiment.settings[0].recipe.metric.replace("best_test", "validation")
    found = [
        mean_line(experiment.name_of(s), results.curves(s, metric)) for s in experiment.settings
    ]
    lines = [line for line in found if line is not None and len(line.x) > 1]
    if not lines:
        return None
    scale = Scale.of(metric)
    svg = plots.curves(experiment.name, lines, x=Axis("optimizer step"), y=_axis(scale))
    says = f"{scale.title.capitalize()}, mean over seeds; bands are one standard deviation."
    return Picture(experiment.name, svg, says)


def _errors(
    name: str, of_what: str, settings: Sequence[Setting], results: Results
) -> Picture | None:
    methods: dict[str, list[str]] = {}
    by_metric: dict[str, list[Curve]] = {
        "frobenius_error": [], "error_bound": [], "zero_error": [],
    }  # fmt: skip
    for setting in settings:
        methods[setting.label] = [r.job for r in results.succeeded(setting).values()]
        for metric, curves in by_metric.items():
            curves += results.curves(setting, metric)
    lines = errors_lines(methods, by_metric)
    if not lines:
        return None
    svg = plots.points(name, lines, x=Axis("pairs kept, k"), y=ERROR_AXIS)
    says = (
        f"Mean Frobenius error of the approximate product{of_what}; beside it that of a result of "
        "zeros, and the bound of nps with replacement."
    )
    return Picture(name, svg, says)


def _costs(
    name: str, of_what: str, settings: Sequence[Setting], results: Results
) -> Picture | None:
    lines = []
    for setting in settings:
        line = mean_line(setting.label, results.curves(setting, "frobenius_error"))
        saved = mean_line(setting.label, results.curves(setting, "compute_reduction"))
        if line is not None and saved is not None and line.x == saved.x:
            costs = tuple(1 - value for value in saved.y)
            lines.append(above_rounding(replace(line, x=costs)))
    if not lines:
        return None
    x = Axis("multiply-accumulates over those of the product", is_logarithmic=True)
    svg = plots.points(f"{name}-costs", lines, x=x, y=ERROR_AXIS)
    says = (
        f"Mean Frobenius error against what a product costs with all that the method "
        f"needs{of_what}; 1 is the product itself."
    )
    return Picture(f"{name}-costs", svg, says)
