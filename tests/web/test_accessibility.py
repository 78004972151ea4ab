"""No page has a serious fault that axe finds, in either theme; all is reached and left by keys."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.web import stages
from tests.web.browser import PHONE, ROOT, Visit, sign_in, visiting
from tests.web.screenshots import settle
from tests.web.stages import Stage

pytestmark = [pytest.mark.system, pytest.mark.needs("chromium")]
AXE = ROOT / "web/node_modules/axe-core/axe.min.js"
SERIOUS = ("serious", "critical")
PAGES = (
    "/compare?sweep={plain}",
    "/compare?sweep={broken}&x=time_saved",
    "/compare?sweep={alone}",
    "/curves?sweep={plain}",
    "/table",
    "/layers?job={running}",
    "/diff?jobs={long},{failed},{running}",
    "/study?sweep={study}",
    "/queue",
    "/workers",
    "/tokens",
    "/new",
    "/new?yaml=1",
    "/new?kind=study",
    "/new?from={long}",
    "/jobs/{long}",
    "/jobs/{running}",
    "/jobs/{failed}",
    "/jobs/{queued}",
    "/jobs/none",
    "/nowhere",
)
EMPTY = ("/compare", "/curves", "/table", "/layers", "/diff", "/study", "/queue", "/workers")


DARK = {"runOnly": ["color-contrast"]}
"""What another theme can spoil."""


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stages.odd(tmp_path_factory.mktemp("odd")) as stage:
        yield stage


def findings(page: Page) -> list[str]:
    """Give what axe finds serious in both themes on the page as it stands: rule, place, why."""
    found = _run(page, {"resultTypes": ["violations"]})
    page.emulate_media(color_scheme="dark")
    found += [f"dark: {one}" for one in _run(page, DARK)]
    page.emulate_media(color_scheme="light")
    return found


def _run(page: Page, options: dict[str, Any]) -> list[str]:
    # Evaluated, as the page's own policy lets no foreign script in.
    page.evaluate(AXE.read_text())
    expect(page.locator(".stale")).to_have_count(0)  # pale until it is read again
    found = page.evaluate("options => axe.run(document, options)", options)
    return [
        f"{one['impact']}: {one['id']} at {node['target']}: {node['failureSummary']}"
        for one in found["violations"]
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_serious(odd: Stage, browser: Browser, path: str) -> None:
    with visiting(browser, odd.url) as visit:
        visit.may_fail = True
        page = visit.open(path.format_map({**odd.sweeps, **odd.jobs}))
        settle(page)
        assert findings(page) == []


def test_axe_finds_nothing_serious_where_there_is_nothing(tmp_path: Path, browser: Browser) -> None:
    with stages.empty(tmp_path) as stage, visiting(browser, stage.url) as visit:
        for path in EMPTY:
            settle(visit.open(path))
            assert findings(visit.page) == [], path


def test_axe_finds_nothing_serious_at_the_door_and_behind_it(
    tmp_path: Path, browser: Browser
) -> None:
    with stages.locked(tmp_path) as stage, visiting(browser, stage.url) as visit:
        visit.may_fail = True
        page = visit.open("/tokens")
        settle(page)
        assert findings(page) == []
        sign_in(page, "no such token")
        expect(page.get_by_role("alert")).to_be_visible()
        assert findings(page) == []
        sign_in(page, stage.secret)
        expect(page.get_by_role("button", name=re.compile("Revoke ada"))).to_be_visible()
        assert findings(page) == []
        page.get_by_role("button", name=re.compile("Revoke ada")).click()
        assert findings(page) == []


def test_axe_finds_nothing_serious_in_what_opens(odd: Stage, browser: Browser) -> None:
    """Menus, the dialog of keys, the bar of ticked jobs, and the drawer of a phone."""
    with visiting(browser, odd.url) as visit:
        page = visit.open("/table")
        settle(page)
        page.keyboard.press("?")
        assert findings(page) == []
        page.keyboard.press("Escape")
        page.locator(".job input").first.check()
        page.get_by_role("button", name="Tag", exact=True).click()
        page.locator("summary", has_text="Columns").click()
        expect(page.locator(".menu-panel")).to_be_visible()
        assert findings(page) == []
        page = visit.open(f"/compare?sweep={odd.sweeps['plain']}")
        page.get_by_role("button", name=re.compile("Save the figure")).click()
        expect(page.get_by_role("button", name="SVG")).to_be_visible()
        assert findings(page) == []
    with visiting(browser, odd.url, viewport=PHONE) as visit:
        page = visit.open(f"/compare?sweep={odd.sweeps['plain']}")
        settle(page)
        assert findings(page) == []
        page.get_by_role("button", name="Jobs", exact=True).click()
        assert findings(page) == []


FOCUSED = """() => {
  const at = document.activeElement;
  if (!at || at === document.body) return null;
  const ringed = [at, at.nextElementSibling].filter(Boolean);
  const box = at.getBoundingClientRect();
  return {
    name: at.getAttribute('aria-label') || at.innerText || at.id,
    tag: at.tagName,
    seen: ringed.some(one => getComputedStyle(one).outlineStyle !== 'none'),
    inside: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
  };
}"""


@pytest.mark.parametrize("path", ["/compare?sweep={plain}", "/table", "/new", "/jobs/{long}"])
def test_the_tab_key_goes_through_the_page_and_shows_where_it_is(
    odd: Stage, browser: Browser, path: str
) -> None:
    with visiting(browser, odd.url) as visit:
        page = visit.open(path.format_map({**odd.sweeps, **odd.jobs}))
        settle(page)
        page.keyboard.press("Tab")
        assert page.evaluate(FOCUSED)["name"] == "Skip to the content"
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_be_focused()
        names = []
        for _ in range(200):
            page.keyboard.press("Tab")
            at = page.evaluate(FOCUSED)
            if at is None or at["name"] == "Skip to the content":
                break
            assert at["seen"], at
            assert at["inside"], at
            names.append(at["name"])
        else:
            raise AssertionError(f"the end of the page is never reached: {names[-5:]}")
        assert len(names) >= 8, names


def test_the_tab_key_goes_from_the_tabs_to_the_jobs_to_the_page(look: Visit) -> None:
    page = look.open("/compare")
    settle(page)
    places = []
    for _ in range(80):
        page.keyboard.press("Tab")
        place = page.evaluate(
            "document.activeElement.closest('header.top, .side, main')?.className"
        )
        if places[-1:] != [place]:
            places.append(place)
        if place == "":  # main
            break
    assert places == [None, "top", "side", ""]


def test_a_menu_opens_and_closes_by_keys_and_gives_the_focus_back(look: Visit) -> None:
    page = look.open("/table")
    summary = page.locator("summary", has_text="Columns")
    summary.focus()
    page.keyboard.press("Enter")
    find = page.get_by_label("Find a column")
    expect(find).to_be_visible()
    find.focus()
    page.keyboard.press("Escape")
    expect(find).to_have_count(0)
    expect(summary).to_be_focused()


def test_the_bar_of_ticked_jobs_closes_its_panels_by_escape(look: Visit) -> None:
    page = look.open("/queue")
    tick = page.locator(".job input").first
    tick.focus()
    page.keyboard.press("Space")
    for name, inside in (("Tag", "Tag for the ticked jobs"), ("Delete", "Delete 1 job?")):
        opener = page.get_by_role("button", name=name, exact=True)
        opener.focus()
        page.keyboard.press("Enter")
        panel = page.get_by_label(inside)
        expect(panel).to_be_visible()
        page.keyboard.press("Escape")
        expect(panel).to_have_count(0)
        expect(opener).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Keep").press("Enter")
    expect(page.get_by_role("button", name="Delete", exact=True)).to_be_focused()


def test_the_drawer_of_a_phone_closes_by_escape_and_gives_the_focus_back(phone: Visit) -> None:
    page = phone.open("/compare")
    settle(page)
    drawer = page.get_by_role("button", name="Jobs", exact=True)
    drawer.press("Enter")
    search = page.get_by_label("Search jobs")
    expect(search).to_be_visible()
    search.focus()
    page.keyboard.press("Escape")
    expect(search).to_be_hidden()
    expect(drawer).to_be_focused()


def test_the_heads_of_a_table_are_sorted_by_keys(look: Visit) -> None:
    page = look.open("/compare")
    head = page.get_by_role("columnheader", name="Accuracy")
    head.get_by_role("button").press("Enter")
    expect(head).to_have_attribute("aria-sort", "descending")
