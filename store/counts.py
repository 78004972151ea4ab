"""How many jobs are in which state, for monitoring."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from store.tables import Job
from store.views import STATES


def by_state(session: Session) -> dict[str, int]:
    """Count the jobs of every state."""
    found = session.execute(select(Job.state, func.count()).group_by(Job.state))
    return dict.fromkeys(STATES, 0) | {row[0]: row[1] for row in found}
