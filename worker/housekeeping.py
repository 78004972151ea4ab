"""Files that nobody needs any more: deleted in the background, where they lie.

A storage may take long or not answer; the worker's heartbeat must not wait for it. Every worker
does this after its sweeps: done twice it does nothing the second time.
"""

import logging
import shutil
import threading
import time
from pathlib import Path

from store import attempts, checkpoints, place, removal
from store.errors import StorageError
from store.files import Storage, stays
from store.session import UNAVAILABLE, Database

log = logging.getLogger(__name__)


class Housekeeping:
    """One round at a time."""

    def __init__(self, database: Database, storage: Storage, home: Path, *, older_s: float) -> None:
        self._database = database
        self._storage = storage
        self._home = home
        self._older_s = older_s
        self._thread: threading.Thread | None = None

    def run_soon(self) -> None:
        """Begin a round, unless one is under way."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        try:
            self.run()
        except StorageError as error:
            log.warning("files that nobody needs stay for now: %s", error)
        except UNAVAILABLE as error:
            log.warning("the database cannot be reached, files are left for later: %s", error)

    def run(self) -> None:
        """Delete what is stale, what belonged to deleted jobs, and what has no row.

        Raises StorageError, and what SQLAlchemy raises when the database is away.
        """
        with self._database.read() as session:
            stale = checkpoints.stale(session)
            removed = removal.due(session, limit=1)
            untidy = checkpoints.untidy(session, older_s=self._older_s)
        # In a folder that is not mounted every file seems to be gone already.
        if (stale or removed or untidy) and not place.is_there(self._database, self._storage):
            raise StorageError(f"{self._storage.shown} is not there (is it mounted?)")
        self._delete(stale)
        if removed:
            removal.remove(self._database, self._storage)
        self._tidy(untidy)
        if not stays(self._storage):
            self._clear_scratch()

    def _delete(self, stale: tuple[checkpoints.StaleFile, ...]) -> None:
        gone: list[int] = []
        try:
            for file in stale:
                self._storage.delete(file.path)
                gone.append(file.id)
        finally:
            if gone:
                with self._database.write() as session:
                    checkpoints.forget(session, gone)

    def _tidy(self, untidy: tuple[checkpoints.Leftovers, ...]) -> None:
        done: list[int] = []
        try:
            for attempt in untidy:
                for name in self._storage.names(attempt.folder):
                    if name not in attempt.names:
                        self._storage.delete(f"{attempt.folder}/{name}")
                done.append(attempt.id)
        finally:
            if done:
                with self._database.write() as session:
                    checkpoints.set_tidied(session, done)

    def _clear_scratch(self) -> None:
        """Remove folders that trainers of this home used, and a worker left that was killed."""
        now, found = time.time(), {}
        for folder in self._home.glob("jobs/*/a*"):
            job_id, number = folder.parent.name, folder.name[1:]
            if number.isdigit() and now - folder.stat().st_mtime > self._older_s:
                found[job_id, int(number)] = folder
        if not found:
            return
        with self._database.read() as session:
            running = attempts.running(session)
        for key, folder in found.items():
            if key not in running:
                shutil.rmtree(folder, ignore_errors=True)
                if not any(folder.parent.iterdir()):
                    folder.parent.rmdir()
