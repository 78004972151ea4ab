"""What is done in the page happens in the service, and what happens there is seen here."""

import re
import time

import pytest
from playwright.sync_api import Page, expect

from store import jobs
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


def test_a_running_job_is_paused_and_resumed(visit: Visit, bench: Bench) -> None:
    job = bench.job("held")
    claim = bench.start()
    page = visit.open(f"/jobs/{job}")
    badge(page, "running")
    page.get_by_role("button", name="Pause").click()
    badge(page, "pause asked")
    expect(page.get_by_role("button", name="Pausing…")).to_be_disabled()
    bench.finish(claim, Outcome.PAUSED)
    badge(page, "paused")
    page.get_by_role("button", name="Resume").click()
    badge(page, "queued")
    expect(page.get_by_role("button", name="Pause")).to_have_count(0)


def test_a_job_that_used_up_its_time_is_retried_with_twice_as_much(
    visit: Visit, bench: Bench
) -> None:
    job = bench.job("slow", resources={"wall_time_s": 60})
    bench.finish(bench.start(), Outcome.FAILED, kind="wall_time", message="its time is up")
    page = visit.open(f"/jobs/{job}")
    expect(page.locator(".banner")).to_have_text("wall time its time is up")
    page.get_by_role("button", name="Retry with 2 min 00 s").click()
    badge(page, "queued")
    with bench.database.read() as session:
        assert jobs.get(session, job).spec["resources"]["wall_time_s"] == 120


def test_the_queue_tells_when_jobs_start_and_what_they_wait_for(visit: Visit, bench: Bench) -> None:
    bench.job("runs")
    claim = bench.start()
    bench.step(claim, 10, train_loss=1.0, steps_per_s=0.1)
    bench.job("next", seed=1)
    bench.job("wide", seed=2, resources={"devices": 4})
    page = visit.open("/queue")
    expect(page.get_by_role("row").filter(has_text="next")).to_contain_text("its turnin 5 min")
    wide = page.get_by_role("row").filter(has_text="wide")
    expect(wide).to_contain_text("a worker that owns 4 devices")
    expect(wide).to_contain_text("unknown")


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
    seen = page.locator("h1 .badge").bounding_box()
    assert seen is not None
    assert seen["height"] < 40, "it is a word in a line, no box"
    expect(page.locator(".banner")).to_have_text(f"diverged {why}")


def test_an_attempt_that_gave_way_to_another_job_is_not_called_lost(
    visit: Visit, bench: Bench
) -> None:
    job = bench.job()
    bench.give_back(bench.start(), kind="preempted", message="gave way at step 1")
    page = visit.open(f"/jobs/{job}")
    expect(page.locator(".attempt .badge")).to_have_text("gave way")
    expect(page.locator(".attempt")).not_to_contain_text("lost")


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


def test_a_long_name_pushes_nothing_out_of_sight_in_the_queue(visit: Visit, bench: Bench) -> None:
    bench.job("n" * 200)
    page = visit.open("/queue")
    table = page.get_by_role("group", name="1 job waiting")
    expect(table.get_by_role("cell", name="local")).to_be_in_viewport()
    assert table.evaluate("box => box.scrollWidth <= box.clientWidth")


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
