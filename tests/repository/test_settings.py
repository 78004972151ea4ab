"""The table of variables in docs/operations.md is that of the settings classes.

When it fails: `python -m tests.repository.test_settings` writes the table anew.
"""

import re
from pathlib import Path
from typing import Any

from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

import api.settings
import worker.settings

ROOT = Path(__file__).parents[2]
DOC = ROOT / "docs" / "operations.md"
HEAD = "| variable | of | says | default |\n|---|---|---|---|\n"
PROCESSES: dict[str, tuple[type[BaseSettings], ...]] = {
    "api": (api.settings.Settings, api.settings.LogSettings),
    "worker": (worker.settings.Settings, worker.settings.LogSettings),
    "notifier": (worker.settings.NotifierSettings, worker.settings.LogSettings),
}


def shown(default: Any) -> str:
    match default:
        case None | ():
            return "–"
        case bool():
            return "on" if default else "off"
        case float():
            return f"{default:g}"
        case Path():
            return f"`{default.relative_to(ROOT)}`"
        case str():
            return f"`{default}`"
        case _:
            return "must be set" if default is PydanticUndefined else str(default)


def table() -> str:
    """Make a row for each variable; one that means the same to several processes has one."""
    rows: dict[tuple[str, str, str], list[str]] = {}
    for process, classes in PROCESSES.items():
        for name, field in {n: f for c in classes for n, f in c.model_fields.items()}.items():
            said = (field.description or "").removesuffix(".").replace("<", "&lt;")
            key = (f"`COLROW_{name.upper()}`", said, shown(field.default))
            rows.setdefault(key, []).append(process)
    lines = [
        f"| {name} | {', '.join(of)} | {said} | {default} |"
        for (name, said, default), of in sorted(rows.items())
    ]
    return HEAD + "\n".join(lines) + "\n"


def marked(text: str) -> tuple[str, str, str]:
    before, begin, rest = text.partition("<!-- settings -->\n")
    inside, end, after = rest.partition("<!-- /settings -->")
    return before + begin, inside, end + after


def test_every_setting_of_every_process_is_documented_as_it_is():
    assert marked(DOC.read_text())[1] == table(), __doc__


def test_every_setting_says_what_it_is():
    assert not re.search(r"\|  \|", table())


if __name__ == "__main__":
    before, _, after = marked(DOC.read_text())
    DOC.write_text(before + table() + after)
