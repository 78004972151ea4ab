"""Curves are zoomed together, go back together, and stay where the reader put them."""

import time

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.web.bench import Bench
from tests.web.browser import Visit

pytestmark = [pytest.mark.system, pytest.mark.needs("chromium")]


def settled(panel: Locator, other_than: str = "") -> str:
    """Give a panel's picture once it is another one and stays the same: it is painted later."""
    before, end_s = "", time.monotonic() + 20
    while time.monotonic() < end_s:
        panel.page.wait_for_timeout(150)
        now: str = panel.locator("canvas").first.evaluate("canvas => canvas.toDataURL()")
        if now == before != other_than:
            return now
        before = now
    raise AssertionError("the picture is the old one, or does not come to rest")


def zoom(page: Page, panel: Locator) -> None:
    """Turn the wheel over the left half of a chart."""
    box = panel.locator("canvas").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.5 * box["height"])
    page.keyboard.down("Control")
    for _ in range(6):
        page.mouse.wheel(0, -120)
    page.keyboard.up("Control")
    page.mouse.move(0, 0)  # no crosshair in the picture


def test_a_zoom_is_shared_outlives_what_comes_in_and_ends_with_a_double_click(
    visit: Visit, bench: Bench
) -> None:
    bench.job("zoomed")
    claim = bench.start(200)
    for step in range(1, 101):
        bench.step(claim, step, train_loss=1 + step % 7, validation_loss=2 + step % 5)
    page = visit.open("/curves")
    loss = page.get_by_role("region", name="Training loss")
    other = page.get_by_role("region", name="Validation loss")
    whole = settled(loss), settled(other)
    zoom(page, loss)
    near = settled(loss, whole[0]), settled(other, whole[1])
    bench.step(claim, 120, train_loss=3.0, validation_loss=3.0)
    step = page.get_by_role("row").filter(has_text="topk").get_by_role("cell").nth(2)
    expect(step).to_have_text("120")
    assert (settled(loss), settled(other)) == near
    canvas = loss.locator("canvas").first
    canvas.dblclick(position={"x": 100, "y": 60})
    page.mouse.move(0, 0)
    settled(loss, near[0])
    settled(other, near[1])
