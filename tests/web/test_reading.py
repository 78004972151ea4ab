"""What the page asks of the service, and when: no change is missed, and no key asks by itself."""

import re
import time

import pytest
from playwright.sync_api import Page, Route, expect

from crs_core.events import Points
from tests.web.bench import BASE, Bench
from tests.web.browser import Visit

pytestmark = [pytest.mark.system, pytest.mark.needs("chromium")]


def foot(page: Page, text: str) -> None:
    expect(page.locator(".jobs-foot")).to_contain_text(text)


@pytest.mark.parametrize("path", ["/table", "/queue"])
def test_what_comes_while_rows_are_being_read_is_shown(
    visit: Visit, bench: Bench, path: str
) -> None:
    bench.job()
    waiting: list[Route] = []

    def hold(route: Route) -> None:
        """Read the answer at once, and hand it over when the next job's event has long come."""
        answer = route.fetch()
        if waiting:
            route.fulfill(response=answer)
            return
        waiting.append(route)
        bench.job(seed=1)
        time.sleep(1.5)
        route.fulfill(response=answer)

    size = "500" if path == "/table" else "200"
    visit.page.route(re.compile(rf"/api/v1/jobs\?.*limit={size}"), hold)
    page = visit.open(path)
    if path == "/table":
        expect(page.locator("h1")).to_have_text("2 jobs, 1 group")
    else:
        foot(page, "2 jobs")
    assert waiting


def test_what_came_before_the_stream_of_events_began_is_shown(visit: Visit, bench: Bench) -> None:
    bench.job()
    late: list[Route] = []

    def begin(route: Route) -> None:
        if not late:
            time.sleep(1.5)  # the list is read by then
            bench.job(seed=1)
        late.append(route)
        route.continue_()

    visit.page.route("**/api/v1/events", begin)
    page = visit.open("/queue")
    foot(page, "2 jobs")
    assert late


def test_the_search_asks_once_it_rests_and_keeps_what_is_there(look: Visit) -> None:
    page = look.open("/table")
    foot(page, "21 jobs")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_label("Search jobs").press_sequentially("topk", delay=40)
    foot(page, "6 jobs")
    searches = [url for url in asked if "text=" in url]
    assert searches
    assert all("text=topk" in url for url in searches)


def test_the_tables_place_is_kept_while_another_tab_is_shown(visit: Visit, bench: Bench) -> None:
    for percent in range(10, 60):
        bench.job(approximation=[{"policy": "topk", "forward": percent / 100}])
    page = visit.open("/table")
    grid = page.locator(".grid")
    expect(grid.locator("table")).to_have_attribute("aria-rowcount", "51")
    grid.evaluate("box => box.scrollTo(0, 543)")
    seen = grid.locator("tbody tr").filter(has_text="topk 40").first
    expect(seen).to_be_visible()
    before = seen.bounding_box()
    page.get_by_role("link", name="Diff").click()
    expect(grid).to_have_count(0)
    page.get_by_role("link", name="Table").click()
    expect(seen).to_be_visible()
    assert seen.bounding_box() == before
    # Another filter is another table.
    page.get_by_role("link", name="Diff").click()
    page.get_by_label("State", exact=True).select_option("queued")
    page.get_by_role("link", name="Table").click()
    expect(grid).to_be_visible()
    assert grid.evaluate("box => box.scrollTop") == 0


def test_a_ticked_job_is_drawn_however_far_down_the_list_it_is(visit: Visit, bench: Bench) -> None:
    first = bench.job()
    bench.train()
    axes = {"seed": list(range(1, 220))}
    bench.api.post("/sweeps", {"name": "many", "base": BASE, "axes": axes})
    page = visit.open(f"/curves?jobs={first}")
    expect(page.get_by_role("img", name="Training loss over step: 1 line")).to_be_visible()


def test_ticked_jobs_are_read_again_less_often_than_points_come(visit: Visit, bench: Bench) -> None:
    made = bench.job()
    claim = bench.start(1000)
    page = visit.open(f"/curves?jobs={made}")
    expect(page.locator(".live")).to_have_text("Live")
    expect(page.locator("h1")).to_have_text("1 job, 1 group")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for step in range(1, 31):
        bench.record(claim, [Points(step=step, epoch=step / 20, values={"train_loss": 1 / step})])
        page.wait_for_timeout(200)
    assert 1 <= sum("/jobs?job=" in url for url in asked) <= 4
    assert sum("/curves?" in url for url in asked) > 4


def test_a_draft_that_is_submitted_is_gone_though_its_page_was_left(visit: Visit) -> None:
    page = visit.open("/new")
    page.get_by_label("Name", exact=True).fill("left early")
    held: list[Route] = []
    page.route("**/api/v1/sweeps", lambda route: held.append(route))
    page.get_by_role("button", name="Submit 6 jobs").click()
    expect(page.get_by_role("button", name="Submitting…")).to_be_visible()
    page.get_by_role("link", name="Queue").click()
    page.wait_for_function("JSON.parse(sessionStorage['colrow:draft']).key")
    for route in held:
        route.continue_()
    foot(page, "6 jobs")
    page.wait_for_function("!sessionStorage['colrow:draft']")
