"""Where a login is needed the page asks for a token, keeps a cookie for it, and what was typed."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.web.bench import BASE, Lab
from tests.web.browser import PHONE, Visit, sign_in, visiting

pytestmark = [pytest.mark.system, pytest.mark.needs("chromium")]


@pytest.fixture
def visit(browser: Browser, lab: Lab) -> Iterator[Visit]:
    with visiting(browser, lab.api.url) as made:
        made.may_fail = True  # 401 is what it is about
        yield made


def test_one_signs_in_submits_in_ones_own_name_and_signs_out(visit: Visit, lab: Lab) -> None:
    _, secret = lab.token("ada")
    page = visit.open("/new")
    expect(page.get_by_role("heading", name="Sign in to Colrow")).to_be_visible()
    expect(page.locator(".frame")).to_have_count(0)
    sign_in(page, "colrow_" + "x" * 43)
    expect(page.get_by_role("alert")).to_have_text(
        "This is no token of this service. An admin makes a new one with colrow token create."
    )
    expect(page.get_by_role("alert").locator("code")).to_have_text("colrow token create")
    sign_in(page, f"  {secret} ")
    expect(page.locator(".who")).to_contain_text("ada")
    expect(page.locator(".live")).to_have_text("Live")
    page.get_by_label("Name", exact=True).fill("by ada")
    page.get_by_role("button", name=re.compile("^Submit")).click()
    expect(page).to_have_url(re.compile("sweep="))
    assert lab.sweeps(secret) == [("by ada", "ada")]

    (cookie,) = page.context.cookies()
    assert cookie["name"] == f"colrow_{lab.api.port}"
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"
    assert secret not in cookie["value"]
    page.reload()
    expect(page.locator(".who")).to_contain_text("ada")
    with page.expect_download() as begun:
        page.evaluate("() => { location.href = '/api/v1/export?table=jobs' }")
    assert ",ada," in begun.value.path().read_text()

    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in to Colrow")).to_be_visible()
    assert page.context.cookies() == []
    assert lab.sweeps(secret) == [("by ada", "ada")]  # the token itself goes on


def test_what_is_typed_outlives_the_session(visit: Visit, lab: Lab) -> None:
    first, secret = lab.token("ada")
    page = visit.open("/new")
    sign_in(page, secret)
    name = page.get_by_label("Name", exact=True)
    name.fill("long thought about")
    page.get_by_label("Learning rate").fill("0.0123")
    lab.revoke(first)
    page.get_by_role("button", name=re.compile("^Submit")).click()
    dialog = page.get_by_role("dialog", name="Sign in again")
    expect(dialog).to_contain_text("What you typed is still there")
    expect(dialog.get_by_label("Token")).to_be_focused()
    sign_in(page, secret)
    expect(page.get_by_role("alert").filter(has_text="was revoked")).to_be_visible()
    _, second = lab.token("ada")
    sign_in(page, second)
    expect(dialog).to_have_count(0)
    expect(name).to_have_value("long thought about")
    expect(page.get_by_label("Learning rate")).to_have_value("0.0123")
    expect(page.locator(".live")).to_have_text("Live")
    page.get_by_role("button", name=re.compile("^Submit")).click()
    expect(page).to_have_url(re.compile("sweep="))
    assert lab.sweeps(second) == [("long thought about", "ada")]


def test_a_viewer_is_told_why_nothing_is_submitted(visit: Visit, lab: Lab) -> None:
    _, secret = lab.token("vic", "viewer")
    page = visit.open("/new")
    sign_in(page, secret)
    expect(page.locator(".who")).to_contain_text("vic (viewer)")
    page.get_by_role("button", name=re.compile("^Submit")).click()
    expect(page.get_by_role("alert")).to_contain_text("needs the role user")
    assert lab.sweeps(secret) == []


def test_the_sign_in_fits_a_phone(browser: Browser, lab: Lab) -> None:
    with visiting(browser, lab.api.url, viewport=PHONE, color_scheme="dark") as visit:
        visit.may_fail = True
        page = visit.open("/")
        expect(page.get_by_role("button", name="Sign in")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        sign_in(page, lab.token("ada")[1])
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_who_may_not_change_a_job_reads_why(visit: Visit, lab: Lab) -> None:
    _, ada = lab.token("ada")
    _, bo = lab.token("bo")
    _, guest = lab.token("guest", "viewer")
    lab.api.headers = {"Authorization": f"Bearer {ada}"}
    lab.api.post("/jobs", {"spec": BASE, "name": "of ada"})
    page = visit.open("/curves")
    sign_in(page, guest)
    page.get_by_label("Tick all shown").check()
    bar = page.get_by_role("region", name="Ticked jobs")
    expect(bar).to_contain_text("You look here as a viewer")
    for name in ("Tag", "Clone", "Cancel", "Pause", "Delete"):
        expect(bar.get_by_role("button", name=name)).to_be_disabled()
    expect(bar.get_by_role("button", name="Export CSV")).to_be_enabled()
    page.get_by_role("button", name="Sign out").click()
    sign_in(page, bo)
    bar.get_by_role("button", name="Cancel").click()
    expect(bar.get_by_role("status")).to_contain_text("1 belongs to somebody else.")
