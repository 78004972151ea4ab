"""`python -m worker.health worker|notifier`: is what runs in this container well? For its engine.

A worker is well while the row of a slot of this host is fresh; a notifier, while no message is
overdue. 0: well. 1: not, and stderr says why. The database alone is asked, which both depend on.
"""

import socket
import sys

from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from store import deliveries
from store.errors import StoreError
from store.session import Database
from store.workers import list_workers
from worker.settings import HealthSettings
from worker.starting import explain

OVERDUE_S = 180.0


def main(words: list[str]) -> int:
    """Ask, and say why if it is not well."""
    if words not in (["worker"], ["notifier"]):
        sys.stderr.write("say whose health: worker or notifier\n")
        return 2
    try:
        why = _ill(words[0], Database(HealthSettings().database_url))
    except ValidationError as error:
        why = explain(error)
    except (SQLAlchemyError, StoreError) as error:
        why = f"the database does not answer: {error}"
    if why is None:
        return 0
    sys.stderr.write(f"{why}\n")
    return 1


def _ill(what: str, database: Database) -> str | None:
    host = socket.gethostname()
    try:
        with database.read() as session:
            if what == "worker":
                alive = any(view.alive and view.host == host for view in list_workers(session))
                return None if alive else f"no worker of {host} has a fresh heartbeat"
            overdue = deliveries.overdue(session, after_s=OVERDUE_S)
            return f"{overdue} messages are overdue" if overdue else None
    finally:
        database.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
