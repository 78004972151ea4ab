"""Expand a base spec along axes and variants. Pure: no database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crs_core.spec import JobSpec

MAX_JOBS = 10_000


@dataclass(frozen=True)
class Member:
    """One point of the grid: its spec, what it sets apart from the base, and a name made of that."""

    spec: JobSpec
    settings: dict[str, Any]
    label: str


def expand(
    base: Mapping[str, Any],
    axes: Mapping[str, Sequence[Any]],
    variants: Sequence[Mapping[str, Any]] = (),
) -> list[Member]:
    """Cross every variant with every combination of the axes; the last axis varies fastest.

    A path is dotted, list positions are numbers: `approximation.0.forward`, `seed`. Specs that
    come out equal are made once. Raises crs_core.errors.SpecError, which names the combination at fault.
    """
    ...
