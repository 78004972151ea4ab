"""A service that goes away: nothing that was read or typed is lost, and all goes on by itself."""

import json
import re

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from tests.web.bench import Bench
from tests.web.browser import Visit

pytestmark = [pytest.mark.system, pytest.mark.needs("chromium")]

GONE = "The service does not answer"


@pytest.fixture(autouse=True)
def _refusals_are_wanted(visit: Visit) -> None:
    visit.may_fail = True


def away(page: Page) -> None:
    expect(page.locator(".live")).to_have_text("Reconnecting")
    expect(page.locator(".away")).to_contain_text("What is shown and what you typed stays")


def back(page: Page) -> None:
    expect(page.locator(".live")).to_have_text("Live", timeout=30_000)
    expect(page.locator(".away")).to_have_count(0)


def test_a_server_that_is_killed_and_started_again_costs_no_word(
    visit: Visit, bench: Bench
) -> None:
    job = bench.job("before")
    form = visit.open("/new")
    about, other = (form.context.new_page() for _ in range(2))
    about.goto(f"{visit.url}/jobs/{job}")
    other.goto(f"{visit.url}/queue")
    form.get_by_label("Name", exact=True).fill("typed before")
    form.get_by_label("Learning rate").fill("0.0123")
    expect(form.get_by_test_id("planned")).to_have_text(re.compile("%"))
    about.get_by_role("button", name="Edit name, tags and notes").click()
    about.get_by_label("Notes").fill("thought about for long")
    address = about.get_by_label("Tell this address when the job ends")
    address.fill("https://hooks.example/long-address")
    expect(other.get_by_role("row").filter(has_text="before")).to_be_visible()

    bench.api.kill()
    form.get_by_role("button", name="Submit 6 jobs").click()
    expect(form.get_by_role("alert")).to_contain_text(GONE)
    about.get_by_role("button", name="Save").click()
    expect(about.get_by_role("form", name="Edit this job").get_by_role("alert")).to_contain_text(
        GONE
    )
    about.get_by_role("button", name="Add", exact=True).click()
    expect(about.get_by_role("region", name="Webhooks").get_by_role("alert")).to_contain_text(GONE)
    for page in (form, about, other):
        away(page)
    form.get_by_label("Learning rate").fill("0.0456")  # one goes on typing
    other.get_by_role("link", name="Table").click()
    other.get_by_role("link", name="Layers").click()
    expect(about.get_by_label("Notes")).to_have_value("thought about for long")

    bench.api.start()
    for page in (form, about, other):
        back(page)
    expect(other.get_by_role("heading", name="No report yet")).to_be_visible()
    expect(form.get_by_label("Name", exact=True)).to_have_value("typed before")
    expect(form.get_by_label("Learning rate")).to_have_value("0.0456")
    expect(address).to_have_value("https://hooks.example/long-address")
    about.get_by_role("button", name="Save").click()
    expect(about.get_by_role("region", name="About this job")).to_contain_text("thought about")
    form.get_by_role("button", name="Submit 6 jobs").click()
    expect(form).to_have_url(re.compile("/compare"))
    expect(form.locator(".jobs-foot")).to_contain_text("6 jobs")


def test_a_stream_that_was_refused_is_asked_for_again(visit: Visit, bench: Bench) -> None:
    page = visit.page
    page.route("**/api/v1/events", lambda route: route.fulfill(status=502, body="<h1>502</h1>"))
    visit.open("/queue")
    expect(page.get_by_role("heading", name="Nothing waits")).to_be_visible()
    away(page)
    bench.job("meanwhile")
    page.unroute("**/api/v1/events")
    back(page)
    expect(page.get_by_role("row").filter(has_text="meanwhile")).to_be_visible()


def test_a_page_whose_stream_is_refused_hears_from_another(visit: Visit, bench: Bench) -> None:
    page = visit.page
    page.route("**/api/v1/events", lambda route: route.fulfill(status=502, body="<h1>502</h1>"))
    visit.open("/queue")
    expect(page.locator(".live")).to_have_text("Reconnecting")
    other = page.context.new_page()
    other.goto(f"{visit.url}/queue")
    back(other)
    back(page)
    bench.job("told by the other")
    expect(page.get_by_role("row").filter(has_text="told by the other")).to_be_visible()


BARE = """
for (const [of, name] of [[navigator, "locks"], [navigator, "clipboard"], [crypto, "randomUUID"]])
  Object.defineProperty(of, name, { value: undefined });
"""
"""What Chromium takes away from a page that came over plain http, unless from localhost."""


def test_over_plain_http_the_page_works_all_the_same(visit: Visit, bench: Bench) -> None:
    visit.page.add_init_script(BARE)
    page = visit.open("/new")
    expect(page.locator(".live")).to_have_text("Live")
    page.get_by_label("Seeds").fill("7")
    page.get_by_label("exact twin").uncheck()
    page.get_by_role("button", name="Submit 1 job").click()
    expect(page).to_have_url(re.compile("/jobs/"))
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.get_by_role("region", name="Spec")).to_contain_text("select the text")
    bench.job("heard of")
    expect(page.locator(".jobs-foot")).to_contain_text("2 jobs")


def test_what_can_not_be_read_now_is_asked_for_until_it_can(visit: Visit, bench: Bench) -> None:
    bench.job("patience")
    problem = {"title": "No answer", "detail": "the database rests", "status": 503}

    def refuse(route: Route) -> None:
        route.fulfill(status=503, body=json.dumps(problem), content_type="application/problem+json")

    page = visit.page
    page.route("**/api/v1/queue*", refuse)
    visit.open("/queue")
    expect(page.locator(".away")).to_contain_text("the database rests")
    page.unroute("**/api/v1/queue*")
    expect(page.get_by_role("row").filter(has_text="patience")).to_be_visible()
    expect(page.locator(".away")).to_have_count(0)


def test_a_part_of_the_page_that_does_not_load_leaves_the_rest_alone(visit: Visit) -> None:
    page = visit.page
    for part in ("Workers", "YamlPane"):
        page.route(f"**/assets/{part}-*.js", lambda route: route.abort())
    visit.open("/workers")
    failure = page.get_by_role("alert")
    expect(failure).to_contain_text("Something broke in the page")
    page.get_by_role("link", name="New job").click()
    expect(failure).to_have_count(0)
    page.get_by_label("Name", exact=True).fill("kept")
    page.get_by_label("as YAML").check()
    expect(failure).to_be_visible()
    expect(page.get_by_label("Name", exact=True)).to_have_value("kept")
    page.unroute("**/assets/YamlPane-*.js")
    failure.get_by_role("button", name="Try again").click()
    expect(page.get_by_label("Spec as YAML")).to_be_visible()
    expect(page.get_by_label("Name", exact=True)).to_have_value("kept")
    visit.said.clear()  # React tells of what the boundary caught


def test_a_browser_that_thinks_it_is_offline_still_submits(visit: Visit, bench: Bench) -> None:
    page = visit.open("/new")
    page.evaluate("window.dispatchEvent(new Event('offline'))")
    page.get_by_label("Hidden").fill("31")
    page.get_by_label("Seeds").fill("0")
    page.get_by_role("button", name="Submit 2 jobs").click()
    expect(page.locator(".jobs-foot")).to_contain_text("2 jobs")


def test_a_job_that_is_deleted_elsewhere_is_told_where_it_was(visit: Visit, bench: Bench) -> None:
    made = [bench.job(f"job {seed}", seed=seed) for seed in range(3)]
    for _ in made:
        bench.train()
    page = visit.open(f"/jobs/{made[0]}")
    compare = page.context.new_page()
    compare.goto(f"{visit.url}/compare?jobs={','.join(made)}")
    expect(page.locator(".over")).to_contain_text("job 0")
    expect(compare.locator(".over")).to_contain_text("3 chosen jobs")
    httpx.delete(f"{bench.api.url}/api/v1/jobs/{made[0]}").raise_for_status()
    expect(page.get_by_role("heading", name="Not here")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text(
        f"there is no job '{made[0]}': it was deleted"
    )
    page.get_by_role("alert").get_by_role("link", name="Go to Compare").click()
    expect(page.locator("h1.answer")).to_be_visible()
    expect(compare.locator(".over")).to_contain_text("1 ticked job is not there any more.")
    expect(compare.locator(".over")).to_contain_text("2 chosen jobs")
    expect(compare.get_by_role("row").filter(has_text="topk")).to_contain_text("(2)")
