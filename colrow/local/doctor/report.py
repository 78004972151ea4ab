"""The report: a table for people, JSON for machines."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from rich.table import Table
from rich.text import Text

from colrow.commands.session import console
from colrow.figures import counted
from colrow.local.doctor.finding import Finding, Status

_LOOK: dict[Status, str] = {
    "ok": "green",
    "note": "cyan",
    "warning": "yellow",
    "fault": "bold red",
    "skipped": "dim",
}


def print_table(findings: Sequence[Finding]) -> None:
    """Print the findings, and what to do under each."""
    out = console()
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for one in findings:
        said = Text(one.found)  # never markup: it holds words of others
        if one.advice:
            said.append(f"\n→ {one.advice}", style="italic")
        table.add_row(Text(one.status, style=_LOOK[one.status]), one.check, said)
    out.print(table)
    faults, warnings = (_count(findings, status) for status in ("fault", "warning"))
    out.print(f"\n{_many(faults, 'fault')}, {_many(warnings, 'warning')}")


def _many(count: int, what: str) -> str:
    return counted(count, what) if count else f"no {what}s"


def print_json(findings: Sequence[Finding]) -> None:
    """Print everything as one JSON object."""
    told = {
        "ok": _count(findings, "fault") == 0,
        "faults": _count(findings, "fault"),
        "warnings": _count(findings, "warning"),
        "findings": [asdict(one) for one in findings],
    }
    print(json.dumps(told, indent=2))


def _count(findings: Sequence[Finding], status: Status) -> int:
    return sum(one.status == status for one in findings)
