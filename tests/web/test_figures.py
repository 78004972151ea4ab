"""Figures that are saved: light whatever the theme, with title and filter, and their numbers."""

import csv
import io
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.web.bench import Bench
from tests.web.browser import Visit, visiting

pytestmark = [pytest.mark.system, pytest.mark.needs("chromium")]
SVG = "{http://www.w3.org/2000/svg}"
DARK_INK = "#eceef1"


@pytest.fixture
def dark(browser: Browser, trained: Bench) -> Iterator[Page]:
    with visiting(browser, trained.api.url, color_scheme="dark") as visit:
        yield visit.page
        assert visit.complaints() == []


def take(page: Page, menu: Locator, kind: str) -> Path:
    """Take a figure away by its menu."""
    menu.click()
    with page.expect_download() as begun:
        page.get_by_role("button", name=re.compile(f"^{kind} ")).click()
    assert begun.value.suggested_filename.endswith(f".{kind.lower()}")
    expect(menu).to_be_focused()
    return Path(begun.value.path())


def words(svg: str) -> str:
    tree = ElementTree.fromstring(svg)
    return "\n".join("".join(text.itertext()) for text in tree.iter(f"{SVG}text"))


def test_compare_is_taken_as_svg_png_and_csv(dark: Page, trained: Bench) -> None:
    dark.goto(f"{trained.api.url}/compare")
    menu = dark.get_by_role("button", name="Save the figure Test accuracy")
    svg = take(dark, menu, "SVG").read_text()
    said = words(svg)
    assert "Test accuracy against compute reduction, performed" in said
    assert "four policies: mlp on digits" in said
    assert "bars: 95 % interval" in said
    for policy in ("exact", "topk", "nps", "uniform", "Pareto front"):
        assert policy in said
    assert "#0068ad" in svg  # the light theme's colour of topk
    assert DARK_INK not in svg
    assert "var(" not in svg
    sizes = [float(n) for n in re.findall(r"font-size[=:]\s*\"?([\d.]+)", svg)]
    assert sizes
    assert min(sizes) >= 11

    root = ElementTree.fromstring(svg)
    png = take(dark, menu, "PNG").read_bytes()
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    wide, high = struct.unpack(">II", png[16:24])
    assert wide == 3 * int(root.attrib["width"])
    assert high == round(3 * float(root.attrib["height"]))

    rows = list(csv.DictReader(io.StringIO(take(dark, menu, "CSV").read_text())))
    assert len(rows) == 7
    (topk,) = [row for row in rows if row["policy"] == "topk" and row["ratio"] == "0.5"]
    assert float(topk["best_test_accuracy"]) == pytest.approx(0.979, abs=1e-4)
    assert float(topk["compute_reduction"]) == pytest.approx(0.5)
    assert topk["jobs"] == "3"


def test_curves_are_taken_with_every_point_behind_them(visit: Visit, bench: Bench) -> None:
    job = bench.job("long")
    bench.train(steps=1000)
    page = visit.open("/curves")
    panel = page.get_by_role("region", name="Training loss")
    menu = panel.get_by_role("button", name="Save the figure Training loss over steps")
    said = words(take(page, menu, "SVG").read_text())
    assert "Training loss over steps" in said
    assert "1 job, 1 group" in said
    assert "minimum and maximum of long curves kept" in said
    assert "topk 50" in said
    rows = list(csv.DictReader(io.StringIO(take(page, menu, "CSV").read_text())))
    assert len(rows) == 1000
    assert rows[-1] | {"line": ""} == {
        "line": "", "job": job, "step": "1000", "epoch": "50", "seconds": "2.5",
        "train_loss": "0.002",
    }  # fmt: skip


def test_a_study_is_taken_with_bound_and_expectation(visit: Visit, bench: Bench) -> None:
    bench.study()
    page = visit.open("/study")
    menu = page.get_by_role("button", name="Save the figure Frobenius error")
    said = words(take(page, menu, "SVG").read_text())
    assert "100 × 80 · 80 × 60, normal(0,1) entries" in said
    assert "bound of norm-proportional sampling" in said
    rows = list(csv.DictReader(io.StringIO(take(page, menu, "CSV").read_text())))
    kinds = {row["kind"] for row in rows}
    assert kinds == {"measured", "expected", "bound"}
    assert len([row for row in rows if row["kind"] == "measured"]) == 30


def test_the_menu_is_used_by_keys_alone(look: Visit) -> None:
    page = look.open("/compare")
    menu = page.get_by_role("button", name="Save the figure Test accuracy")
    menu.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name=re.compile("^SVG "))).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("button", name=re.compile("^CSV "))).to_be_focused()
    page.keyboard.press("Escape")
    expect(menu).to_be_focused()
    expect(menu).to_have_attribute("aria-expanded", "false")
    expect(page.get_by_role("button", name=re.compile("^SVG "))).to_have_count(0)
