"""How numbers are written for people."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from colrow.answers import Group
from crs_core.events import QUALITY

NONE = "–"


def counted(count: int, what: str) -> str:
    """Write `1 job`, `2 jobs`, `1,200 jobs`."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def moment(time: str | float) -> str:
    """Write a time of an answer (RFC 3339), or seconds since 1970, for people: in UTC."""
    if isinstance(time, str):
        at = datetime.fromisoformat(time).astimezone(UTC)
    else:
        at = datetime.fromtimestamp(time, UTC)
    return at.strftime("%Y-%m-%d %H:%M UTC")


def share(value: float | None, digits: int = 1) -> str:
    """Write 0.795 as `79.5 %`."""
    return NONE if value is None else f"{100 * value:.{digits}f} %"


def points(value: float | None, digits: int = 2) -> str:
    """Write a difference of shares in percentage points, with its sign."""
    return NONE if value is None else f"{100 * value:+.{digits}f}"


def measured(metric: str, value: float | None) -> str:
    """Write a value of what a job is judged by: `98.16 %`, or a perplexity as `83.52`."""
    if value is None:
        return NONE
    return share(value, 2) if metric.endswith("accuracy") else f"{value:.2f}"


def judged(summary: Mapping[str, Any], *parts: str) -> tuple[str, float | None]:
    """Give by what a job is judged, and its last value on the first of the parts that has one.

    A part is as in `best_test`, `validation`. Accuracy stands for a job that has told nothing yet.
    """
    _, quality, value = told_by(summary, *parts)
    return quality, value


def told_by(summary: Mapping[str, Any], *parts: str) -> tuple[str, str, float | None]:
    """Give with what `judged` gives, in front, which part told it; none where nothing did."""
    for quality in QUALITY.values():
        for part in parts:
            value = last(summary, f"{part}_{quality}")
            if value is not None:
                return part, quality, value
    return "", "accuracy", None


def how_many_failed(group: Group) -> str:
    """Write `2 of 5 diverged`, by the reasons of members that failed; nothing where none did."""
    of = len(group["members"])
    return ", ".join(
        f"{len(seeds)} of {of} {reason if reason == 'diverged' else f'failed ({reason})'}"
        for reason, seeds in _failed(group).items()
    )


def which_failed(group: Group) -> str:
    """Write `seed 4, 7: diverged`, by the reasons of members that failed."""
    return "; ".join(
        f"seed {', '.join(map(str, seeds))}: {reason}" for reason, seeds in _failed(group).items()
    )


def _failed(group: Group) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for member in sorted(group["members"], key=lambda m: m["seed"]):
        if member["state"] == "failed":
            found.setdefault((member["reason"] or "unknown").replace("_", " "), []).append(
                member["seed"]
            )
    return found


def number(value: float | None) -> str:
    """Write a number with four digits, or as an integer with separators."""
    if value is None:
        return NONE
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def count(value: float) -> str:
    """Write a large count short: 1.25 G."""
    units = iter(("", "k", "M", "G", "T", "P", "E"))
    unit = next(units)
    while abs(value) >= 1000 and unit != "E":
        value, unit = value / 1000, next(units)
    return f"{value:.3g} {unit}".strip()


def duration(seconds: float | None) -> str:
    """Write 75 as `1:15`."""
    if seconds is None:
        return NONE
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def last(summary: Mapping[str, Any], *metrics: str) -> float | None:
    """Give the last value of the first metric that there is one of."""
    for metric in metrics:
        found = summary.get(metric)
        if found and found["last"] is not None:
            return float(found["last"])
    return None
