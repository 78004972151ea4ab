"""Take the README's pictures of a running service: `python -m tests.web.screenshots`.

    python -m tests.web.screenshots --server http://127.0.0.1:8750 --out docs

Without `--server` it is the one at COLROW_SERVER, else on the port that `colrow up` takes. Without
`--sweep` it is the newest sweep.
"""

import argparse
import os
from pathlib import Path

from playwright.sync_api import expect

from tests.web.browser import ROOT, chromium, visiting

SIZE = {"width": 1360, "height": 860}
THEMES = ("light", "dark")


def take(server: str, out: Path, sweep: str | None) -> list[Path]:
    """Take Compare and Curves in both themes; gives the files."""
    out.mkdir(parents=True, exist_ok=True)
    query = f"?sweep={sweep}" if sweep else ""
    taken = []
    with chromium() as browser:
        for theme in THEMES:
            options = {"viewport": SIZE, "color_scheme": theme, "device_scale_factor": 2}
            with visiting(browser, server, **options) as visit:
                for name in ("compare", "curves"):
                    page = visit.open(f"/{name}{query}")
                    expect(page.locator("h1").first).to_be_visible()
                    expect(page.locator(".chart canvas").first).to_be_visible()
                    page.wait_for_load_state("load")
                    page.wait_for_timeout(500)  # the chart paints in the frame after
                    taken.append(out / f"{name}-{theme}.png")
                    page.screenshot(path=taken[-1])
    return taken


def main() -> None:
    """Read the command line, take the pictures, say where they are."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "--server", default=os.environ.get("COLROW_SERVER", "http://127.0.0.1:8750")
    )
    parser.add_argument("--out", type=Path, default=ROOT / "docs")
    parser.add_argument("--sweep", help="id of the sweep to compare; else the newest")
    asked = parser.parse_args()
    for path in take(asked.server.rstrip("/"), asked.out, asked.sweep):
        print(path)


if __name__ == "__main__":
    main()
