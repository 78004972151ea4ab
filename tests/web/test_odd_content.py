"""What looks odd and is none the worse for it: names of all kinds, no numbers, nothing at all."""

import math
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from store.attempts import Outcome
from tests.web.bench import BASE, Bench, rule
from tests.web.browser import Visit, visiting
from tests.web.conftest import served
from tests.web.test_figures import take, words

pytestmark = [pytest.mark.system, pytest.mark.needs("chromium")]

NAMES = {
    "long": ("a name of two hundred characters that goes on and on " * 4)[:200],
    "one word": "x" * 200,
    "Hebrew": "שם ארוך מאוד בעברית (1)",
    "Japanese": "実験 その一",
    "markup": "<img src=x onerror=\"document.title = 1\"><b>bold</b> & 'quoted'",
    "controls": "bell\x07 escape\x1b turned \u202eround",
    "family": "👩‍🔬👩‍🔬 of emoji",
}
PAGES = ("compare", "curves", "table", "layers", "diff", "study", "queue", "workers", "new")


@pytest.fixture(scope="module")
def nothing(_empty_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A service without a job, for tests that only look."""
    yield from served(_empty_database, tmp_path_factory.mktemp("nothing"))


@pytest.fixture(scope="module")
def named(_empty_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A service with a job and a sweep of each name."""
    for bench in served(_empty_database, tmp_path_factory.mktemp("named")):
        for seed, name in enumerate(NAMES.values()):
            body = {"spec": BASE | {"approximation": rule("topk", 0.5), "seed": seed}}
            bench.api.post("/jobs", body | {"name": name, "tags": [name[:100]]})
            bench.train()
            bench.api.post("/sweeps", {"name": name, "base": BASE, "axes": {"seed": [seed]}})
            bench.train()
        yield bench


def fits(page: Page) -> None:
    """Expect nothing to reach out of the page sideways."""
    over = page.evaluate(
        "['html', 'main', '.jobs'].map(at => document.querySelector(at))"
        ".map(at => at.scrollWidth - at.clientWidth)"
    )
    assert max(over) <= 0, over


@pytest.mark.parametrize("name", PAGES)
def test_a_page_without_a_job_says_what_to_do(nothing: Bench, browser: Browser, name: str) -> None:
    with visiting(browser, nothing.api.url) as visit:
        page = visit.open(f"/{name}")
        expect(page.locator("main").locator("h1, h2").first).to_be_visible()
        expect(page.locator(".failure")).to_have_count(0)
        expect(
            page.locator("main").get_by_role("link").or_(page.locator("form")).first
        ).to_be_visible()
        fits(page)


@pytest.mark.parametrize("kind", NAMES)
def test_a_name_is_shown_as_it_is_and_disturbs_nothing(
    named: Bench, browser: Browser, kind: str
) -> None:
    name = NAMES[kind]
    with visiting(browser, named.api.url) as visit:
        page = visit.open("/table?view=flat")
        row = page.locator(".grid tbody tr").filter(has_text=name).first
        expect(row).to_be_visible()
        fits(page)
        row.get_by_role("link").click()
        # Isolated, so that what is written from right to left turns nothing else round.
        expect(page.locator(".over bdi")).to_have_text(name)
        expect(page.locator(".over")).to_contain_text("· mlp on digits · seed")
        expect(page.locator("bdi.tag")).to_have_text(name[:100])
        fits(page)
        page.get_by_role("link", name="Clone").click()
        expect(page.get_by_role("region", name="Against the original")).to_contain_text(name)
        fits(page)
        option = page.locator("#sweep option").filter(has_text=name)
        expect(option).to_have_text(re.compile("^\u2068?" + re.escape(name) + "\u2069? · "))
        sweep = option.get_attribute("value")
        page = visit.open(f"/compare?sweep={sweep}")
        expect(page.locator(".over bdi")).to_have_text(name)
        fits(page)
        menu = page.get_by_role("button", name="Save the figure Test accuracy")
        said = words(take(page, menu, "SVG").read_text())  # it is XML
        assert re.sub(r"[\x00-\x1f\ufffd]", "", name)[:20] in re.sub(r"[\n\ufffd]", "", said)
        assert page.title() == "Compare · Colrow"
        assert page.locator("img").count() == 0


@pytest.mark.parametrize("path", ["/jobs/%E0%A4%A", "/jobs/", "/%00"])
def test_an_address_that_is_none_leads_on(look: Visit, path: str) -> None:
    look.may_fail = True
    page = look.open(path)
    expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
    page.get_by_role("link", name="Go to Compare").click()
    expect(page.locator("h1.answer")).to_be_visible()


@pytest.mark.parametrize("path", ["/compare?sweep=no-such", "/new?from=no-such", "/jobs/no-such"])
def test_what_is_gone_is_told_with_a_way_on(look: Visit, path: str) -> None:
    look.may_fail = True
    page = look.open(path)
    alert = page.locator("main").get_by_role("alert")
    expect(alert).to_contain_text("it was deleted, or the link is wrong")
    alert.get_by_role("link", name="Go to Compare").click()
    expect(page.locator("h1.answer")).to_contain_text("topk")


def test_a_sweep_without_a_baseline_is_shown_without_a_verdict(visit: Visit, bench: Bench) -> None:
    body = {"name": "alone", "base": BASE, "axes": {"seed": [0, 1]}}
    bench.api.post("/sweeps", body | {"variants": [{"approximation": rule("topk", 0.5)}]})
    for _ in range(2):
        bench.train()
    page = visit.open("/compare")
    expect(page.locator("h1.answer")).to_contain_text("There is no exact job here")
    row = page.get_by_role("row").filter(has_text="topk 50")
    expect(row).to_contain_text("97.89 ± 0.05 (2)")
    expect(row).to_contain_text("no exact job to compare with")
    page.get_by_role("radio", name="Measured time").check()
    expect(row.get_by_role("cell").nth(2)).to_have_text("–")
    page.get_by_role("link", name="Table").click()
    expect(page.locator(".grid tbody tr").first).to_contain_text("97.89 ± 0.05 (2)")
    expect(page.locator(".grid tbody td").nth(2)).to_have_text("–")


def test_what_is_not_finite_is_called_so_everywhere(visit: Visit, bench: Bench) -> None:
    variants = [{"approximation": []}] + [
        {"approximation": rule(policy, 0.5)} for policy in ("topk", "nps")
    ]
    body = {"name": "odd numbers", "base": BASE, "axes": {"seed": [0]}, "variants": variants}
    exact, broken, odd = bench.api.post("/sweeps", body)["jobs"]
    bench.train()
    claim = bench.start()
    bench.step(claim, 1, train_loss=math.inf, steps_per_s=math.nan)
    bench.finish(claim, Outcome.FAILED, kind="diverged", message="the loss is inf at step 1")
    claim = bench.start()
    bench.step(claim, 1, train_loss=2.0)
    bench.step(claim, 2, train_loss=-math.inf, best_test_accuracy=math.nan)
    bench.finish(claim)
    page = visit.open("/compare")
    expect(page.get_by_role("row").filter(has_text="topk 50")).to_contain_text("1 of 1 diverged")
    expect(page.get_by_role("row").filter(has_text="nps 50")).to_contain_text("no finite result")
    page.get_by_role("link", name="Curves").click()
    panel = page.get_by_role("region", name="Training loss")
    expect(panel).to_contain_text("2 values not finite")
    expect(panel.get_by_role("img")).to_be_visible()
    page.get_by_role("link", name="Table").click()
    expect(page.locator(".grid tbody tr").last).to_contain_text("not finite")
    page = visit.open(f"/diff?jobs={exact},{broken},{odd}")
    row = page.get_by_role("row", name=re.compile("^Training loss"))
    expect(row.get_by_role("cell").nth(1)).to_contain_text("not finite")
    page = visit.open(f"/jobs/{broken}")
    numbers = page.get_by_role("region", name="Numbers").get_by_role("row")
    expect(numbers.filter(has_text="Training loss")).to_contain_text("not finite")
    expect(page.locator(".banner")).to_have_text("diverged the loss is inf at step 1")
