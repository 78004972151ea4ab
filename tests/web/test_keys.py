"""Keys that go places, and the dialog that names them."""

import re

import pytest
from playwright.sync_api import expect

from tests.web.browser import PHONE, Visit

pytestmark = [pytest.mark.system, pytest.mark.needs("chromium")]
TABS = ("compare", "curves", "table", "layers", "diff", "study", "queue")


def test_tabs_are_reached_by_number(look: Visit) -> None:
    page = look.open("/")
    expect(page.locator("h1")).to_be_visible()
    for place, path in [*enumerate(TABS, 1), ("n", "new")]:
        page.keyboard.press(str(place))
        expect(page).to_have_url(re.compile(f"/{path}$"))


def test_the_keys_are_named_in_a_dialog_that_gives_the_focus_back(look: Visit) -> None:
    page = look.open("/queue")
    expect(page.locator("h1")).to_be_visible()
    link = page.get_by_role("link", name="Curves")
    link.focus()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("button", name="Close")).to_be_focused()
    expect(dialog).to_contain_text("search the jobs")
    for place, path in enumerate(TABS, 1):
        expect(dialog).to_contain_text(re.compile(f"{place}\\s*{path}", re.I))
    page.keyboard.press("2")  # rests while the dialog is open
    expect(page).to_have_url(re.compile("/queue$"))
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(link).to_be_focused()
    page.get_by_role("button", name="Keys").click()
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Close").click()
    expect(page.get_by_role("button", name="Keys")).to_be_focused()


def test_keys_rest_while_one_types(look: Visit) -> None:
    page = look.open("/queue")
    page.get_by_label("Search jobs").fill("")
    page.get_by_label("Search jobs").press("?")
    page.get_by_label("Search jobs").press("2")
    expect(page.get_by_label("Search jobs")).to_have_value("?2")
    expect(page.get_by_role("dialog", name="Keys")).to_have_count(0)
    expect(page).to_have_url(re.compile("/queue"))


def test_keys_go_on_where_a_box_or_a_choice_has_the_focus(look: Visit) -> None:
    page = look.open("/curves")
    page.get_by_label("log scale").check()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("radio", name="Epochs").check()
    page.keyboard.press("/")
    expect(page.get_by_label("Search jobs")).to_be_focused()
    page.get_by_label("Smoothing").focus()
    page.keyboard.press("7")
    expect(page).to_have_url(re.compile("/queue"))


def test_a_new_job_is_no_clone_of_the_one_before(look: Visit) -> None:
    page = look.open("/")
    job = page.locator(".job-link").first.get_attribute("href")
    assert job is not None
    clone = f"/new?from={job.split('/')[-1].split('?')[0]}&preset=small&kind=study&q=topk"
    for go in (
        lambda: page.keyboard.press("n"),
        lambda: page.get_by_role("link", name="New job").click(),
    ):
        look.open(clone)
        expect(page.get_by_label("Name", exact=True)).to_be_visible()
        go()
        expect(page).to_have_url(re.compile(r"/new\?q=topk$"))


@pytest.mark.parametrize("path", ["/layers", "/workers", "/tokens"])
def test_a_phone_shows_these_pages_without_scrolling_sideways(phone: Visit, path: str) -> None:
    page = phone.open(path)
    expect(page.locator("h1").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert page.evaluate(
        "document.querySelector('main').scrollWidth <= document.querySelector('main').clientWidth"
    )
