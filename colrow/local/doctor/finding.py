"""What a check found: how it stands, in a sentence, and what to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "note", "warning", "fault", "skipped"]


@dataclass(frozen=True)
class Finding:
    """One line of the report. `fault`: something does not work; `warning`: it may not for long."""

    check: str
    status: Status
    found: str
    advice: str = ""


class Fault(Exception):  # noqa: N818 - named by what is so
    """Ends a check with a fault."""

    def __init__(self, found: str, advice: str) -> None:
        super().__init__(found)
        self.advice = advice


@contextmanager
def fault_of(check: str, findings: list[Finding]) -> Iterator[None]:
    """Add the Fault that is raised inside to the findings."""
    try:
        yield
    except Fault as fault:
        findings.append(Finding(check, "fault", str(fault), fault.advice))
