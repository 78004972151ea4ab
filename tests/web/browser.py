"""Chromium as the tests drive it, and the api process whose page it opens."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[2]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDE = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
REFUSED = "Failed to load resource"
"""What Chromium itself says of an answer that is no success; no page can silence it."""


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium without a window."""
    path = shutil.which(os.environ.get("COLROW_TEST_CHROMIUM", "chromium"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


def free_port() -> int:
    """Find a port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def sign_in(page: Page, secret: str) -> None:
    """Fill in the form that asks for a token."""
    page.get_by_label("Token").fill(secret)
    page.get_by_role("button", name="Sign in").click()


@dataclass
class Visit:
    """A page and everything that it said on the console; `may_fail` where refusals are wanted."""

    page: Page
    url: str
    said: list[str] = field(default_factory=list)
    may_fail: bool = False

    def open(self, path: str) -> Page:
        self.page.goto(self.url + path)
        return self.page

    def complaints(self) -> list[str]:
        return [text for text in self.said if not (self.may_fail and REFUSED in text)]


@contextlib.contextmanager
def visiting(browser: Browser, url: str, **options: Any) -> Iterator[Visit]:
    """Open a fresh window; at the end nothing may stand on the console, no violation either."""
    context = browser.new_context(**{"viewport": WIDE, "locale": "en-GB", **options})
    context.set_default_timeout(15_000)
    page = context.new_page()
    visit = Visit(page, url)
    page.on("console", lambda message: visit.said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: visit.said.append(f"error: {error}"))
    yield visit
    context.close()
    assert visit.complaints() == [], visit.complaints()


class Api:
    """`python -m api` on a port of its own, which it keeps over a restart."""

    def __init__(self, database_url: str, *, token: str | None = None, **environment: str) -> None:
        assert (ROOT / "api/static/index.html").is_file(), "the page is not built: run make setup"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        kept = {k: v for k, v in os.environ.items() if not k.startswith("COLROW_")}
        own = {"COLROW_DATABASE_URL": database_url, "COLROW_PORT": str(self.port)}
        self.environment: Mapping[str, str] = kept | own | environment
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Api":
        self.process = subprocess.Popen(
            [sys.executable, "-m", "api"],
            cwd=ROOT,
            env=dict(self.environment),
            stderr=subprocess.DEVNULL,
        )
        end_s = time.monotonic() + 60
        while time.monotonic() < end_s:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/healthz").is_success:
                    return self
            assert self.process.poll() is None, "the api ended at its start"
            time.sleep(0.05)
        raise AssertionError("the api did not start")

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(30)
            self.process = None

    def kill(self) -> None:
        """End it without a chance to say goodbye to anybody."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(30)
            self.process = None

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        answer = httpx.post(f"{self.url}/api/v1{path}", json=body, headers=self.headers)
        assert answer.status_code in (201, 202), answer.text
        made: dict[str, Any] = answer.json()
        return made
