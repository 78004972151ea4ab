"""The files of jobs: does their place answer, and is it that of the service.

A folder that is not mounted, or a bucket by another name, looks empty, and a worker on it is
refused (`store.place`); here it is told before one is started.
"""

from colrow.local.doctor.finding import Fault, Finding, fault_of
from colrow.local.doctor.place import Place
from store import place as places
from store.errors import StorageError, StorageSetting
from store.objects import open_storage
from store.session import Database

NAME = "files of jobs"


def check(place: Place) -> list[Finding]:
    """Compare the place that this machine knows with the one in the database, which answers."""
    findings: list[Finding] = []
    database = Database(place.database_url)
    try:
        with fault_of(NAME, findings):
            findings.append(_look(place, database))
    finally:
        database.close()
    return findings


def _look(place: Place, database: Database) -> Finding:
    with database.read() as session:
        known = places.shown(session)
    if known is None:
        advice = "the first worker that starts settles it"
        return Finding(NAME, "note", "no worker has run yet, so no place is settled", advice)
    try:
        storage = open_storage(place.storage, place.home)
        is_there = places.is_there(database, storage)
    except StorageSetting as error:
        raise Fault(str(error), "mend COLROW_STORAGE") from None
    except StorageError as error:
        advice = "see that this machine reaches it, and its name and password in the environment"
        raise Fault(str(error), advice) from None
    if not is_there:
        raise Fault(
            f"{storage.shown} is not where the service keeps its files, which is {known}",
            "mount the shared folder, or set COLROW_HOME or COLROW_STORAGE as the workers have it",
        )
    return Finding(NAME, "ok", f"{storage.shown} answers and is the service's")
