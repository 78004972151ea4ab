"""What each layer saves and misses: of one job, on a page of its own and on the job's."""

import re

import pytest
from playwright.sync_api import Browser, expect

from crs_core.events import LayerRow, Layers
from tests.web.bench import Bench
from tests.web.browser import Visit, visiting

pytestmark = [pytest.mark.system, pytest.mark.needs("chromium")]


def test_layers_say_which_saves_most_and_which_errs_most(visit: Visit, bench: Bench) -> None:
    job = bench.job("deep")
    bench.layers(bench.start())
    page = visit.open("/layers")
    answer = page.locator("h1.answer")
    expect(answer).to_contain_text("block2.conv saves most: 68\u202f% of all that is saved")
    expect(answer).to_contain_text("75\u202f% of its own work")
    expect(answer).to_contain_text("The weight gradient product of block3.conv errs most, by 13.0")
    expect(answer).to_contain_text("All layers together save 64.2\u202f%")
    expect(answer).to_contain_text("block3.conv never chose 30\u202f% of its pairs")
    picture = page.get_by_role("img", name=re.compile("block2.conv saves most"))
    expect(picture.locator(".layer-name").first).to_have_text("block1.conv")
    row = page.get_by_role("row").filter(has_text="block2.conv").first
    expect(row).to_contain_text("50 of 200")
    expect(row).to_contain_text("6.75\u202fM · 75.0\u202f%")
    page.get_by_role("radio", name="Error").check()
    expect(picture.locator(".layer-name").first).to_have_text("block3.conv")
    expect(page).to_have_url(re.compile("layer-order=error"))
    page.get_by_role("link", name="deep", exact=True).click()
    expect(page).to_have_url(re.compile(f"/jobs/{job}"))
    section = page.get_by_role("region", name="Layers", exact=True)
    expect(section).to_contain_text("block2.conv saves most")
    section.get_by_role("link", name="On a page of their own").click()
    expect(page).to_have_url(re.compile(f"/layers.*job={job}"))


def test_the_job_is_the_first_ticked_or_chosen_and_stands_in_the_address(
    visit: Visit, bench: Bench, browser: Browser
) -> None:
    first, second = bench.job("first"), bench.job("second", seed=1)
    bench.train()
    bench.train()
    page = visit.open("/layers")
    expect(page.locator(".over")).to_contain_text("second")  # the newest
    page.locator(".job").filter(has_text="first").get_by_role("checkbox").check()
    expect(page.locator(".over")).to_contain_text("first")
    page.get_by_label("Job", exact=True).select_option(second)
    expect(page.locator(".over")).to_contain_text("second")
    expect(page).to_have_url(re.compile(f"jobs={first}.*job={second}"))
    with visiting(browser, bench.api.url) as other:
        other.page.goto(page.url)
        expect(other.page.locator(".over")).to_contain_text("second")


def test_what_has_no_layers_says_so_and_what_to_do(visit: Visit, bench: Bench) -> None:
    page = visit.open("/layers")
    expect(page.get_by_role("heading", name="No layers yet")).to_be_visible()
    exact = bench.job("exact", approximation=[])
    bench.train()
    study = bench.study(methods=["nps"])
    page = visit.open(f"/layers?job={exact}")
    expect(page.get_by_role("heading", name="This job is exact")).to_be_visible()
    page = visit.open(f"/layers?sweep={study}")
    expect(page.get_by_role("heading", name="This is a study")).to_be_visible()


def test_the_first_report_appears_by_itself(visit: Visit, bench: Bench) -> None:
    job = bench.job("waits")
    page = visit.open(f"/layers?job={job}")
    expect(page.get_by_role("heading", name="No report yet")).to_be_visible()
    expect(page.locator(".empty")).to_contain_text("This job has not begun")
    expect(page.locator(".live")).to_have_text("Live")
    claim = bench.start()
    expect(page.locator(".empty")).to_contain_text("at the end of an epoch")
    bench.step(claim, 20, train_loss=1.0)
    bench.layers(claim)
    bench.step(claim, 21, train_loss=1.0)
    expect(page.locator("h1.answer")).to_contain_text("block2.conv saves most")


def test_a_job_that_is_gone_leaves_others_to_choose(visit: Visit, bench: Bench) -> None:
    visit.may_fail = True
    bench.job("there")
    bench.train()
    page = visit.open("/layers?job=019ab4f3-1c2d-7e4f-8a5b-6c7d8e9f0a1b")
    expect(page.get_by_role("heading", name="This job is not here")).to_be_visible()
    page.get_by_label("Job", exact=True).select_option(label="there · topk 50\u202f% · seed 0")
    expect(page.locator("h1.answer")).to_contain_text("fc1 alone saves")


def test_a_gradient_that_is_exact_and_yet_saves_says_why(visit: Visit, bench: Bench) -> None:
    job = bench.job("forward only")
    rows = [
        LayerRow(
            layer="fc1", product=product, policy=policy, ratio=ratio, pairs=64, kept=64 * ratio,
            exact_macs=1000, performed_macs=500,
        )
        for product, policy, ratio in (("forward", "topk", 0.5), ("grad_weight", "exact", 1.0))
    ]  # fmt: skip
    bench.record(bench.start(), [Layers(step=20, rows=tuple(rows))])
    page = visit.open(f"/layers?job={job}")
    picture = page.get_by_role("img", name=re.compile("fc1 saves most"))
    expect(picture.locator(".layer-row").last).to_contain_text("500 · 50\u202f%")
    said = "a pair left out of the forward product takes no part in the gradients either"
    expect(page.get_by_role("region", name="Layers in numbers")).to_contain_text(said)
