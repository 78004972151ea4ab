"""Jobs are ticked one by one, in ranges and in groups; what is asked of them is told per job."""

import re

import httpx
import pytest
from playwright.sync_api import Page, expect

from store import jobs
from tests.web.bench import Bench
from tests.web.browser import Visit

pytestmark = [pytest.mark.system, pytest.mark.needs("chromium")]


def tick_all(page: Page, n: int) -> None:
    page.get_by_label("Tick all shown").check()
    ticked(page, n)


def ticked(page: Page, n: int) -> None:
    expect(page.locator(".ticked-head b")).to_have_text(f"{n} job{'' if n == 1 else 's'} ticked")


def press(page: Page, name: str) -> None:
    page.locator(".ticked-actions").get_by_role("button", name=name, exact=True).click()


def says(page: Page, text: str) -> None:
    expect(page.locator(".jobs [role=status] p").first).to_have_text(text)


def test_shift_ticks_a_range_and_one_box_ticks_all_or_none(look: Visit) -> None:
    page = look.open("/curves")
    boxes = page.locator(".job input")
    boxes.nth(1).check()
    boxes.nth(4).click(modifiers=["Shift"])
    ticked(page, 4)
    boxes.nth(2).click(modifiers=["Shift"])  # unticks from the one before
    ticked(page, 1)
    every = page.get_by_label("Tick all shown")
    assert every.evaluate("box => box.indeterminate")
    every.check()
    ticked(page, 21)
    every.uncheck()
    expect(page.locator(".ticked-head")).to_have_count(0)
    expect(page).not_to_have_url(re.compile("jobs="))


def test_the_list_stands_in_parts_that_are_ticked_as_one(look: Visit) -> None:
    page = look.open("/curves")
    page.get_by_label("Group the list").select_option("policy")
    expect(page.locator(".part").first).to_contain_text("exact")
    page.get_by_label("Tick the jobs of exact").check()
    ticked(page, 3)
    expect(page.locator("h1")).to_have_text("3 jobs, 1 group")
    page.get_by_label("Group the list").select_option("sweep")
    expect(page.locator(".part")).to_contain_text("four policies")
    page.get_by_label("Group the list").select_option("state")
    expect(page.locator(".part")).to_contain_text("succeeded")
    page.get_by_label("Group the list").select_option("network")
    expect(page.locator(".part")).to_contain_text("mlp on digits")
    expect(page).to_have_url(re.compile("by=network"))


def test_a_row_of_the_table_ticks_its_jobs(look: Visit) -> None:
    page = look.open("/table")
    page.get_by_label("Tick the 3 jobs of topk 50").check()
    ticked(page, 3)
    page.locator(".ticked-actions").get_by_role("link", name="Diff").click()
    expect(page.locator("h1")).to_have_text(re.compile("3 jobs differ in"))
    page.locator(".ticked-actions").get_by_role("link", name="Compare").click()
    expect(page.locator(".over")).to_have_text("3 chosen jobs")


def test_a_tag_is_given_to_all_and_taken_away(visit: Visit, bench: Bench) -> None:
    made = [bench.job("one"), bench.job("two", seed=1)]
    page = visit.open("/curves")
    tick_all(page, 2)
    press(page, "Tag")
    page.get_by_label("Tag for the ticked jobs").fill("paper ✓")
    page.get_by_role("button", name="Add", exact=True).click()
    says(page, "2 jobs tagged.")
    chips = page.get_by_role("list", name="Tags of the ticked jobs").get_by_role("listitem")
    expect(chips).to_have_count(1)
    for job in made:
        with bench.database.read() as session:
            assert jobs.get(session, job).tags == ("paper ✓",)
    page.get_by_role("button", name="Take away tag paper ✓").click()
    says(page, "2 jobs without the tag now.")
    expect(chips).to_have_count(0)
    with bench.database.read() as session:
        assert jobs.get(session, made[0]).tags == ()


def test_cancel_tells_of_each_what_became_of_it(visit: Visit, bench: Bench) -> None:
    visit.may_fail = True
    bench.job("done")
    bench.train()
    bench.job("first", seed=1)
    bench.job("second", seed=2)
    page = visit.open("/curves")
    tick_all(page, 3)
    press(page, "Cancel")
    says(page, "2 cancelled, 1 had ended already.")
    expect(page.locator(".ticked-failed")).to_contain_text("done")
    expect(page.locator(".ticked-failed")).to_contain_text("nothing to cancel")
    expect(page.locator(".job .badge.cancelled")).to_have_count(2)
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".ticked-failed")).to_have_count(0)


def test_a_running_job_is_paused_and_one_is_cloned_into_the_form(
    visit: Visit, bench: Bench
) -> None:
    visit.may_fail = True
    job = bench.job("runs")
    bench.job("waits", seed=1)
    bench.start()
    page = visit.open("/curves")
    tick_all(page, 2)
    expect(page.locator(".ticked-actions").get_by_role("button", name="Clone")).to_be_disabled()
    press(page, "Pause")
    says(page, "1 asked to pause, 1 was not running.")
    expect(page.locator(".job .badge.running")).to_have_text("pause asked")
    page.locator(".job input").first.uncheck()
    page.locator(".ticked-actions").get_by_role("link", name="Clone").click()
    expect(page).to_have_url(re.compile(f"/new.*from={job}"))
    expect(page.get_by_label("Name", exact=True)).to_have_value("runs")


def test_delete_asks_once_and_says_what_is_lost(visit: Visit, bench: Bench) -> None:
    bench.job("runs")
    bench.start()
    bench.job("one", seed=1)
    bench.job("two", seed=2)
    visit.may_fail = True
    page = visit.open("/table")
    tick_all(page, 3)
    press(page, "Delete")
    ask = page.get_by_role("group", name="Delete 3 jobs?")
    expect(ask).to_contain_text("Curves, logs and checkpoints are lost")
    ask.get_by_role("button", name="Keep").click()
    expect(ask).to_have_count(0)
    press(page, "Delete")
    ask.get_by_role("button", name="Delete 3 jobs").click()
    says(page, "2 deleted, 1 is running: cancel it first.")
    ticked(page, 1)
    expect(page.locator(".jobs-foot")).to_contain_text("1 job")
    expect(page.locator("h1")).to_have_text("1 job, 1 group")


def test_deleting_all_that_is_ticked_leaves_a_word_and_no_complaint(
    visit: Visit, bench: Bench
) -> None:
    job = bench.job("one")
    bench.job("two", seed=1)
    page = visit.open(f"/jobs/{job}")
    tick_all(page, 2)
    press(page, "Delete")
    page.get_by_role("button", name="Delete 2 jobs").click()
    says(page, "2 jobs deleted.")
    expect(page).to_have_url(re.compile("/compare$"))
    answer = httpx.get(f"{bench.api.url}/api/v1/jobs").json()
    assert answer["items"] == []


def test_ticked_jobs_are_exported_whole(visit: Visit, bench: Bench) -> None:
    made = [bench.job("one"), bench.job("two", seed=1)]
    bench.job("three", seed=2)
    page = visit.open(f"/curves?jobs={','.join(made)}")
    ticked(page, 2)
    press(page, "Export CSV")
    with page.expect_download() as download:
        page.get_by_role("link", name="Jobs, whole").click()
    text = download.value.path().read_text()
    assert len(text.splitlines()) == 3
    assert all(job in text for job in made)
