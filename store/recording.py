"""A trainer's events become rows: points, summaries, layers, checkpoints, log, and the change that tells of them."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from crs_core.events import Event
from store.attempts import Wish


def record(session: Session, attempt_id: int, events: Sequence[Event], *, log: str = "") -> Wish:
    """Write a batch of events and a piece of log text; give what is wanted of the attempt.

    `Started` removes the points after its step. `Finished` and `Failed` write nothing: how an attempt ended is told by
    `attempts.finish`. Raises Fenced, and then nothing was written.
    """
    ...
