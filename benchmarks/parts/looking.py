"""Windows of a browser with the probe in them, and the page as it was built."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.web.browser import ROOT, WIDE

PROBE = Path(__file__).parent / "probe.js"
STATIC = ROOT / "api" / "static"


@dataclass
class Window:
    """A fresh window of the browser, and what it asked for and said."""

    page: Page
    address: str
    said: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        """Go to a path of the service."""
        self.page.goto(self.address + path, wait_until="commit")
        return self.page

    def heap_bytes(self) -> int:
        """Give what is left of the heap after a collection."""
        session = self.page.context.new_cdp_session(self.page)
        for _ in range(2):
            session.send("HeapProfiler.collectGarbage")
        used = int(session.send("Runtime.getHeapUsage")["usedSize"])
        session.detach()
        return used


@dataclass
class Looked:
    """What was seen in all windows together."""

    browser: Browser
    address: str
    complaints: list[str] = field(default_factory=list)

    @contextmanager
    def window(self) -> Iterator[Window]:
        """Open a window with nothing in its cache."""
        context = self.browser.new_context(viewport=WIDE, locale="en-GB")
        context.set_default_timeout(60_000)
        context.add_init_script(path=PROBE)
        page = context.new_page()
        window = Window(page, self.address)
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self._ask(request.url))
        yield window
        if page.evaluate("probe.violations"):
            self.complaints.append("a violation of the content security policy")
        context.close()

    def _ask(self, url: str) -> None:
        if not url.startswith((self.address, "blob:", "data:")):
            self.complaints.append(f"asked {url}")


def assets(folder: Path) -> dict[str, int]:
    """Measure every file of the built page as it is sent to browsers that take gzip."""
    return {
        str(path.relative_to(folder)): len(gzip.compress(path.read_bytes(), 9, mtime=0))
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
