"""From the ids that the world knows to the integer keys inside."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from store.errors import NotFound
from store.tables import Job


def job_key_of(session: Session, job_id: str) -> int:
    """Give a job's key. Raises NotFound."""
    key = session.execute(select(Job.key).where(Job.id == job_id)).scalar_one_or_none()
    if key is None:
        raise NotFound(f"there is no job {job_id!r}")
    return key
