"""What people do with the page from end to end, against a service with a worker that trains."""

import csv
import io
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

import migrations
from store.session import Database
from tests.system.installation import Installation, Valkey, long_spec
from tests.web.browser import Api, Visit, visiting
from tests.web.test_figures import take, words
from tests.web.test_looking import PAINTED

pytestmark = [pytest.mark.system, pytest.mark.needs("chromium")]


@dataclass
class Service:
    """Api, broker and a worker; each test adds its own jobs."""

    installation: Installation
    api: Api

    def job(self, name: str, steps: int = 100_000) -> str:
        spec = long_spec(steps)
        made: str = self.api.post("/jobs", {"spec": spec, "name": name})["id"]
        return made

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"{self.api.url}/api/v1{path}").raise_for_status()


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    # Not pytest's folder: that is too long for the path of a socket.
    home = Path(tempfile.mkdtemp(prefix="colrow-test-"))
    valkey = Valkey(home)
    valkey.start()
    url = f"sqlite:///{home}/colrow.db"
    migrations.upgrade(url)
    installation = Installation(home, url, valkey, Database(url))
    surroundings = installation.environment()
    own = {name: surroundings[name] for name in ("COLROW_BROKER_URL", "COLROW_HOME", "COLROW_DATA")}
    api = Api(url, **own).start()
    installation.start_worker()
    yield Service(installation, api)
    api.stop()
    installation.close()
    valkey.stop()
    shutil.rmtree(home)


@pytest.fixture
def visit(browser: Browser, service: Service) -> Iterator[Visit]:
    with visiting(browser, service.api.url) as made:
        yield made


def badge(page: Page, state: str) -> None:
    expect(page.locator("h1 .badge")).to_have_text(re.compile(state), timeout=30_000)


def press(page: Page, name: str) -> None:
    page.locator(".actions").get_by_role("button", name=name, exact=True).click()


def step(page: Page) -> int:
    """Read how far the job of the page is."""
    said = page.get_by_label("Progress").locator("dd").first.inner_text()
    return int(said.split(" ")[0].replace(",", ""))


def test_a_sweep_goes_from_the_form_over_live_curves_to_files_and_a_shared_link(
    visit: Visit, service: Service, browser: Browser
) -> None:
    page = visit.open("/new")
    page.get_by_label("Name", exact=True).fill("from the form")
    page.get_by_label("Hidden").fill("16")
    page.get_by_label("Epochs").fill("8")
    page.get_by_label("Forward ratio").fill("0.5")
    page.get_by_label("Seeds").fill("0-1")
    expect(page.get_by_test_id("planned")).to_have_text(re.compile(r"\d+\.\d\s%"))
    page.get_by_role("button", name="Submit 4 jobs").click()
    expect(page).to_have_url(re.compile(r"/compare\?sweep="))
    sweep = page.url.rpartition("sweep=")[2]

    # All that is seen from here on comes over the stream of events.
    page.get_by_role("link", name="Curves").click()
    loss = page.get_by_role("region", name="Training loss")
    expect(loss.locator("canvas").first).to_be_visible(timeout=30_000)
    expect(page.locator(".job .badge.succeeded")).to_have_count(4, timeout=60_000)
    expect(loss.get_by_role("img")).to_have_attribute("aria-label", re.compile("2 lines"))

    page.get_by_role("link", name="Compare").click()
    expect(page.locator("h1.answer")).to_contain_text("topk, keeping 50")
    row = page.get_by_role("row").filter(has_text="topk 50")
    expect(row).to_contain_text("2 seeds")

    menu = page.get_by_role("button", name="Save the figure Test accuracy")
    (topk,) = [
        one
        for one in csv.DictReader(io.StringIO(take(page, menu, "CSV").read_text()))
        if one["policy"] == "topk"
    ]
    told = service.get(f"/comparison?sweep={sweep}&y=best_test_accuracy").json()
    (group,) = [one for one in told["groups"] if one["policy"] == "topk"]
    assert float(topk["best_test_accuracy"]) == pytest.approx(group["y"]["mean"])
    assert float(topk["compute_reduction"]) == pytest.approx(group["x"]["mean"])
    svg = take(page, menu, "SVG")
    assert "from the form" in words(svg.read_text())
    sizes = opened(browser, svg), opened(browser, take(page, menu, "PNG"))
    assert sizes[1] == pytest.approx([3 * side for side in sizes[0]], abs=3)

    page.get_by_label("Search jobs").fill("topk")
    page.get_by_label("Margin, points").fill("5")
    page.get_by_role("radio", name="Spread over seeds").check()
    expect(page.locator(".jobs-foot")).to_contain_text("2 jobs")
    with visiting(browser, service.api.url) as other:
        other.page.goto(page.url)
        expect(other.page.locator("h1.answer")).to_have_text(page.locator("h1.answer").inner_text())
        expect(other.page.locator(".jobs-foot")).to_contain_text("2 jobs")
        expect(other.page.get_by_label("Margin, points")).to_have_value("5")
        expect(other.page.get_by_role("radio", name="Spread over seeds")).to_be_checked()
        mine, theirs = (one.locator("tbody").inner_text() for one in (page, other.page))
        assert theirs == mine


def opened(browser: Browser, file: Path) -> list[int]:
    """Show a picture as whoever gets it would, in a window of its own; gives its size."""
    context = browser.new_context()
    page = context.new_page()
    kind = "svg+xml" if file.read_bytes().lstrip().startswith(b"<") else "png"
    if kind == "svg+xml":
        ElementTree.parse(file)
    page.set_content("<img><canvas></canvas>")
    size: list[int] = page.evaluate(
        """async ([kind, bytes]) => {
          const image = document.querySelector('img');
          const blob = new Blob([Uint8Array.from(bytes)], { type: `image/${kind}` });
          image.src = URL.createObjectURL(blob);
          await image.decode();
          const canvas = document.querySelector('canvas');
          Object.assign(canvas, { width: image.naturalWidth, height: image.naturalHeight });
          canvas.getContext('2d').drawImage(image, 0, 0);
          return [canvas.width, canvas.height];
        }""",
        [kind, list(file.read_bytes())],
    )
    assert page.locator("canvas").evaluate(PAINTED) > 20
    context.close()
    return size


def test_a_job_is_watched_paused_resumed_cancelled_retried_and_cloned(
    visit: Visit, service: Service
) -> None:
    job = service.job("long")
    page = visit.open(f"/jobs/{job}")
    badge(page, "running")
    panel = page.get_by_role("region", name="Training loss")
    expect(panel.locator("canvas").first).to_be_visible(timeout=30_000)
    seen = page.get_by_label("Progress").locator("dd").first
    before = step(page)
    expect(seen).not_to_have_text(seen.inner_text())
    press(page, "Pause")
    badge(page, "paused")
    assert step(page) > before
    press(page, "Resume")
    badge(page, "running")
    expect(page.locator(".attempt")).to_have_count(2, timeout=30_000)
    expect(page.locator(".attempt").last).to_contain_text("went on from")
    press(page, "Cancel")
    badge(page, "cancelled")
    press(page, "Retry")
    badge(page, "running")
    press(page, "Cancel")
    badge(page, "cancelled")

    page.get_by_role("link", name="Clone").click()
    aside = page.get_by_role("region", name="Against the original")
    expect(aside).to_contain_text("Nothing was changed yet")
    page.get_by_label("Steps", exact=True).fill("30")
    page.get_by_label("each with its exact twin").uncheck()
    expect(aside).to_contain_text(re.compile(r"training.steps\s*100000\s*→\s*30"))
    page.get_by_role("button", name="Submit 1 job").click()
    expect(page).to_have_url(re.compile("/jobs/(?!" + job + ")"))
    badge(page, "succeeded")
    spec = service.get(f"/jobs/{page.url.rpartition('/')[2]}").json()["spec"]
    assert spec["training"]["steps"] == 30
