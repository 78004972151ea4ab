"""How the end of an attempt comes into the database."""

from sqlalchemy.orm import Session

from store import attempts, checkpoints
from store.errors import Fenced
from store.session import UNAVAILABLE, Database
from worker.endings import Ending
from worker.surroundings import Times


def write(attempt_id: int, ending: Ending, times: Times | None, session: Session) -> None:
    """Write how an attempt ended, and how long it took. Raises Fenced."""
    if times is not None:
        attempts.tell_times(session, attempt_id, start_s=times.start_s, trainer_s=times.trainer_s)
    kind, message = ending.kind, ending.message
    if ending.outcome is not None:
        attempts.finish(session, attempt_id, ending.outcome, kind=kind, message=message)
    else:
        attempts.release(
            session, attempt_id, kind=kind, message=message, blameless=ending.blameless
        )


def write_without(database: Database, attempt_id: int, ending: Ending) -> bool:
    """Write the ending where the recorder has failed; whether the attempt was still current."""
    try:
        with database.write() as session:
            write(attempt_id, ending, None, session)
    except Fenced:
        return False
    return True


def leave_files(database: Database, attempt_id: int) -> None:
    """Have the files looked for that we wrote since another attempt became current."""
    try:
        with database.write() as session:
            checkpoints.set_tidied(session, [attempt_id], is_tidied=False)
    except UNAVAILABLE:  # whoever ends the attempt will look for them
        return
