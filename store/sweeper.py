"""What time alone has to mend: expired leases, stale files, work that waits beside an idle slot.

Every worker sweeps, as often as it likes: done twice it does nothing the second time.
"""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from store.checkpoints import StaleFile


@dataclass(frozen=True)
class SweepReport:
    """What a sweep did and what its caller has to do."""

    requeued: tuple[str, ...]
    """Jobs whose worker was lost and that wait for their next attempt."""
    failed: tuple[str, ...]
    stopped: tuple[str, ...]
    """Jobs whose worker was lost when they were to be cancelled or paused: they now are."""
    stale: tuple[StaleFile, ...]
    """Delete these, then call `checkpoints.forget`."""
    ring: bool
    """Queued work fits an idle slot: ring the bell."""


def sweep(session: Session) -> SweepReport:
    """Mend what there is to mend."""
    ...
