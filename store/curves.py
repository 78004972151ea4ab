"""Curves: one metric over the steps of a job, whole or reduced with every peak kept."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session


@dataclass(frozen=True)
class Curve:
    """`steps` and `values` side by side. A value that was not finite is None, and its position in `non_finite`."""

    job_id: str
    metric: str
    steps: list[int]
    values: list[float | None]
    non_finite: list[int]
    of: int
    """Points there are after `after`, before the reduction."""
    reduced: bool


def read(
    session: Session,
    job_ids: Sequence[str],
    metrics: Sequence[str] | None = None,
    *,
    max_points: int | None = None,
    after: int | None = None,
) -> list[Curve]:
    """Read curves, those of one job together, in the order of `job_ids`, then of `crs_core.events.METRICS`.

    `metrics` None: every one there is. A metric that a job has no point of is left out. `after`:
    only steps beyond it. Raises NotFound.
    """
    ...
