"""The files of deleted jobs: noted with the deletion, removed by whoever reaches them.

That is the api, at once, where it has the place of files, and else the next worker that sweeps.
Only what somebody asked to have deleted is ever removed: a folder without a row may as well belong
to another database.
"""

import logging

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from store import clock, place
from store.dialects import among, insert_or_ignore
from store.errors import StorageError
from store.files import Storage
from store.session import Database
from store.tables import Removal

LIMIT = 100
"""Jobs of one turn."""
MOST_REFUSED = 5
"""Of one turn; the rest is left for the next one."""
log = logging.getLogger(__name__)


def note(session: Session, job_id: str) -> None:
    """Say, in the transaction that deletes a job, that its files are to go."""
    insert_or_ignore(session, Removal, [{"job_id": job_id, "at": clock.read(session)}])


def due(session: Session, *, limit: int = LIMIT) -> list[str]:
    """Read the deleted jobs whose files are to go; none while a backup reads files."""
    if place.is_held(session):
        return []
    return list(session.scalars(select(Removal.job_id).order_by(Removal.at).limit(limit)))


def remove(database: Database, storage: Storage, *, limit: int = LIMIT) -> int:
    """Remove the files of deleted jobs, then the notes; give how many jobs those were.

    What cannot be removed now is logged, and goes to the end of the line: it keeps no other one. A
    storage that refuses everything is asked a few times only.
    """
    with database.read() as session:
        job_ids = due(session, limit=limit)
    gone: list[str] = []
    refused: list[str] = []
    for job_id in job_ids:
        try:
            storage.delete_folder(f"jobs/{job_id}")
        except StorageError as error:
            log.warning("the files of the deleted job %s stay for now: %s", job_id, error)
            refused.append(job_id)
            if len(refused) == MOST_REFUSED:
                break
        else:
            gone.append(job_id)
    if gone or refused:
        with database.write() as session:
            session.execute(delete(Removal).where(among(session, Removal.job_id, gone)))
            session.execute(
                update(Removal)
                .where(among(session, Removal.job_id, refused))
                .values(at=clock.read(session))
            )
    return len(gone)
