"""The built page is small, and asks nobody but its own service."""

import re

from benchmarks.parts.looking import STATIC, assets

MOST_BYTES = 400_000


def test_all_assets_together_take_less_than_400_kB_by_gzip():
    sizes = assets(STATIC)
    assert sum(sizes.values()) < MOST_BYTES, sorted(sizes.items(), key=lambda one: -one[1])[:8]


def test_the_page_begins_with_files_of_its_own_and_without_charts():
    index = (STATIC / "index.html").read_text()
    asked = re.findall(r'(?:src|href)="([^"]+)"', index)
    assert len(asked) >= 3
    assert all(path.startswith("/") and not path.startswith("//") for path in asked)
    assert not [path for path in asked if "charts" in path]
