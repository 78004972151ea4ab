"""Medians with their spread, what machine it was, and tables."""

import os
import platform
import statistics
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path


def machine() -> str:
    """Say what was measured on, and how busy it was."""
    return (
        f"{_processor()}, {os.cpu_count()} cores, {_memory_gib():.0f} GiB; load average {load()}; "
        f"nice {os.nice(0)}; Python {platform.python_version()}"
    )


def load() -> str:
    """Say how many processes wanted a core, over 1, 5 and 15 minutes."""
    return ", ".join(f"{each:.1f}" for each in os.getloadavg())


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text().splitlines() if facts.exists() else []
    for line in lines:
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def versions(*packages: str) -> str:
    """Name the versions of packages."""
    return ", ".join(f"{package} {version(package)}" for package in packages)


def quantile(values: Sequence[float], share: float) -> float:
    """Give the value that so large a share of the others lies below or at."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def answer(is_met: bool) -> str:
    """Say whether an aim is met."""
    return "yes" if is_met else "**no**"


def spread(values: Sequence[float], digits: int | None = None) -> str:
    """Write the median, and the least and the most where there are several."""
    middle = number(statistics.median(values), digits)
    if len(values) == 1:
        return middle
    return f"{middle} ({number(min(values), digits)}–{number(max(values), digits)})"


def number(value: float, digits: int | None = None) -> str:
    """Write a number with three digits that count, or so many after the point."""
    if digits is None:
        digits = max(0, 2 - len(str(int(abs(value)))) + 1) if value else 0
    return f"{value:,.{digits}f}"


def print_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a Markdown table, a row as soon as it is known."""
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |")
        sys.stdout.flush()
