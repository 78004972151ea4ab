"""Sweeps: a base spec, axes and variants, and the jobs made from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from crs_core.spec import JobSpec
from store.grid import Member, expand
from store.jobs import NewJob
from store.views import Page

__all__ = [
    "Member",
    "NewSweep",
    "SubmittedSweep",
    "Sweep",
    "cancel",
    "create",
    "expand",
    "get",
    "list_sweeps",
]


@dataclass(frozen=True)
class NewSweep:
    """What was asked for. The jobs come beside it, as `grid.expand` and planning made them."""

    name: str
    base: Mapping[str, Any]
    axes: Mapping[str, Sequence[Any]]
    variants: Sequence[Mapping[str, Any]] = ()
    owner: str = "local"


@dataclass(frozen=True)
class Sweep:
    """A sweep with the number of its jobs by state. `jobs` is filled by `get`, and empty in lists."""

    id: str
    name: str
    owner: str
    created_at: float
    base: dict[str, Any]
    axes: dict[str, list[Any]]
    variants: list[dict[str, Any]]
    counts: dict[str, int]
    """Every state has its entry."""
    jobs: tuple[str, ...] = ()


@dataclass(frozen=True)
class SubmittedSweep:
    """The sweep, and whether this call made it (False: the idempotency key was known)."""

    sweep: Sweep
    created: bool


def create(
    session: Session, new: NewSweep, jobs: Sequence[NewJob], *, idempotency_key: str | None = None
) -> SubmittedSweep:
    """Make a sweep and all its jobs, or neither. Raises IdempotencyMismatch."""
    ...


def get(session: Session, sweep_id: str) -> Sweep:
    """Read one sweep with the ids of its jobs. Raises NotFound."""
    ...


def list_sweeps(session: Session, *, limit: int = 100, cursor: str | None = None) -> Page[Sweep]:
    """Read a page of sweeps, newest first. Raises BadQuery."""
    ...


def cancel(session: Session, sweep_id: str) -> Sweep:
    """Cancel every job that is not at its end yet. Idempotent. Raises NotFound."""
    ...
