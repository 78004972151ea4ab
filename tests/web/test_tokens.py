"""Tokens, users and the log of changes: for admins, and clear to all others."""

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.web.bench import Bench, Lab
from tests.web.browser import Visit, sign_in, visiting

pytestmark = [pytest.mark.system, pytest.mark.needs("chromium")]


@pytest.fixture
def admin(browser: Browser, lab: Lab) -> Iterator[Page]:
    """The page as an admin sees it who came by its link."""
    with visiting(browser, lab.api.url) as visit:
        visit.may_fail = True  # the first answer is 401
        page = visit.open("/queue")
        sign_in(page, lab.token("root", "admin")[1])
        page.get_by_role("link", name="Tokens").click()
        expect(page.locator("h1")).to_have_text("Who may come in, and what they may use")
        yield page


def test_a_token_is_made_shown_once_used_and_revoked(admin: Page, lab: Lab) -> None:
    form = admin.get_by_role("form", name="Make a token")
    form.get_by_label("User").fill("ada")
    form.get_by_label("Role").select_option("viewer")
    form.get_by_label("Ends").select_option(label="in 7 days")
    form.get_by_label("What it is for").fill("laptop")
    form.get_by_role("button", name="Make the token").click()
    shown = admin.get_by_label(re.compile("The token of ada"))
    secret = shown.input_value()
    who = f"{lab.api.url}/api/v1/session"
    headers = {"Authorization": f"Bearer {secret}"}
    assert httpx.get(who, headers=headers).json()["role"] == "viewer"
    admin.get_by_role("button", name="Done").click()
    expect(shown).to_have_count(0)
    assert secret not in admin.content()
    row = admin.get_by_role("region", name="Tokens").last.get_by_role("row").filter(has_text="ada")
    expect(row).to_contain_text("laptop")
    expect(row).to_contain_text("in 7 days")
    row.get_by_role("button", name="Revoke ada's token laptop").click()
    expect(row.get_by_role("button", name="Keep")).to_be_focused()
    admin.keyboard.press("Escape")
    expect(row.get_by_role("button", name="Revoke ada's token laptop")).to_be_focused()
    assert httpx.get(who, headers=headers).status_code == 200
    row.get_by_role("button", name="Revoke ada's token laptop").click()
    row.get_by_role("button", name="Revoke it").click()
    expect(row).to_contain_text("revoked")
    assert httpx.get(who, headers=headers).status_code == 401


def test_a_name_that_will_not_do_is_told_at_its_field(admin: Page) -> None:
    form = admin.get_by_role("form", name="Make a token")
    form.get_by_label("User").fill("no spaces, please")
    form.get_by_role("button", name="Make the token").click()
    expect(admin.locator(".field-error").first).to_contain_text("letters, digits")
    expect(form.get_by_label("User")).to_have_value("no spaces, please")


def test_caps_are_set_and_given_back(admin: Page, lab: Lab) -> None:
    lab.token("ada")
    admin.reload()
    most = admin.get_by_label("Most running of ada")
    most.fill("2")
    admin.get_by_role("button", name="Save the caps of ada").click()
    expect(admin.get_by_role("status").filter(has_text="Saved")).to_be_visible()
    admin.reload()
    expect(most).to_have_value("2")
    most.fill("many")
    admin.get_by_role("button", name="Save the caps of ada").click()
    expect(admin.get_by_role("alert")).to_contain_text("whole number")
    most.fill("")
    most.press("Enter")
    expect(admin.get_by_role("status").filter(has_text="Saved")).to_be_visible()
    admin.reload()
    expect(most).to_have_value("")


def test_the_log_of_changes_is_paged_and_filtered(admin: Page, lab: Lab) -> None:
    _, ada = lab.token("ada")
    for n in range(60):
        lab.job(ada, f"job {n}", seed=n)
    admin.reload()
    log = admin.get_by_role("region", name="What was changed").last
    expect(log.get_by_role("row")).to_have_count(51)
    admin.get_by_role("button", name="Show older changes").click()
    expect(log.get_by_role("row").last).to_contain_text("root")
    admin.get_by_label("By", exact=True).select_option("ada")
    expect(log.get_by_role("row").nth(1)).to_contain_text("submitted a job")
    expect(admin).to_have_url(re.compile("who=ada"))
    log.get_by_role("link", name=re.compile("^job ")).first.click()
    expect(admin.locator(".over")).to_contain_text("job 59")


def test_who_is_no_admin_is_told_whom_to_ask(browser: Browser, lab: Lab) -> None:
    with visiting(browser, lab.api.url) as visit:
        visit.may_fail = True
        page = visit.open("/tokens")
        sign_in(page, lab.token("ada")[1])
        expect(page.get_by_role("heading", name="Tokens are for admins")).to_be_visible()
        expect(page.locator(".empty")).to_contain_text("signed in as ada, with the role user")
        expect(page.get_by_role("link", name="Tokens")).to_have_count(0)
        assert [text for text in visit.said if "403" in text] == []


def test_where_no_login_is_needed_it_says_what_a_token_is_for(visit: Visit, bench: Bench) -> None:
    bench.job("anyone's")
    page = visit.open("/compare")
    page.get_by_role("link", name="Tokens").click()
    note = page.get_by_role("note")
    expect(note).to_contain_text("No login is needed here")
    expect(note).to_contain_text("colrow up --host 0.0.0.0")
    expect(page.get_by_role("region", name="Tokens").last).to_contain_text("No token was made yet")
    expect(page.get_by_role("region", name="What was changed").last).to_contain_text("submitted")
