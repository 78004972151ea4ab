"""A job's log: text by range of characters, the oldest dropped past a cap."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

MAX_CHUNK = 65_536
MAX_LOG = 4 * 1024 * 1024


@dataclass(frozen=True)
class LogText:
    """Characters `start` to `end` of a log that has `total`; those before `first` were dropped."""

    text: str
    start: int
    end: int
    first: int
    total: int


def read(session: Session, job_id: str, *, start: int = 0, limit: int = MAX_CHUNK * 4) -> LogText:
    """Read a range; a negative `start` counts from the end. Raises NotFound."""
    ...
