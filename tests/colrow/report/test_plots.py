"""Figures: the same data gives the same text, in colours that follow the reader's."""

import re
import xml.etree.ElementTree as ET

import pytest

from colrow.report import plots
from colrow.report.averages import mean_line
from colrow.report.looks import LIGHT, STAND_INS
from colrow.report.plots import Axis, Level, Line
from colrow.report.study import above_rounding, errors_lines

LINES = [
    Line("exact", (1.0, 2.0, 4.0), (0.90, 0.95, 0.97)),
    Line("topk", (1.0, 2.0, 4.0), (0.8, 0.9, 0.92), (0.7, None, 0.91), (0.9, None, 0.93)),
]
X, SHARE = Axis("pairs kept, %", 100), Axis("accuracy, %", 100)


def drawings() -> dict[str, str]:
    return {
        "points": plots.points("a", LINES, x=X, y=SHARE, level=Level("exact", 0.9, 0.8, 1.0)),
        "curves": plots.curves("b", LINES, x=Axis("step"), y=Axis("loss", is_logarithmic=True)),
        "bars": plots.bars("c", (-1, 0, 1, 2), (3, 5, 1), x=Axis("weight"), y=Axis("count")),
    }


@pytest.mark.parametrize("kind", ["points", "curves", "bars"])
def test_a_figure_is_whole_repeatable_and_without_colours_of_its_own(kind):
    svg = drawings()[kind]
    assert svg == drawings()[kind]
    assert ET.fromstring(svg).tag.endswith("svg")
    assert not re.findall(r"#[0-9a-f]{6}\b", svg)
    used = set(re.findall(r"var\(--(\w+)\)", svg))
    assert used <= set(LIGHT)
    assert {"ink", "muted", "line"} <= used
    assert "metadata" not in svg


def test_ids_of_two_figures_do_not_meet():
    found = [set(re.findall(r'\bid="([^"]+)"', svg)) for svg in drawings().values()]
    assert found[0]
    assert not found[0] & found[1]
    for svg in drawings().values():
        own = set(re.findall(r'\bid="([^"]+)"', svg))
        named = re.findall(r'href="#([^"]+)"', svg) + re.findall(r"url\(#([^)]+)\)", svg)
        assert named
        assert set(named) <= own


def test_names_and_numbers_are_text_that_can_be_searched():
    svg = drawings()["points"]
    for word in ("topk", "exact", "accuracy, %", "95"):
        assert f">{word}</text>" in svg


def test_exact_is_drawn_in_the_colour_of_text():
    alone = plots.curves("d", LINES[:1], x=X, y=SHARE)
    assert not re.findall(r"var\(--s\d\)", alone)
    assert re.findall(r"var\(--s\d\)", plots.curves("d", LINES, x=X, y=SHARE))


def test_stand_ins_are_told_apart():
    assert len(set(STAND_INS.values())) == len(LIGHT)


def curve(steps, values):
    return {
        "job": "j", "metric": "m", "steps": steps, "values": values, "non_finite": [],
        "of": len(steps), "reduced": False,
    }  # fmt: skip


def test_curves_are_averaged_over_the_steps_that_all_have():
    curves = [curve([10, 20, 30], [1.0, 2.0, 4.0]), curve([10, 30, 40], [3.0, 6.0, 9.0])]
    line = mean_line("topk", curves, per_epoch=10)
    assert (line.x, line.y) == ((1.0, 3.0), (2.0, 5.0))
    spread = 2**0.5
    assert line.low == pytest.approx((2 - spread, 5 - spread))
    assert line.high == pytest.approx((2 + spread, 5 + spread))


def test_one_curve_has_no_band_and_none_shared_no_line():
    alone = mean_line("a", [curve([1, 2], [0.5, None])])
    assert (alone.x, alone.y, alone.low) == ((1.0,), (0.5,), ())
    assert mean_line("a", [curve([1], [1.0]), curve([2], [1.0])]) is None


def test_no_two_of_many_lines_look_alike():
    looks = [plots._look(n, Line(str(n), (), ())) for n in range(24)]
    assert len({(k["color"], k["linestyle"], k["marker"]) for k in looks}) == len(looks)


def test_errors_of_rounding_alone_are_no_points_of_a_figure():
    line = Line("svd", (1.0, 2.0, 3.0), (0.2, 0.1, 1e-16), (0.1, 0.0, 0.0), (0.3, 0.2, 0.0))
    assert above_rounding(line) == Line("svd", (1.0, 2.0), (0.2, 0.1), (0.1, 0.0), (0.3, 0.2))


def test_errors_stand_beside_the_bound_and_a_result_of_zeros():
    def curves(metric, value):
        return [{"job": "j", "metric": metric, "steps": [1, 2], "values": [value, value]}]

    known = {m: curves(m, v) for m, v in (("frobenius_error", 0.1), ("zero_error", 0.5))}
    assert [line.name for line in errors_lines({"nps": ["j"]}, known)] == [
        "nps", "a result of zeros",
    ]  # fmt: skip
    known["error_bound"] = curves("error_bound", 0.9)
    assert [line.name for line in errors_lines({"nps": ["j"]}, known)][2] == "bound 1/√k"
