"""Networks and data sets of installed packages in the form, those that are broken too."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.web.browser import ROOT, Api, Visit, visiting

pytestmark = [pytest.mark.system, pytest.mark.needs("chromium")]

BROKEN = """\
[colrow.models]
halved = colrow_halved:NETWORK

[colrow.datasets]
missing = no_such_module:DATA
"""


@pytest.fixture
def visit(
    fresh_database_url: str, example_folder: Path, tmp_path: Path, browser: Browser
) -> Iterator[Visit]:
    """A service beside which two packages are installed, the second of which can't be imported."""
    facts = tmp_path / "colrow_halved-0.1.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: colrow-halved\nVersion: 0.1\n")
    (facts / "entry_points.txt").write_text(BROKEN)
    (tmp_path / "colrow_halved.py").write_text("raise RuntimeError('<b>half</b> of it is gone')\n")
    path = ":".join(map(str, (ROOT, example_folder, tmp_path)))
    api = Api(fresh_database_url, PYTHONPATH=path).start()
    with visiting(browser, api.url) as made:
        yield made
    api.stop()


def test_a_broken_package_is_told_of_and_the_other_one_is_used(visit: Visit) -> None:
    page = visit.open("/new")
    banner = page.get_by_role("region", name="Broken packages")
    expect(banner).to_contain_text("2 offers of installed packages can't be used")
    network, data = banner.get_by_role("listitem").all_inner_texts()
    assert network == (
        "network 'halved' of package colrow-halved 0.1 can't be used: "
        "RuntimeError: <b>half</b> of it is gone"
    )
    assert data.startswith("data set 'missing' of package colrow-halved 0.1 can't be used: Module")
    networks = page.get_by_label("Network")
    expect(networks.locator("option", has_text="halved")).to_have_count(0)
    networks.select_option("residual-mlp")
    page.get_by_label("Data set").select_option("tumours")
    page.get_by_label("Width").fill("20")
    expect(page.locator(".plan tbody tr").first).to_contain_text("embed")
    page.get_by_label("Seeds").fill("0")
    page.get_by_role("button", name="Submit 2 jobs").click()
    expect(page).to_have_url(re.compile("sweep="))
    expect(page.locator(".jobs-rows")).to_contain_text("residual-mlp · tumours")
