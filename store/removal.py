"""The folders of deleted jobs: marked before the commit that deletes, removed after it.

Who is killed in between leaves the mark, `deleting/<job id>` in the home, and the sweep of a worker
goes on from there. Only what somebody asked to have deleted is ever removed: a folder without a row
may as well belong to another database.
"""

import contextlib
import logging
import shutil
import time
import uuid
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from store.dialects import among
from store.tables import Job

log = logging.getLogger(__name__)


def mark(home: Path, job_id: str) -> None:
    """Say that the job's folder is to go. On a full disk it is not said, and is no error."""
    try:
        path = _marks(home) / job_id
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    except OSError as error:
        log.warning("the folder of job %s may be left: %s", job_id, error)


def remove(home: Path, job_id: str) -> None:
    """Remove the job's folder, then its mark. What cannot be removed is logged and left marked."""
    try:
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(home / "jobs" / job_id)
        (_marks(home) / job_id).unlink(missing_ok=True)
    except OSError as error:
        log.warning("the folder of job %s cannot be removed: %s", job_id, error)


def left(session: Session, home: Path, *, older_s: float) -> list[str]:
    """Give the deleted jobs whose folders are still marked after so long; forget other marks."""
    try:
        old = [path for path in _marks(home).iterdir() if _is_old(path, older_s)]
    except OSError:  # none was ever made, or the home is away
        return []
    if not old:
        return []
    query = select(Job.id).where(among(session, Job.id, [path.name for path in old]))
    kept = set(session.scalars(query))
    for path in old:
        if path.name in kept:  # its deletion was never committed
            with contextlib.suppress(OSError):
                path.unlink()
    return [path.name for path in old if path.name not in kept]


def _marks(home: Path) -> Path:
    return home / "deleting"


def _is_old(path: Path, older_s: float) -> bool:
    try:
        uuid.UUID(path.name)
        return time.time() - path.stat().st_mtime > older_s
    except (ValueError, OSError):
        return False
