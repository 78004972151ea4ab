"""Which jobs a request means: those named, and those of the sweeps named."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from store import sweeps as stored_sweeps


def job_ids(session: Session, jobs: Sequence[str], sweeps: Sequence[str]) -> list[str]:
    """Give the ids, each once, in the order named. Raises NotFound for a sweep."""
    ids = dict.fromkeys(jobs)
    for sweep in sweeps:
        ids |= dict.fromkeys(stored_sweeps.get(session, sweep).jobs)
    return list(ids)
