"""Studies of products: submitted by the form, drawn on their own page, left out of Compare."""

import re

import pytest
from playwright.sync_api import expect

from tests.web.bench import Bench
from tests.web.browser import Visit
from tests.web.test_looking import PAINTED

pytestmark = [pytest.mark.system, pytest.mark.needs("chromium")]


def test_the_errors_of_methods_are_drawn_beside_bound_and_expectation(
    visit: Visit, bench: Bench
) -> None:
    sweep = bench.study()
    page = visit.open(f"/study?sweep={sweep}")
    expect(page.locator("h1")).to_have_text("100 × 80 · 80 × 60, normal(0,1): 3 methods")
    chart = page.get_by_role("img", name=re.compile("Frobenius error over Share of pairs kept"))
    expect(chart).to_be_visible()
    assert chart.locator("canvas").first.evaluate(PAINTED) > 10
    legend = page.get_by_role("region", name="Error", exact=True).locator(".legend")
    expect(legend).to_contain_text("dotted: what is expected")
    expect(legend).to_contain_text("the bound of norm-proportional sampling")
    cells = page.get_by_role("row").filter(has_text="topk").get_by_role("cell")
    expect(cells.nth(1)).to_have_text("0.2351")
    page.get_by_role("radio", name="Spectral").check()
    expect(cells.nth(1)).to_have_text("0.0825")
    expect(legend).not_to_contain_text("dotted")
    page.get_by_role("radio", name="Logarithmic").check()
    page.get_by_role("radio", name="Work").check()
    expect(page).to_have_url(re.compile("error=spectral_error.*scale=log.*against=work"))


def test_a_study_has_a_page_of_its_own_and_no_place_in_compare(visit: Visit, bench: Bench) -> None:
    bench.study(methods=["svd"])
    page = visit.open("/compare")
    expect(page.get_by_role("heading", name="These are studies")).to_be_visible()
    page.get_by_role("link", name="See their errors").click()
    expect(page.locator("h1")).to_contain_text("1 method")
    page.locator(".job-link").first.click()
    expect(page.locator("h1")).to_contain_text("svd")
    expect(page.get_by_label("Progress").first).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("Frobenius error"))).to_be_visible()
    page.get_by_role("link", name="Curves").click()
    expect(page.get_by_role("heading", name="No curves yet")).to_be_visible()


def test_a_method_that_does_not_fit_is_told_before_it_is_submitted(visit: Visit) -> None:
    visit.may_fail = True
    page = visit.open("/new?kind=study")
    page.get_by_label("random walk").check()
    expect(page.get_by_role("alert")).to_contain_text("needs matrices without negative entries")
    expect(page.get_by_role("button", name="Submit 4 jobs")).to_be_disabled()
    page.get_by_label("Entries", exact=True).select_option("exponential")
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.get_by_role("button", name="Submit 4 jobs")).to_be_enabled()


def test_a_study_is_submitted_with_other_methods_beside_it(visit: Visit, bench: Bench) -> None:
    visit.may_fail = True
    page = visit.open("/study")
    expect(page.get_by_role("heading", name="No study here yet")).to_be_visible()
    page.get_by_role("link", name="Submit one").click()
    page.get_by_label("Draws", exact=True).fill("0")
    field = page.locator(".field").filter(has=page.get_by_label("Draws", exact=True))
    expect(field.locator(".field-error")).to_be_visible()
    page.get_by_label("Draws", exact=True).fill("7")
    page.get_by_label("bernoulli").uncheck()
    page.get_by_label("random projection").check()
    page.get_by_label("Entries of the second factor").select_option("exponential")
    page.get_by_role("button", name="Submit 3 jobs").click()
    expect(page).to_have_url(re.compile(r"/study\?sweep="))
    specs = [bench.claim().spec for _ in range(3)]
    assert [spec.method.name for spec in specs] == ["nps", "topk", "random_projection"]
    assert {spec.draws for spec in specs} == {7}
    assert {str(spec.distribution_b) for spec in specs} == {"exponential(1)"}


def test_a_study_begins_with_a_preset_of_a_figure(visit: Visit, bench: Bench) -> None:
    page = visit.open("/new?kind=study")
    presets = page.get_by_label("Preset")
    expect(presets.locator("optgroup[label='MLP on MNIST']")).to_have_count(0)
    expect(presets.locator("optgroup[label='Figure 1b'] option")).to_have_count(3)
    presets.select_option("figure1a-topk")
    expect(page.get_by_text("Error of sampled products of 100 x 100 matrices")).to_be_visible()
    page.get_by_role("button", name="Submit 1 job").click()
    expect(page).to_have_url(re.compile(r"/study\?sweep=|/jobs/"))
    spec = bench.claim().spec
    assert (spec.method.name, str(spec.distribution)) == ("topk", "normal(1,1)")
    page = visit.open("/new?kind=training")
    page.get_by_role("radio", name="Training").check()
    expect(page.get_by_label("Preset").locator("optgroup[label='MLP on MNIST']")).to_have_count(1)
    expect(page.get_by_label("Preset").locator("optgroup[label='Figure 1b']")).to_have_count(0)
