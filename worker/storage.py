"""The checkpoint files of one attempt: where they are brought, and where it goes on from.

A trainer writes into its own folder, always. Where that is the place of files (`Kept`) nothing is
to be done. Otherwise (`Carried`) a finished file is put into the storage before anybody hears of
it, by a thread of its own, so that training never waits; a storage that does not answer costs no
training, only the newest checkpoints: the one before stays the one to go on from. Files that wait
while newer ones come are passed over, but for the best.
"""

import contextlib
import logging
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from crs_core.events import CheckpointSaved, Event, Noted
from store.attempts import CheckpointFile, Claim
from store.errors import FileDamaged, FileGone, StorageError
from store.files import Storage, fetch, stays
from store.loglines import carried
from worker import folders

FIRST_S = 1.0
LONGEST_S = 30.0
"""Between two tries: twice as long each time, but no longer."""
_LOOK_S = 0.1
Tell = Callable[[Sequence[Event], str], None]
log = logging.getLogger(__name__)


class Files(Protocol):
    """What the supervisor of an attempt needs of its files."""

    trouble: str
    """Why the last try failed; empty when it did not."""
    moved_s: float
    """When something was last under way, by the monotonic clock."""

    def bring(self) -> list[dict[str, Any]]:
        """Give the checkpoints to go on from, newest first, for the trainer.

        Raises StorageError when they cannot be reached now, and OSError when this disk refuses.
        """

    def take(self, events: Sequence[Event]) -> list[Event]:
        """Give the events that may be recorded now; the others follow by themselves."""

    def wait(self, timeout_s: float) -> bool:
        """Wait until nothing is under way; whether that is so."""

    def close(self) -> None:
        """End; what is still under way is given up."""


def files_of(claim: Claim, home: Path, storage: Storage | None, tell: Tell) -> Files:
    """Choose by where the files lie. `storage` None: in the home, unmarked."""
    if storage is None or stays(storage):
        return Kept(claim, home, storage)
    return Carried(claim, home, storage, tell)


def bring(
    files: Files, patience_s: float, may_wait: Callable[[], bool]
) -> list[dict[str, Any]] | None:
    """Give the checkpoints to go on from; None where the wait for them is not wanted any more.

    Raises StorageError when they could not be reached all the while, and OSError.
    """
    end_s, pause_s = time.monotonic() + patience_s, FIRST_S
    while True:
        try:
            return files.bring()
        except StorageError as error:
            if time.monotonic() >= end_s:
                raise
            log.warning("the checkpoints to go on from cannot be reached yet: %s", error)
        again_s = min(end_s, time.monotonic() + pause_s)
        while time.monotonic() < again_s:
            if not may_wait():
                return None
            time.sleep(_LOOK_S)
        pause_s = min(2 * pause_s, LONGEST_S)


class Kept:
    """Files that stay where the trainer writes them."""

    trouble = ""
    moved_s = 0.0

    def __init__(self, claim: Claim, home: Path, storage: Storage | None) -> None:
        self._claim = claim
        self._job = folders.job_folder(home, claim.job_id)
        self._storage = storage

    def bring(self) -> list[dict[str, Any]]:
        """Name the files. A home that is not mounted holds none, and is no reason to begin anew."""
        if self._claim.checkpoints and self._storage is not None:
            demand_mark(self._storage)
        return [_point(self._job / p.path, p) for p in self._claim.checkpoints]

    def take(self, events: Sequence[Event]) -> list[Event]:
        """Hold nothing back."""
        return list(events)

    def wait(self, timeout_s: float) -> bool:  # noqa: ARG002
        """Nothing is ever under way."""
        return True

    def close(self) -> None:
        """Leave all as it is."""


class Carried:
    """Files that are brought to a storage elsewhere. None stays here for longer than that takes."""

    def __init__(self, claim: Claim, home: Path, storage: Storage, tell: Tell) -> None:
        self.trouble = ""
        self.moved_s = 0.0
        self._claim = claim
        self._storage = storage
        self._tell = tell
        self._folder = folders.attempt_folder(home, claim.job_id, claim.number)
        self._waiting: list[CheckpointSaved] = []
        self._changed = threading.Condition()
        self._is_closed = False
        # A daemon: one that hangs in a storage that hangs must not keep the worker from ending.
        threading.Thread(target=carried(self._run), name="carrier", daemon=True).start()

    def bring(self) -> list[dict[str, Any]]:
        """Fetch the newest file that is what it should be."""
        for point in self._claim.checkpoints:
            target = self._folder / "from" / Path(point.path).name
            try:
                fetch(
                    self._storage, f"jobs/{self._claim.job_id}/{point.path}", target, point.sha256
                )
            except (FileGone, FileDamaged) as error:
                demand_mark(self._storage)
                self._say(f"{Path(point.path).name} is not used: {error}")
            else:
                return [_point(target, point)]
        return []

    def take(self, events: Sequence[Event]) -> list[Event]:
        """Hold checkpoints back, until they are in the storage."""
        saved = [event for event in events if isinstance(event, CheckpointSaved)]
        if saved:
            with self._changed:
                self._waiting += saved
                self._changed.notify_all()
        return [event for event in events if not isinstance(event, CheckpointSaved)]

    def wait(self, timeout_s: float) -> bool:
        """Wait until all that waits is brought."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting, timeout_s)

    def close(self) -> None:
        """Stop trying, and remove the attempt's folder."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        shutil.rmtree(self._folder, ignore_errors=True)
        with contextlib.suppress(OSError):  # other attempts are in it
            self._folder.parent.rmdir()

    def _run(self) -> None:
        pause_s = FIRST_S
        while (saved := self._next()) is not None:
            try:
                path = self._folder / saved.name
                at = f"jobs/{self._claim.job_id}/{self._folder.name}/{saved.name}"
                self._move()
                self._storage.put(path, at, saved.sha256, told=self._move)
            except (StorageError, OSError) as error:
                self._failed(saved, error)
                with self._changed:
                    self._changed.wait_for(lambda: self._is_closed, pause_s)
                pause_s = min(2 * pause_s, LONGEST_S)
            else:
                pause_s = FIRST_S
                self._brought(saved)

    def _move(self) -> None:
        self.moved_s = time.monotonic()

    def _next(self) -> CheckpointSaved | None:
        """Give what is to be brought next, None at the end; pass over what is outdated."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_closed)
            if self._is_closed:
                return None
            best = [saved for saved in self._waiting if saved.best][-1:]
            kept = [saved for saved in self._waiting if saved in (*best, self._waiting[-1])]
            for saved in self._waiting:
                if saved not in kept:
                    self._unlink(saved)
            self._waiting = kept
            return kept[0]

    def _failed(self, saved: CheckpointSaved, error: Exception) -> None:
        said = str(error)
        if not self.trouble:
            self._say(
                f"{saved.name} could not be brought to {self._storage.shown}: {said}. Training "
                "goes on, and it is tried again; until then the checkpoint before it stays the one "
                "to go on from"
            )
        self.trouble = said

    def _brought(self, saved: CheckpointSaved) -> None:
        if self.trouble:
            self._say(f"{saved.name} is in {self._storage.shown} now")
        self.trouble = ""
        self._tell([saved], "")
        with self._changed:
            self._waiting.remove(saved)
            self._changed.notify_all()
        self._unlink(saved)

    def _unlink(self, saved: CheckpointSaved) -> None:
        with contextlib.suppress(OSError):
            (self._folder / saved.name).unlink(missing_ok=True)

    def _say(self, text: str) -> None:
        log.warning("job %s, attempt %s: %s", self._claim.job_id, self._claim.number, text)
        self._tell([Noted(text=text)], f"colrow: {text}\n")


def demand_mark(storage: Storage) -> None:
    """Raise StorageError unless the mark is there: else nothing is, and no file can be missed."""
    if storage.mark() is None:
        raise StorageError(f"{storage.shown} is not there (is it mounted?)")


def _point(path: Path, point: CheckpointFile) -> dict[str, Any]:
    return {"path": str(path), "sha256": point.sha256, "step": point.step}
