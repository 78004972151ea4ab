"""What the page says of a sweep that is done."""

import json
import re

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.web.bench import Bench
from tests.web.browser import Visit, visiting

pytestmark = [pytest.mark.system, pytest.mark.needs("chromium")]

PAINTED = """canvas => {
  const { width, height } = canvas;
  const data = canvas.getContext('2d').getImageData(0, 0, width, height).data;
  const colours = new Set();
  for (let i = 0; i < data.length; i += 4) colours.add(data.subarray(i, i + 3).join());
  return colours.size;
}"""


def row(page: Page, group: str) -> str:
    return page.get_by_role("row").filter(has_text=group).first.inner_text().replace("\u202f", " ")


def test_compare_says_in_a_sentence_what_is_saved_at_what_cost(look: Visit) -> None:
    page = look.open("/")
    answer = page.locator("h1.answer")
    expect(answer).to_contain_text("topk")
    expect(answer).to_contain_text("saves 50\u202f% of the multiply-accumulates")
    expect(answer).to_contain_text("0.10 points below exact (±0.05 at 95\u202f%, 3 seeds)")
    expect(answer).to_contain_text("0.83\u202f× the time of exact")


def test_compare_says_of_each_policy_what_it_saves_and_costs(look: Visit) -> None:
    page = look.open("/compare")
    answers = page.get_by_role("region", name="What each policy saves and costs")
    expect(answers).to_contain_text("costs in points of test accuracy (exact: 98.00\u202f%)")
    topk = answers.get_by_role("listitem").filter(has_text="topk").first
    expect(topk).to_contain_text("saves 50\u202f%, costs 0.10 ±0.05")
    expect(topk.get_by_role("img", name="within")).to_have_count(1)
    uniform = answers.get_by_role("listitem").filter(has_text="uniform").first
    expect(uniform).to_contain_text("saves 75\u202f%, costs 18.00")
    expect(uniform.get_by_role("img", name="worse")).to_have_count(2)
    expect(page.locator("h1.answer")).to_contain_text("and stays within 0.2 points of exact")
    page.get_by_role("radio", name="Measured time").check()
    expect(answers).to_contain_text("saves of the training time")


def test_the_answer_stands_on_the_first_screen_with_the_picture(look: Visit) -> None:
    page = look.open("/compare")
    expect(page.locator(".chart canvas").first).to_be_visible()
    for place in ("h1.answer", ".answers", ".chart"):
        box = page.locator(place).bounding_box()
        assert box
        assert box["y"] + box["height"] <= 800, place


def test_small_type_is_as_large_as_its_token_says(look: Visit) -> None:
    page = look.open("/compare")
    assert page.locator(".over").evaluate("one => getComputedStyle(one).fontSize") == "12px"
    smallest = page.evaluate(
        "Math.min(...[...document.querySelectorAll('body *')].filter(one => one.innerText?.trim())"
        ".map(one => parseFloat(getComputedStyle(one).fontSize)))"
    )
    assert smallest >= 11


def test_compare_shows_the_same_as_picture_and_as_table(look: Visit) -> None:
    page = look.open("/compare")
    chart = page.get_by_role("img", name=re.compile("Accuracy against what is saved, 7 groups"))
    expect(chart).to_be_visible()
    assert chart.locator("canvas").first.evaluate(PAINTED) > 10
    assert "98.00 ± 0.05 (3)" in row(page, "exact")
    topk = row(page, "topk 50")
    assert "97.90 ± 0.04 (3)" in topk
    assert "−0.10" in topk
    assert "0.10 points below exact (±0.05 at 95 %, 3 seeds): within 0.2 points" in topk
    assert "18.00 points below exact" in row(page, "uniform 25")


def test_the_axis_and_the_margin_are_chosen_and_stand_in_the_address(
    look: Visit, browser: Browser, trained: Bench
) -> None:
    page = look.open("/")
    page.get_by_role("radio", name="Measured time").check()
    expect(page.locator("h1.answer")).to_contain_text("of the training time")
    page.get_by_label("Margin, points").fill("1")
    expect(page).to_have_url(re.compile("x=time_saved.*margin=1"))
    # A copied link opens the same view, in another browser too.
    with visiting(browser, trained.api.url) as other:
        other.page.goto(page.url)
        expect(other.page.get_by_label("Measured time")).to_be_checked()
        expect(other.page.get_by_label("Margin, points")).to_have_value("1")


def test_the_verdict_follows_the_margin_and_says_what_is_undecided(look: Visit) -> None:
    look.may_fail = True
    page = look.open("/compare")
    nps = page.get_by_role("row").filter(has_text="nps 50")
    expect(nps).to_contain_text("worse by more than 0.2 points")
    expect(nps.get_by_role("img", name="from −1.25 to −0.75")).to_be_visible()
    page.get_by_label("Margin, points").fill("1.1")
    expect(nps).to_contain_text(re.compile(r"undecided, \d+ more seeds needed"))
    page.get_by_label("Margin, points").fill("1.5")
    expect(nps).to_contain_text("within 1.5 points")
    page.get_by_label("Margin, points").fill("0")
    expect(page.get_by_role("alert")).to_contain_text("above 0")
    expect(nps).to_contain_text("worse by more than 0.2 points")
    page.get_by_role("radio", name="Spread over seeds").check()
    expect(page.locator(".legend")).to_contain_text("one standard deviation over seeds")


def test_the_table_is_sorted_by_its_heads(look: Visit) -> None:
    page = look.open("/compare")
    accuracy = page.get_by_role("columnheader", name="Accuracy")
    accuracy.get_by_role("button").click()
    expect(accuracy).to_have_attribute("aria-sort", "descending")
    expect(page.locator("tbody tr").first).to_contain_text("exact")
    accuracy.get_by_role("button").click()
    expect(page.locator("tbody tr").first).to_contain_text("uniform 25")


def test_the_list_is_searched_by_key_and_filtered_by_state(look: Visit) -> None:
    page = look.open("/")
    expect(page.locator(".jobs-foot")).to_contain_text("21 jobs")
    page.keyboard.press("/")
    expect(page.get_by_label("Search jobs")).to_be_focused()
    page.keyboard.type("nps")
    expect(page.locator(".jobs-foot")).to_contain_text("6 jobs")
    page.get_by_label("State").select_option("failed")
    expect(page.locator(".jobs-rows")).to_contain_text("No job fits this search.")
    expect(page).to_have_url(re.compile("q=nps.*state=failed"))


def test_ticked_jobs_are_compared_and_drawn_alone(look: Visit) -> None:
    page = look.open("/")
    ticks = page.locator(".job input")
    expect(ticks.first).to_be_visible()
    for place in (0, 1, 2):
        ticks.nth(place).check()
    expect(page.locator(".over")).to_have_text("3 chosen jobs")
    page.get_by_role("link", name="Curves").click()
    expect(page.locator("h1")).to_have_text("3 jobs, 1 group")
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("h1")).to_have_text("21 jobs, 7 groups")


def test_curves_are_drawn_over_steps_epochs_and_seconds(look: Visit) -> None:
    page = look.open("/curves")
    panel = page.get_by_role("region", name="Training loss")
    expect(panel.get_by_role("img", name="Training loss over step: 7 lines")).to_be_visible()
    expect(panel).not_to_contain_text("measured where")
    # The test part is not read at every epoch, so its curve may end before the others.
    expect(page.get_by_role("region", name="Test accuracy")).to_contain_text(
        "measured where validation was the best so far, and at the end"
    )
    assert panel.locator("canvas").first.evaluate(PAINTED) > 10
    expect(panel).to_contain_text("every point shown")
    page.get_by_role("radio", name="Epochs").check()
    expect(panel.get_by_role("img", name="Training loss over epoch: 7 lines")).to_be_visible()
    page.get_by_role("radio", name="Seconds").check()
    page.get_by_role("radio", name="Each").check()
    expect(panel.get_by_role("img", name="Training loss over seconds: 21 lines")).to_be_visible()
    page.get_by_label("log scale").check()
    page.get_by_label("Also").select_option("steps_per_s")
    expect(page.get_by_role("region", name="Steps per second")).to_be_visible()


def test_another_page_begins_at_its_top_and_has_a_title(look: Visit) -> None:
    page = look.open("/curves")
    expect(page.get_by_role("row").filter(has_text="topk").first).to_be_visible()
    expect(page).to_have_title("Curves · Colrow")
    main = page.locator("main")
    main.evaluate("main => main.scrollTo(0, 300)")
    assert main.evaluate("main => main.scrollTop") == 300
    page.locator(".job-link").first.click()
    expect(page).to_have_title("Job · Colrow")
    expect(page.get_by_role("heading", name="Log")).to_be_visible()
    assert main.evaluate("main => main.scrollTop") == 0


def test_an_address_that_names_no_choice_shows_the_usual_one(look: Visit) -> None:
    page = look.open("/compare?bars=x&x=y")
    expect(page.get_by_role("radio", name="95\u202f% interval")).to_be_checked()
    expect(page.locator(".legend")).to_contain_text("95 % interval of the difference")
    page = look.open("/curves?axis=x&seeds=y&smooth=1")
    expect(page.get_by_role("radio", name="Steps")).to_be_checked()
    expect(page.get_by_role("radio", name="Mean ± spread")).to_be_checked()
    expect(page.get_by_label("Smoothing")).to_have_value("0.95")
    expect(
        page.get_by_role("img", name="Training loss over step: 7 lines").locator("canvas").first
    ).to_be_visible()


def test_charts_that_do_not_load_are_told_of(look: Visit) -> None:
    look.page.route("**/assets/engine-*.js", lambda route: route.abort())
    look.may_fail = True
    page = look.open("/compare")
    expect(page.get_by_role("region", name="Chart")).to_contain_text("The charts did not load")
    expect(page.get_by_role("region", name="Table")).to_contain_text("topk")


def test_what_is_typed_outlives_a_reading_that_fails(look: Visit) -> None:
    look.may_fail = True
    page = look.open("/")
    page.locator(".job-link").first.click()
    page.get_by_role("button", name="Edit name, tags and notes").click()
    page.get_by_label("Notes").fill("thought about for long")

    def refuse(route: Route) -> None:
        problem = {"title": "Broken", "detail": "the disk is full", "status": 500}
        body = json.dumps(problem)
        route.fulfill(status=500, body=body, content_type="application/problem+json")

    page.route("**/api/v1/jobs/*", refuse)
    other = page.context.new_page()
    job = page.url.split("/jobs/")[1].split("?")[0]
    address = f"{look.url}/api/v1/jobs/{job}"
    assert other.request.patch(address, data={"name": "from elsewhere"}).ok
    expect(page.locator(".away")).to_contain_text("the disk is full")
    expect(page.get_by_label("Notes")).to_have_value("thought about for long")


def test_the_queue_counts_workers_and_says_when_nothing_waits(look: Visit) -> None:
    page = look.open("/queue")
    expect(page.get_by_role("heading", name="Nothing waits")).to_be_visible()
    expect(page.get_by_role("region", name="Workers")).to_contain_text("1 worker, ")
    page.get_by_role("link", name="Workers", exact=True).click()
    expect(page).to_have_url(re.compile("/workers$"))
    expect(page.get_by_role("heading", name="1 worker")).to_be_visible()


@pytest.mark.parametrize("path", ["/", "/curves", "/queue", "/new"])
def test_a_phone_in_the_dark_shows_each_page_without_scrolling_sideways(
    phone: Visit, path: str
) -> None:
    page = phone.open(path)
    expect(page.locator("h1").first).to_be_visible()
    wide, dark = page.evaluate(
        "[document.querySelector('main').scrollWidth - document.querySelector('main').clientWidth,"
        " getComputedStyle(document.documentElement).backgroundColor]"
    )
    assert wide <= 0
    assert max(int(n) for n in re.findall(r"\d+", dark)) < 60
    page.get_by_role("button", name="Jobs", exact=True).click()
    expect(page.locator(".job-link").first).to_be_visible()


def test_what_does_not_exist_is_said_and_leads_on(look: Visit) -> None:
    look.may_fail = True
    page = look.open("/nowhere")
    expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
    page = look.open("/jobs/no-such-job")
    expect(page.get_by_role("alert")).to_contain_text("no-such-job")


def texts(page: Page) -> None:
    """Let the catalog say that what was learned here is a language."""

    def answer(route: Route) -> None:
        catalog = route.fetch().json()
        for dataset in catalog["datasets"]:
            dataset["task"] = "language-modelling"
        route.fulfill(body=json.dumps(catalog), content_type="application/json")

    page.route("**/api/v1/catalog", answer)


def test_a_language_is_judged_by_its_perplexity_of_which_less_is_better(look: Visit) -> None:
    texts(look.page)
    page = look.open("/compare")
    expect(page.locator("h1.answer")).to_contain_text("topk")
    exact, topk = row(page, "exact"), row(page, "topk 50")
    assert "80.00 ± 0.05 (3)" in exact
    assert "+0.10" in topk
    assert "0.10 above exact (±0.05 at 95 %, 3 seeds): within 1 %" in topk
    assert "worse by more than 1 %" in row(page, "uniform 50")
    expect(page.get_by_role("img", name=re.compile("^Perplexity against"))).to_be_visible()
    expect(page.get_by_label("Margin, % of exact")).to_have_attribute("placeholder", "1")
    page.get_by_role("link", name="Curves").click()
    expect(page.get_by_role("region", name="Test perplexity")).to_be_visible()
    expect(page.get_by_role("columnheader", name="Test perplexity")).to_be_visible()
    page.locator(".job-link").last.click()
    expect(page.get_by_role("region", name="Test perplexity")).to_be_visible()
    expect(page.get_by_label("Progress").locator("dt")).to_contain_text(["Test perplexity"])
