"""Every job as a table: groups with their spread, chosen columns, deltas, and files of it."""

import csv
import io
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from store.attempts import Outcome
from tests.web.bench import Bench
from tests.web.browser import Visit, visiting

pytestmark = [pytest.mark.system, pytest.mark.needs("chromium")]

LONG = "a name of two hundred characters that goes on and on " * 4


def row(page: Page, text: str) -> Locator:
    return page.locator(".grid tbody tr").filter(has_text=text).first


def rows(page: Page, n: int) -> None:
    """Expect so many rows; those out of sight are not in the page, but counted."""
    expect(page.locator(".grid table")).to_have_attribute("aria-rowcount", str(n + 1))


def head(page: Page, name: str) -> Locator:
    return page.locator(".grid").get_by_role("columnheader", name=name, exact=True)


def choose(page: Page, name: str) -> None:
    page.locator("summary", has_text="Columns").click()
    page.get_by_role("checkbox", name=name, exact=True).check()
    page.keyboard.press("Escape")
    expect(page.locator(".menu-panel")).to_have_count(0)


def test_groups_tell_mean_spread_and_count_and_open_to_their_members(look: Visit) -> None:
    page = look.open("/table")
    expect(page.locator("h1")).to_have_text("21 jobs, 7 groups")
    rows(page, 7)
    expect(row(page, "exact")).to_contain_text("98.00 ± 0.05 (3)")
    expect(row(page, "exact")).to_contain_text("baseline")
    topk = row(page, "topk 50")
    expect(topk).to_contain_text("97.90 ± 0.04 (3)")
    expect(topk).to_contain_text("−0.10 ± 0.04 (3)")
    topk.get_by_role("button", name="topk 50").click()
    rows(page, 10)
    expect(page.locator(".grid tr.member")).to_have_count(3)
    expect(row(page, "seed 1")).to_contain_text("97.92")
    expect(row(page, "seed 1")).to_contain_text("−0.08")
    page.get_by_role("radio", name="Every job").check()
    rows(page, 21)
    expect(page.locator(".grid tr.member")).to_have_count(0)


def test_what_is_shown_stands_in_the_address(look: Visit, browser: Browser, trained: Bench) -> None:
    page = look.open("/table")
    row(page, "nps 25").get_by_role("button", name="nps 25").click()
    choose(page, "Owner")
    head(page, "Training time, s").get_by_role("button").click()
    expect(head(page, "Training time, s")).to_have_attribute("aria-sort", "descending")
    with visiting(browser, trained.api.url) as other:
        other.page.goto(page.url)
        expect(other.page.locator(".grid tr.member")).to_have_count(3)
        expect(head(other.page, "Owner")).to_be_visible()
        expect(head(other.page, "Training time, s")).to_have_attribute("aria-sort", "descending")
        shown = page.locator(".grid tbody th").all_inner_texts()
        assert other.page.locator(".grid tbody th").all_inner_texts() == shown


def test_any_column_sorts_both_ways(look: Visit) -> None:
    page = look.open("/table")
    accuracy = head(page, "Test accuracy at best validation, %")
    accuracy.get_by_role("button").click()
    expect(accuracy).to_have_attribute("aria-sort", "descending")
    expect(page.locator(".grid tbody tr").first).to_contain_text("exact")
    accuracy.get_by_role("button").click()
    expect(accuracy).to_have_attribute("aria-sort", "ascending")
    expect(page.locator(".grid tbody tr").first).to_contain_text("uniform 25")
    page.locator(".grid th").first.get_by_role("button", name="Job").click()
    expect(page.locator(".grid th").first).to_have_attribute("aria-sort", "ascending")
    expect(accuracy).not_to_have_attribute("aria-sort", re.compile("."))
    expect(page.locator(".grid tbody tr").first).to_contain_text("exact")


def test_columns_are_chosen_of_facts_results_and_the_spec(look: Visit) -> None:
    page = look.open("/table")
    choose(page, "training.optimizer.lr")
    expect(head(page, "training.optimizer.lr")).to_be_visible()
    choose(page, "Training time, difference to exact")
    # Exact takes 3.0 s, half of the pairs 2.5 s.
    delta = head(page, "Δ Training time, %")
    expect(delta).to_be_visible()
    expect(row(page, "topk 50")).to_contain_text("−16.7 ± 0.0 (3)")
    expect(page).to_have_url(re.compile("cols=state,.*training.optimizer.lr,delta.seconds"))
    page.locator("summary", has_text="Columns").click()
    page.get_by_label("Find a column").fill("training loss")
    expect(page.locator(".menu-panel input[type=checkbox]")).to_have_count(2)
    page.get_by_role("button", name="Usual columns").click()
    expect(delta).to_have_count(0)
    expect(page).not_to_have_url(re.compile("cols="))


def test_one_click_leaves_only_what_differs(look: Visit) -> None:
    page = look.open("/table?cols=owner,seed,model,best_test_accuracy")
    expect(head(page, "Owner")).to_be_visible()
    page.get_by_label("only columns that differ").check()
    expect(head(page, "approximation.0.policy.name")).to_be_visible()
    expect(head(page, "approximation.0.forward")).to_be_visible()
    expect(head(page, "Seed")).to_be_visible()
    for same in ("Owner", "Network", "training.epochs"):
        expect(head(page, same)).to_have_count(0)
    page.get_by_label("only columns that differ").uncheck()
    expect(head(page, "Owner")).to_be_visible()


def test_the_table_has_the_jobs_that_the_list_has(look: Visit) -> None:
    page = look.open("/table")
    page.get_by_label("Search jobs").fill("nps")
    expect(page.locator("h1")).to_have_text("6 jobs, 2 groups")
    # The exact jobs are out of the list, and still what the others are measured against.
    expect(row(page, "nps 50")).to_contain_text("−1.00 ± 0.09 (3)")
    page.get_by_label("State", exact=True).select_option("failed")
    expect(page.get_by_role("heading", name="No job fits")).to_be_visible()


def test_the_table_is_taken_away_whole_or_as_it_is_shown(look: Visit, tmp_path: Path) -> None:
    look.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = look.open("/table?q=nps&cols=best_test_accuracy")
    rows(page, 2)
    page.locator("summary", has_text="Export").click()
    for name, lines in (("Jobs, whole", 6), ("Every point", 6 * 40)):
        with page.expect_download() as download:
            page.get_by_role("link", name=name).click()
        path = tmp_path / "got.csv"
        download.value.save_as(path)
        got = list(csv.DictReader(io.StringIO(path.read_text())))
        assert {one["policy"] for one in got} == {"nps"}
        assert len(got) >= lines
    page.get_by_role("button", name="Copy the shown table").click()
    expect(page.locator(".exports [role=status]")).to_have_text("Copied.")
    text = page.evaluate("navigator.clipboard.readText()")
    shown = list(csv.DictReader(io.StringIO(text)))
    assert [one["row"].replace("\u202f", " ") for one in shown] == ["nps 50 %", "nps 25 %"]
    assert float(shown[0]["best_test_accuracy"]) == pytest.approx(0.97)
    assert shown[0]["best_test_accuracy.n"] == "3"


def test_names_of_any_script_and_values_that_are_none_look_right(
    visit: Visit, bench: Bench
) -> None:
    bench.job(LONG[:200])
    bench.train()
    bench.job("שם ארוך מאוד בעברית", seed=1)
    claim = bench.start()
    bench.step(claim, 1, train_loss=float("nan"))
    bench.finish(claim, Outcome.FAILED, kind="diverged", message="the loss is nan at step 1")
    bench.job("実験", seed=2)
    page = visit.open("/table?view=flat&cols=state,train_loss,best_test_accuracy&sort=train_loss")
    rows(page, 3)
    name = page.get_by_title(LONG[:200], exact=True)
    box = name.bounding_box()
    assert box is not None
    assert box["width"] < 330
    assert "0.05" in page.locator(".grid tbody tr").nth(0).inner_text()
    failed = page.locator(".grid tbody tr").nth(1)
    expect(failed).to_contain_text("not finite")
    expect(failed.locator("td").nth(2)).to_have_text("–")
    expect(page.locator(".grid tbody tr").nth(2)).to_contain_text("実験")


def test_what_comes_in_moves_neither_the_view_nor_what_is_open(visit: Visit, bench: Bench) -> None:
    for seed in (0, 1):
        bench.job(seed=seed)
    for percent in range(10, 50):
        bench.job(approximation=[{"policy": "topk", "forward": percent / 100}])
    page = visit.open("/table")
    rows(page, 41)
    row(page, "topk 50").get_by_role("button", name="topk 50").click()
    rows(page, 43)
    grid = page.locator(".grid")
    grid.evaluate("box => box.scrollTo(0, 345)")
    seen = row(page, "topk 40")
    expect(seen).to_be_visible()
    before = seen.bounding_box()
    bench.job(approximation=[])  # exact comes first
    rows(page, 44)
    expect(page.locator("h1")).to_have_text("43 jobs, 42 groups")
    assert seen.bounding_box() == before
    grid.evaluate("box => box.scrollTo(0, 0)")
    expect(page.locator(".grid tbody tr").first).to_contain_text("exact")
    expect(page.locator(".grid tr.member")).to_have_count(2)


def test_an_empty_service_has_a_table_that_says_what_to_do(visit: Visit) -> None:
    page = visit.open("/table")
    expect(page.get_by_role("heading", name="No jobs yet")).to_be_visible()
    page.get_by_role("link", name="Submit a job").click()
    expect(page).to_have_url(re.compile("/new$"))


@pytest.mark.parametrize("path", ["/table", "/diff"])
def test_a_phone_shows_table_and_diff_without_scrolling_the_page_sideways(
    phone: Visit, path: str
) -> None:
    page = phone.open(path)
    expect(page.locator("h1, h2").first).to_be_visible()
    wide = "document.querySelector('main').scrollWidth - document.querySelector('main').clientWidth"
    assert page.evaluate(wide) <= 0
