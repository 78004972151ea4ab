"""From POST to the page: a real worker trains, the browser shows it."""

import re

import pytest
from playwright.sync_api import expect

from store import tokens
from tests.system.installation import Installation, tiny_spec
from tests.web.browser import Api, chromium, sign_in, visiting

pytestmark = [pytest.mark.system, pytest.mark.needs("chromium")]


def test_a_sweep_that_is_posted_is_trained_and_compared_on_the_page(either: Installation) -> None:
    either.start_worker()
    environment = {
        "COLROW_BROKER_URL": either.broker.url,
        "COLROW_HOME": str(either.home),
        "COLROW_DATA": str(either.home / "datasets"),
    }
    secret = None
    if either.database_url.startswith("postgresql"):  # shared: nobody is let in without a token
        with either.database.write() as session:
            secret = tokens.issue(session, "ada", "admin", expires_in_s=3600).secret
    api = Api(either.database_url, token=secret, **environment).start()
    try:
        with chromium() as browser, visiting(browser, api.url) as visit:
            page = visit.open("/")
            if secret is not None:
                visit.may_fail = True  # what the page asks before it signs in
                sign_in(page, secret)
            expect(page.get_by_role("heading", name="Nothing to compare yet")).to_be_visible()
            variants = [
                {"approximation": []},
                {"approximation": [{"policy": "topk", "forward": 0.5, "min_samples": 1}]},
            ]
            base = tiny_spec(**{"training.epochs": 2})
            sweep = {"name": "posted", "base": base, "axes": {"seed": [0]}, "variants": variants}
            api.post("/sweeps", sweep)
            expect(page.locator(".over")).to_contain_text("posted")
            # Nothing is loaded anew by hand: what comes now came over the stream of events.
            expect(page.locator(".job .badge.succeeded")).to_have_count(2, timeout=60_000)
            row = page.get_by_role("row").filter(has_text="topk 50")
            expect(row).to_contain_text(re.compile(r"points (below|above) exact|level with exact"))
            expect(row).to_contain_text(re.compile(r"[45]\d\.\d\s%"))
            row.get_by_role("link").click()
            loss = page.get_by_role("region", name="Training loss")
            expect(loss.locator("canvas").first).to_be_visible()
    finally:
        api.stop()
