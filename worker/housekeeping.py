"""Files that nobody needs any more: deleted in the background, where they lie.

A storage may take long or not answer; the worker's heartbeat must not wait for it. Every worker
does this after its sweeps: done twice it does nothing the second time.
"""

import logging
import random
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from store import attempts, checkpoints, place, removal
from store.errors import StorageError
from store.files import Storage
from store.session import UNAVAILABLE, Database

MOST_REFUSED = 5
"""In a row, before the rest is left for the next round."""
_Item = TypeVar("_Item")
log = logging.getLogger(__name__)


class Housekeeping:
    """One round at a time."""

    def __init__(
        self, database: Database, storage: Storage, scratch: Path | None, *, older_s: float
    ) -> None:
        self._database = database
        self._storage = storage
        self._scratch = scratch
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
        trouble = self._delete(stale)
        if removed:
            removal.remove(self._database, self._storage)
        trouble = self._tidy(untidy) or trouble
        if self._scratch is not None:
            self._clear(self._scratch)
        if trouble is not None:
            raise trouble

    def _delete(self, stale: tuple[checkpoints.StaleFile, ...]) -> StorageError | None:
        """Delete what can be deleted, and give what went wrong last."""
        gone, trouble = _each(stale, lambda file: self._storage.delete(file.path))
        if gone:
            with self._database.write() as session:
                checkpoints.forget(session, [file.id for file in gone])
        return trouble

    def _tidy(self, untidy: tuple[checkpoints.Leftovers, ...]) -> StorageError | None:
        """Delete files without a row, and give what went wrong last."""

        def tidy(attempt: checkpoints.Leftovers) -> None:
            for name in self._storage.names(attempt.folder):
                if name not in attempt.names:
                    self._storage.delete(f"{attempt.folder}/{name}")

        done, trouble = _each(untidy, tidy)
        if done:
            with self._database.write() as session:
                checkpoints.set_tidied(session, [attempt.id for attempt in done])
        return trouble

    def _clear(self, scratch: Path) -> None:
        """Remove folders that trainers used, and a worker left that was killed."""
        now, found = time.time(), {}
        for folder in scratch.glob("jobs/*/a*"):
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


def _each(
    items: Sequence[_Item], do: Callable[[_Item], None]
) -> tuple[list[_Item], StorageError | None]:
    """Do it to each, and give those with which it went well, and what went wrong last.

    One that can never be deleted keeps none of the others: the order is another each time. But a
    storage that refuses everything is asked a few times only.
    """
    done: list[_Item] = []
    trouble: StorageError | None = None
    refused = 0
    for item in random.sample(items, len(items)):
        try:
            do(item)
        except StorageError as error:
            trouble, refused = error, refused + 1
            if refused == MOST_REFUSED:
                break
        else:
            done.append(item)
            refused = 0
    return done, trouble
