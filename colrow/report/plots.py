"""Figures as SVG, drawn by matplotlib: data in, text out, the same text for the same data.

matplotlib is imported when the first figure is drawn: it takes a second that no other command pays.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING, Any

from colrow.report.looks import DASHES, MARKS, SERIES, STAND_INS, themed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH, HEIGHT = 7.6, 4.4  # inches of 72 points


@dataclass(frozen=True)
class Line:
    """One series. Ends of the bars or of the band, where they are known."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float | None, ...] = ()
    high: tuple[float | None, ...] = ()


@dataclass(frozen=True)
class Level:
    """A level to measure against, with the band of its spread."""

    name: str
    y: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Axis:
    """What an axis says; `factor` 100 shows shares in per cent."""

    title: str
    factor: float = 1.0
    is_logarithmic: bool = False


def points(
    name: str, lines: Sequence[Line], *, x: Axis, y: Axis, level: Level | None = None
) -> str:
    """Draw points joined by lines, with bars for their spread, and the level behind them."""

    def draw(axes: "Axes") -> None:
        if level is not None:
            _level(axes, level, y)
        for number, line in enumerate(lines):
            look = _look(number, line)
            xs, ys = _scaled(line.x, x), _scaled(line.y, y)
            bars = _bars(line, y)
            axes.errorbar(xs, ys, yerr=bars, label=line.name, capsize=2.5, elinewidth=1, **look)

    return _figure(name, draw, x, y)


def curves(name: str, lines: Sequence[Line], *, x: Axis, y: Axis) -> str:
    """Draw curves, with a band for their spread."""

    def draw(axes: "Axes") -> None:
        for number, line in enumerate(lines):
            look = _look(number, line) | {"marker": "", "linewidth": 1.5}
            xs = _scaled(line.x, x)
            axes.plot(xs, _scaled(line.y, y), label=line.name, **look)
            if line.low and None not in line.low + line.high:
                low = _scaled([v for v in line.low if v is not None], y)
                high = _scaled([v for v in line.high if v is not None], y)
                axes.fill_between(xs, low, high, color=look["color"], alpha=0.15, linewidth=0)

    return _figure(name, draw, x, y)


def bars(name: str, edges: Sequence[float], counts: Sequence[float], *, x: Axis, y: Axis) -> str:
    """Draw a histogram: `counts` lie between neighbouring `edges`."""

    def draw(axes: "Axes") -> None:
        colour = STAND_INS[SERIES[0]]
        axes.stairs(_scaled(counts, y), _scaled(edges, x), fill=True, color=colour, alpha=0.8)
        axes.axvline(0, color=STAND_INS["muted"], linewidth=1, linestyle=":")

    return _figure(name, draw, x, y)


def _scaled(values: Sequence[float], axis: Axis) -> list[float]:
    return [axis.factor * value for value in values]


def _look(number: int, line: Line) -> dict[str, Any]:
    colour = "ink" if line.name == "exact" else SERIES[number % len(SERIES)]
    # Where colours begin anew, dash and mark are others.
    again = number // len(SERIES)
    return {
        "color": STAND_INS[colour],
        "linestyle": DASHES[(number + again) % len(DASHES)],
        "marker": MARKS[(number + 3 * again) % len(MARKS)],
        "markersize": 4.5,
        "linewidth": 1.2,
    }


def _bars(line: Line, axis: Axis) -> list[list[float]] | None:
    if not line.low:
        return None
    below = [0.0 if e is None else v - e for v, e in zip(line.y, line.low, strict=True)]
    above = [0.0 if e is None else e - v for v, e in zip(line.y, line.high, strict=True)]
    return [_scaled(below, axis), _scaled(above, axis)]


def _level(axes: "Axes", level: Level, y: Axis) -> None:
    colour = STAND_INS["ink"]
    if level.low is not None and level.high is not None:
        axes.axhspan(
            y.factor * level.low, y.factor * level.high, color=colour, alpha=0.08, linewidth=0
        )
    axes.axhline(y.factor * level.y, color=colour, linewidth=1, label=level.name)


def _figure(name: str, draw: Any, x: Axis, y: Axis) -> str:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    ink, muted, line = STAND_INS["ink"], STAND_INS["muted"], STAND_INS["line"]
    style: Any = {
        "svg.fonttype": "none", "svg.hashsalt": name, "font.family": "sans-serif",
        "font.size": 10, "text.color": ink, "axes.labelcolor": ink, "axes.edgecolor": muted,
        "xtick.color": muted, "ytick.color": muted, "axes.spines.top": False,
        "axes.spines.right": False, "axes.grid": True, "grid.color": line, "grid.linewidth": 0.7,
        "axes.axisbelow": True, "legend.frameon": False, "legend.fontsize": 9,
    }  # fmt: skip
    with mpl.rc_context(style):
        figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
        axes = figure.add_subplot()
        draw(axes)
        axes.set_xlabel(x.title)
        axes.set_ylabel(y.title)
        if x.is_logarithmic:
            axes.set_xscale("log")
        if y.is_logarithmic:
            axes.set_yscale("log")
        handles, _ = axes.get_legend_handles_labels()
        if handles:
            # Beside the picture, so that it covers nothing.
            figure.legend(loc="outside right upper")
        written = StringIO()
        figure.savefig(
            written, format="svg", transparent=True, metadata={"Date": None, "Creator": None}
        )
    return themed(_own_ids(written.getvalue(), name))


def _own_ids(svg: str, name: str) -> str:
    """Put the figure's name before every id, so that many figures can stand in one page."""
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'href="#', f'href="#{name}-', svg)
    svg = svg.replace("url(#", f"url(#{name}-")
    return re.sub(r'font-family: [^;"]*', "font-family: system-ui, sans-serif", svg)
