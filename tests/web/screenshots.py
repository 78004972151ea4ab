"""Take a picture of every page and state: `python -m tests.web.screenshots`.

    python -m tests.web.screenshots --only 'compare.*phone'     # some of them
    python -m tests.web.screenshots --server http://127.0.0.1:8750   # of a service that is there

The README's own (a first screen of `colrow/examples/demo-mnist.yaml` with five seeds, by
`--server`) go to docs/, all others, of pages as high as what they show, to build/screenshots.
"""

import argparse
import contextlib
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, Route, expect

from colrow import Client
from tests.web import stages
from tests.web.browser import ROOT, Visit, chromium, free_port, sign_in, visiting
from tests.web.stages import Stage

THEMES = ("light", "dark")
SIZES = {
    "1280": ({"width": 1280, "height": 800}, 1, THEMES),
    "phone": ({"width": 390, "height": 844}, 1, THEMES),
    "wide": ({"width": 2200, "height": 1200}, 1, THEMES[:1]),
    "zoom": ({"width": 640, "height": 400}, 2, THEMES[1:]),  # 1280 x 800 at 200 %
}
LOOKS = [(size, theme) for size, (_, _, themes) in SIZES.items() for theme in themes]
HIGHEST = 3000
README = {"width": 1280, "height": 800}


@dataclass(frozen=True)
class View:
    """A page in a state: where it is, and what is done there before the picture."""

    name: str
    path: Callable[[Stage], str]
    act: Callable[[Page], None]
    failing: bool
    signs_in: bool
    sizes: Sequence[str]


def at(
    name: str,
    path: str,
    act: Callable[[Page], None] = lambda _page: None,
    *,
    failing: bool = False,
    signs_in: bool = False,
    sizes: Sequence[str] = tuple(SIZES),
) -> View:
    """Give the view of a path with `{names}` of the stage's jobs and sweeps in it."""

    def place(stage: Stage) -> str:
        return path.format_map({**stage.sweeps, **stage.jobs})

    return View(name.replace("/", "-"), place, act, failing, signs_in, sizes)


def _menu(label: str) -> Callable[[Page], None]:
    return lambda page: page.locator("summary", has_text=label).first.click()


def _press(name: str) -> Callable[[Page], None]:
    return lambda page: page.get_by_role("button", name=re.compile(name)).first.click()


def _tick(page: Page) -> None:
    """Tick the first three jobs, which on a phone lie in a drawer."""
    drawer = page.get_by_role("button", name="Jobs", exact=True)
    if drawer.is_visible():
        drawer.click()
    for place in range(3):
        page.locator(".job input").nth(place).check()


def _hover(page: Page) -> None:
    """Point at the middle of the chart's points."""
    box = page.locator(".chart canvas").first.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.62, box["y"] + box["height"] * 0.4)


BUSY = (
    at("compare", "/compare?sweep={demo}"),
    at("compare-time", "/compare?sweep={demo}&x=time_saved"),
    at("compare-all", "/compare?sweep={demo}&range=all&bars=spread"),
    at("compare-menu", "/compare?sweep={demo}", _press("Save the figure")),
    at("curves", "/curves?sweep={demo}"),
    at("table", "/table?sweep={demo}"),
    at("layers", "/layers?sweep={demo}"),
    at("diff", "/diff?sweep={demo}", _tick),
    at("study", "/study?sweep={study}"),
    at("queue", "/queue"),
    at("new", "/new"),
    at("new-yaml", "/new?yaml=1"),
    at("new-study", "/new?kind=study"),
    at("job-done", "/jobs/{done}"),
    at("job-running", "/jobs/{running}"),
    at("job-failed", "/jobs/{failed}"),
    at("job-queued", "/jobs/{queued}"),
    at("workers", "/workers"),
    at("tokens", "/tokens"),
    at("keys", "/queue", lambda page: page.keyboard.press("?")),
    at("nowhere", "/nowhere"),
)
ODD = (
    at("odd-compare", "/compare?sweep={plain}"),
    at("odd-alone", "/compare?sweep={alone}"),
    at("odd-diverged", "/compare?sweep={broken}"),
    at("odd-all", "/compare"),
    at("odd-curves", "/curves"),
    at("odd-curves-diverged", "/curves?sweep={broken}"),
    at("odd-table", "/table"),
    at("odd-table-columns", "/table", _menu("Columns")),
    at("odd-layers", "/layers"),
    at("odd-diff", "/diff", _tick),
    at("odd-study", "/study?sweep={study}"),
    at("odd-queue", "/queue"),
    at("odd-workers", "/workers"),
    at("odd-job-long", "/jobs/{long}"),
    at("odd-job-failed", "/jobs/{failed}"),
    at("odd-job-diverged", "/jobs/{diverged}"),
    at("odd-job-running", "/jobs/{running}"),
    at("odd-clone", "/new?from={long}"),
)
PAGES = (
    "compare",
    "curves",
    "table",
    "layers",
    "diff",
    "study",
    "queue",
    "new",
    "workers",
    "tokens",
)
FEW = ("1280", "phone")
EMPTY = tuple(at(f"empty-{page}", f"/{page}", sizes=FEW) for page in PAGES)
FAILING = tuple(
    at(f"failing-{page}", f"/{page}", failing=True, sizes=FEW) for page in (*PAGES, "jobs/none")
)
LOCKED = (
    at("sign-in", "/"),
    at("sign-in-refused", "/", lambda page: sign_in(page, "no such token")),
    at("signed-in-tokens", "/tokens", signs_in=True),
)
README_VIEWS = (at("readme", "/compare"),)
STAGES = (
    ("empty", stages.empty, (*EMPTY, *FAILING)),
    ("locked", stages.locked, LOCKED),
    ("odd", stages.odd, ODD),
)


def settle(page: Page) -> None:
    """Wait until nothing loads and the charts have painted."""
    page.locator("main :is(h1, h2), .sign-in-form").first.wait_for()
    expect(page.locator("main .loading, .jobs .loading")).to_have_count(0)
    page.wait_for_timeout(350)  # the chart paints in the frame after


def whole(page: Page) -> None:
    """Make the window as high as what it shows."""
    size = page.viewport_size
    assert size
    hidden = page.evaluate(
        "(() => { const main = document.querySelector('main');"
        " return main ? main.scrollHeight - main.clientHeight : 0; })()"
    )
    if hidden > 0:
        page.set_viewport_size(
            {"width": size["width"], "height": min(HIGHEST, size["height"] + hidden)}
        )
        page.wait_for_timeout(200)


@dataclass
class Camera:
    """Where pictures go, and which are taken."""

    browser: Browser
    out: Path
    only: re.Pattern[str]

    def wants(self, views: Sequence[View]) -> bool:
        return any(list(self._wanted(views, *look)) for look in LOOKS)

    def _wanted(self, views: Sequence[View], size: str, theme: str) -> Iterator[tuple[View, str]]:
        for view in views:
            name = f"{view.name}-{size}-{theme}"
            if size in view.sizes and self.only.search(name):
                yield view, name

    def take(self, stage: Stage, views: Sequence[View]) -> None:
        for size, theme in LOOKS:
            wanted = list(self._wanted(views, size, theme))
            if not wanted:
                continue
            viewport, scale, _ = SIZES[size]
            options = {"viewport": viewport, "color_scheme": theme, "device_scale_factor": scale}
            with visiting(self.browser, stage.url, **options) as visit:
                visit.may_fail = True
                for view, name in wanted:
                    visit.page.set_viewport_size(viewport)
                    visit.page.mouse.move(0, 0)
                    self._take(visit, stage, view, name)

    def _take(self, visit: Visit, stage: Stage, view: View, name: str) -> None:
        if view.failing:
            visit.page.route("**/api/v1/**", _refuse)
        page = visit.open(view.path(stage))
        if view.signs_in:
            sign_in(page, stage.secret)
        settle(page)
        view.act(page)
        settle(page)
        whole(page)
        page.screenshot(path=self.out / f"{name}.png")
        print(self.out / f"{name}.png", flush=True)
        page.unroute_all()


def _refuse(route: Route) -> None:
    """Answer as a service does whose database is away; who one is stays known."""
    if route.request.url.endswith("/session"):
        route.continue_()
        return
    body = (
        '{"type": "about:blank", "title": "The database does not answer", "status": 503,'
        ' "detail": "The database at db.example.org does not answer; try again in a minute."}'
    )
    route.fulfill(status=503, content_type="application/problem+json", body=body)


def readme(browser: Browser, stage: Stage, out: Path) -> None:
    """Take the README's pictures: the first screen of Compare in both themes."""
    for theme in THEMES:
        with visiting(browser, stage.url, viewport=README, color_scheme=theme) as visit:
            page = visit.open(f"/compare?sweep={stage.sweeps['demo']}&margin=1")
            settle(page)
            page.screenshot(path=out / f"compare-{theme}.png")
            print(out / f"compare-{theme}.png", flush=True)


def existing(url: str) -> Stage:
    """Find in a service that is there what the pictures name: the newest sweep of each kind."""
    with Client(url, token="") as client:
        sweeps = {"demo": "", "study": ""}
        for sweep in client.sweeps():
            kind = "study" if "figure" in sweep["name"] else "demo"
            sweeps[kind] = sweeps[kind] or sweep["id"]
        by_state = {job["state"]: job["id"] for job in client.jobs()}
    states = {"done": "succeeded", "running": "running", "failed": "failed", "queued": "queued"}
    return Stage(url, {n: by_state.get(state, "none") for n, state in states.items()}, sweeps)


def main() -> None:
    """Read the command line, set up each service in turn and take its pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--server", help="take the pictures of trained jobs from this service")
    parser.add_argument("--out", type=Path, default=ROOT / "build/screenshots")
    parser.add_argument("--docs", type=Path, default=ROOT / "docs")
    parser.add_argument("--only", default="", help="a pattern: the names of the pictures to take")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, chromium() as browser:
        camera = Camera(browser, asked.out, re.compile(asked.only))
        for name, stage, views in STAGES:
            if not camera.wants(views):
                continue
            Path(scratch, name).mkdir(exist_ok=True)
            with stage(Path(scratch, name)) as there:
                camera.take(there, views)
        if not camera.wants((*BUSY, *README_VIEWS)):
            return
        with _trained(asked.server, Path(scratch, "busy")) as there:
            camera.take(there, BUSY)
            if camera.wants(README_VIEWS):
                readme(browser, there, asked.docs)


@contextlib.contextmanager
def _trained(server: str | None, folder: Path) -> Iterator[Stage]:
    if server:
        yield existing(server.rstrip("/"))
        return
    with stages.busy(folder, free_port()) as there:
        yield there


if __name__ == "__main__":
    main()
