"""Ticked jobs side by side: what differs, from which base."""

import re

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.web.bench import Bench
from tests.web.browser import Visit

pytestmark = [pytest.mark.system, pytest.mark.needs("chromium")]


def ids(bench: Bench, policy: str, n: int = 1) -> list[str]:
    """Give jobs of a policy, the seed 2 of the smaller ratio first."""
    answer = httpx.get(f"{bench.api.url}/api/v1/jobs", params={"policy": policy, "limit": n})
    return [job["id"] for job in answer.json()["items"]]


def row(page: Page, name: str) -> Locator:
    return page.locator(".diff-box tbody tr").filter(
        has=page.get_by_role("rowheader", name=name, exact=True)
    )


def test_nothing_ticked_says_what_to_do(look: Visit, trained: Bench) -> None:
    page = look.open("/diff")
    expect(page.get_by_role("heading", name="Tick jobs to see how they differ")).to_be_visible()
    page.locator(".job input").first.check()
    expect(page.get_by_role("heading", name="Tick one more")).to_be_visible()
    page.locator(".job input").nth(4).check()
    expect(page.locator("h1")).to_have_text(re.compile(r"2 jobs differ in \d+ rows"))


def test_what_differs_is_marked_and_the_rest_is_counted(look: Visit, trained: Bench) -> None:
    jobs = [*ids(trained, "topk"), *ids(trained, "exact")]
    page = look.open(f"/diff?jobs={','.join(jobs)}")
    heads = page.locator(".diff-box thead th")
    expect(heads.first).to_contain_text("exact")
    expect(heads.first).to_contain_text("base")
    cells = row(page, "approximation.0.policy.name").locator("td")
    expect(cells).to_have_text(["–", re.compile("≠changed: topk")])
    accuracy = row(page, "Test accuracy at best validation").locator("td")
    expect(accuracy.first).to_have_text("98.05\u202f%")
    expect(accuracy.last).to_contain_text("−0.32 points")
    expect(row(page, "model.name")).to_have_count(0)
    expect(page.locator(".diff-part").first).to_contain_text(re.compile(r"\d+ equal rows, show"))
    page.get_by_role("button", name="Show equal rows of Spec").click()
    expect(row(page, "model.name").locator("td")).to_have_text(["mlp", "mlp"])
    page.get_by_role("button", name="Show equal rows of Environment").click()
    expect(row(page, "version of torch").locator("td")).to_have_text(["2.0", "2.0"])
    expect(page).to_have_url(re.compile("equal=Spec,Environment"))


def test_any_of_them_can_be_the_base(look: Visit, trained: Bench) -> None:
    jobs = [*ids(trained, "topk"), *ids(trained, "nps"), *ids(trained, "exact")]
    page = look.open(f"/diff?jobs={','.join(jobs)}")
    page.get_by_role("button", name=re.compile("nps 25.*: make it the base")).click()
    heads = page.locator(".diff-box thead th")
    expect(heads.first).to_contain_text("nps")
    expect(heads.nth(1)).to_contain_text("topk")
    expect(heads).to_have_count(3)
    expect(page).to_have_url(re.compile(f"base={jobs[1]}"))


def test_more_than_eight_and_jobs_that_are_gone_are_told(look: Visit, trained: Bench) -> None:
    look.may_fail = True
    jobs = [*ids(trained, "uniform", 6), *ids(trained, "exact", 3)]
    page = look.open(f"/diff?jobs={','.join(jobs)}")
    expect(page.locator(".banner")).to_contain_text("the first 8 of 9 ticked jobs")
    expect(page.locator(".diff-box thead th")).to_have_count(8)
    page = look.open(f"/diff?jobs=no-such-job,{','.join(jobs[:2])}")
    expect(page.locator(".banner")).to_have_text("1 ticked job is not there any more.")
    expect(page.locator(".diff-box thead th")).to_have_count(2)
