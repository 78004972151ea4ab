"""Where a login is needed the page asks for a token, remembers it by a cookie, and keeps what is typed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from playwright.sync_api import Browser, expect

from store import tokens
from store.session import Database
from store.tokens import Role
from tests.web.browser import PHONE, Api, Visit, sign_in, visiting

pytestmark = [pytest.mark.system, pytest.mark.needs("chromium")]


@dataclass
class Lab:
    """A service that asks for a token, and how to make one."""

    api: Api
    database: Database

    def token(self, user: str, role: Role = "user") -> tuple[str, str]:
        """Give a new token's id and secret."""
        with self.database.write() as session:
            made = tokens.issue(session, user, role, expires_in_s=3600)
        return made.token.id, made.secret

    def revoke(self, token_id: str) -> None:
        with self.database.write() as session:
            tokens.revoke(session, token_id)

    def sweeps(self, secret: str) -> list[tuple[str, str]]:
        headers = {"Authorization": f"Bearer {secret}"}
        answer = httpx.get(f"{self.api.url}/api/v1/sweeps", headers=headers).json()
        return [(sweep["name"], sweep["owner"]) for sweep in answer["items"]]


@pytest.fixture
def lab(fresh_database_url: str) -> Iterator[Lab]:
    database = Database(fresh_database_url)
    with database.write() as session:
        tokens.issue(session, "root", "admin", expires_in_s=3600)
    api = Api(fresh_database_url, COLROW_PRIVATE="1").start()
    yield Lab(api, database)
    api.stop()
    database.close()


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
