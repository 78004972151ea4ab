"""What is done in the page happens in the service, and what happens there is seen here."""

import re
import time

import pytest
from playwright.sync_api import Page, expect

from store.attempts import Outcome
from tests.web.bench import Bench
from tests.web.browser import Visit

pytestmark = [pytest.mark.system, pytest.mark.needs("chromium")]


def badge(page: Page, state: str) -> None:
    expect(page.locator("h1 .badge")).to_have_text(re.compile(state))


def test_an_empty_service_says_what_to_do_next(visit: Visit) -> None:
    page = visit.open("/")
    expect(page.get_by_role("heading", name="Nothing to compare yet")).to_be_visible()
    expect(page.locator(".jobs-rows")).to_contain_text("No jobs yet")
    page.get_by_role("link", name="Curves").click()
    expect(page.get_by_role("heading", name="No curves yet")).to_be_visible()
    page.get_by_role("link", name="Submit a job").click()
    expect(page).to_have_url(re.compile("/new$"))


def test_the_planned_reduction_follows_what_is_typed(visit: Visit) -> None:
    page = visit.open("/new")
    planned = page.get_by_test_id("planned")
    expect(planned).to_have_text("59.9\u202f%")
    page.get_by_label("Forward ratio").fill("0.1")
    expect(planned).to_have_text("90.1\u202f%")
    page.get_by_label("Hidden").fill("200")
    expect(page.locator(".plan tbody tr")).to_have_count(2)


def test_an_error_stands_at_its_field_and_the_typed_text_stays(visit: Visit) -> None:
    visit.may_fail = True
    page = visit.open("/new")
    ratio = page.get_by_label("Forward ratio")
    ratio.fill("1.5")
    error = page.locator(".rule .field-error")
    expect(error).to_have_text(
        "a ratio is the share of pairs to keep, above 0 and at most 1; got 1.5"
    )
    expect(ratio).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("button", name="Submit")).to_be_disabled()
    page.get_by_label("Layers").fill("conv*")
    page.get_by_label("Batch size").fill("many")
    expect(page.locator(".field-error").filter(has_text="many")).to_be_visible()
    page.get_by_role("link", name="Queue").click()
    page.get_by_role("link", name="New job").click()
    expect(page.get_by_label("Batch size")).to_have_value("many")
    expect(ratio).to_have_value("1.5")
    ratio.fill("0.5")
    page.get_by_label("Batch size").fill("50")
    expect(page.locator(".rule .field-error")).to_contain_text("fc1, fc2, fc3")
    page.get_by_label("Layers").fill("fc*")
    expect(page.get_by_role("button", name="Submit 6 jobs")).to_be_enabled()


def test_a_preset_is_chosen_and_submitted_with_its_exact_twin(visit: Visit, bench: Bench) -> None:
    page = visit.open("/new")
    page.get_by_label("Preset").select_option(label="MLP on Digits, norm-proportional 40 %")
    page.get_by_label("Seeds").fill("0-1")
    page.get_by_role("button", name="Submit 4 jobs").click()
    expect(page).to_have_url(re.compile(r"/compare\?sweep="))
    expect(page.locator(".jobs-foot")).to_contain_text("4 jobs")
    specs = [bench.train().spec for _ in range(4)]
    assert [(len(spec.approximation), spec.seed) for spec in specs] == [
        (0, 0),
        (0, 1),
        (1, 0),
        (1, 1),
    ]
    expect(page.locator("h1.answer")).to_contain_text("nps")


def test_a_job_is_cancelled_retried_and_deleted(visit: Visit, bench: Bench) -> None:
    job = bench.job("to be stopped")
    page = visit.open(f"/jobs/{job}")
    badge(page, "queued")
    page.get_by_role("button", name="Cancel").click()
    badge(page, "cancelled")
    page.get_by_role("button", name="Retry").click()
    badge(page, "queued")
    page.get_by_role("button", name="Cancel").click()
    badge(page, "cancelled")
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete for good").click()
    expect(page).to_have_url(re.compile("/compare"))
    expect(page.locator(".jobs-rows")).to_contain_text("No jobs yet")


def test_a_job_shows_what_it_was_asked_and_what_it_did(visit: Visit, bench: Bench) -> None:
    job = bench.job("shown")
    bench.train()
    page = visit.open(f"/jobs/{job}")
    badge(page, "succeeded")
    expect(page.locator(".over")).to_have_text("shown · mlp on digits · seed 0")
    expect(page.locator(".facts")).to_contain_text("40 of 40")
    layer = page.get_by_role("row").filter(has_text="fc1")
    expect(layer).to_contain_text("32 of 64")
    expect(layer).to_contain_text("12.5\u202f%")
    expect(page.locator("pre.log")).to_have_text("trained with topk\n")
    expect(page.locator(".attempt")).to_contain_text("bench-1 on bench")
    expect(page.locator("pre.code").first).to_contain_text('"forward": 0.5')


def test_a_failed_job_says_why(visit: Visit, bench: Bench) -> None:
    job = bench.job()
    why = "the loss is nan at step 12; lower training.optimizer.lr"
    bench.finish(bench.start(), Outcome.FAILED, kind="diverged", message=why)
    page = visit.open(f"/jobs/{job}")
    badge(page, "failed")
    expect(page.locator(".banner")).to_have_text(f"diverged {why}")


def test_a_clone_begins_with_the_spec_of_its_origin(visit: Visit, bench: Bench) -> None:
    job = bench.job(seed=7, model={"name": "mlp", "hidden": [31]})
    page = visit.open(f"/jobs/{job}")
    page.get_by_role("link", name="Clone").click()
    expect(page.get_by_label("Hidden")).to_have_value("31")
    expect(page.get_by_label("Seeds")).to_have_value("7")


def test_points_flow_in_within_a_second_and_leave_the_view_alone(
    visit: Visit, bench: Bench
) -> None:
    bench.job("live")
    claim = bench.start()
    bench.step(claim, 1, train_loss=2.0)
    page = visit.open("/curves?smooth=0.5")
    expect(page.locator(".live")).to_have_text("Live")
    step = page.get_by_role("row").filter(has_text="topk").get_by_role("cell").nth(2)
    expect(step).to_have_text("1")
    page.set_viewport_size({"width": 1280, "height": 400})
    scrolled = page.locator("main").evaluate("main => (main.scrollTo(0, 120), main.scrollTop)")
    assert scrolled == 120
    began_s = time.monotonic()
    bench.step(claim, 25, train_loss=0.5)
    expect(step).to_have_text("25")
    assert time.monotonic() - began_s < 1.5
    assert page.locator("main").evaluate("main => main.scrollTop") == scrolled
    bench.finish(claim)
    expect(page.locator(".job .badge")).to_have_text("succeeded")


def test_a_long_curve_says_how_much_of_it_is_shown_and_what_is_not_finite(
    visit: Visit, bench: Bench
) -> None:
    bench.job()
    bench.train(steps=1000)
    page = visit.open("/curves")
    panel = page.get_by_role("region", name="Training loss")
    expect(panel).to_contain_text(re.compile(r"\d+ of 1,000 points, minimum and maximum kept"))
    bench.job(seed=1)
    claim = bench.start()
    bench.step(claim, 1, train_loss=float("nan"))
    bench.step(claim, 2, train_loss=1.0)
    expect(panel).to_contain_text("1 value not finite")


def test_a_service_that_goes_away_and_returns_is_noticed(visit: Visit, bench: Bench) -> None:
    visit.may_fail = True
    bench.job("before")
    page = visit.open("/")
    expect(page.locator(".live")).to_have_text("Live")
    bench.api.stop()
    expect(page.locator(".live")).to_have_text("Reconnecting")
    bench.api.start()
    bench.job("meanwhile", seed=5)
    expect(page.locator(".live")).to_have_text("Live", timeout=30_000)
    expect(page.locator(".jobs-foot")).to_contain_text("2 jobs")


def test_a_second_window_shares_the_stream_of_the_first(visit: Visit, bench: Bench) -> None:
    visit.open("/")
    expect(visit.page.locator(".live")).to_have_text("Live")
    second = visit.page.context.new_page()
    second.goto(f"{visit.url}/")
    expect(second.locator(".live")).to_have_text("Live")
    bench.job("seen by both")
    for page in (visit.page, second):
        expect(page.locator(".jobs-foot")).to_contain_text("1 job")
    visit.page.close()
    bench.job("seen by the heir", seed=1)
    expect(second.locator(".jobs-foot")).to_contain_text("2 jobs")
