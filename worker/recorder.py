"""Events into rows, the heartbeat of the lease, and what is wanted: one thread per attempt.

It alone talks to the database while an attempt runs, so that a database that does not answer holds
up no one who reads from the trainer. A write that fails because the database is not there is tried
again until the lease has run out; then, or when the attempt is no longer current, `wish` is FENCED
and nothing more is written.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from sqlalchemy.orm import Session

from crs_core.events import Event
from store import attempts
from store.attempts import Wish
from store.errors import Fenced
from store.loglines import carried
from store.recording import log_size, record
from store.session import UNAVAILABLE, Database, brief

MAX_BATCH = 2000
MAX_BACKLOG = 20_000
"""Events that wait; past it the trainer is not read from, so that it waits too."""
MAX_LOG_BACKLOG = 1 << 20
_AGAIN_S = 0.5
_Answer = TypeVar("_Answer")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pace:
    """How often, in seconds."""

    lease_s: float
    heartbeat_s: float
    flush_s: float


class LeaseLost(Exception):  # noqa: N818 - named by what is so
    """The database did not answer until the lease had run out."""


class Recorder:
    """The thread that records one attempt. `wish` is what is wanted of it."""

    def __init__(self, database: Database, attempt_id: int, pace: Pace) -> None:
        self.wish = Wish.GO_ON
        self._database = database
        self._attempt_id = attempt_id
        self._pace = pace
        self._pending: list[Event] = []
        self._log = ""
        self._log_at: int | None = None
        self._last: Callable[[Session], object] | None = None
        self._changed = threading.Condition()
        self._beat_s = time.monotonic()
        self._lease_until_s = self._beat_s + pace.lease_s
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="recorder")
        self._done = self._thread.submit(carried(self._run))

    def add(self, events: Sequence[Event], text: str) -> None:
        """Have events and a piece of log written soon."""
        with self._changed:
            self._pending += events
            self._log += text

    @property
    def is_behind(self) -> bool:
        """Whether so much waits that no more should be added."""
        return len(self._pending) > MAX_BACKLOG or len(self._log) > MAX_LOG_BACKLOG

    def check(self) -> None:
        """Raise what ended the thread, if an error did."""
        if self._done.done():
            self._done.result()

    def end(self, last: Callable[[Session], object]) -> bool:
        """Write all that waits, then do `last`; whether it was done, which it is not when fenced.

        Raises what ended the thread, if an error did; `last` was not done then.
        """
        with self._changed:
            self._last = last
            self._changed.notify_all()
        try:
            self._done.result()
        finally:
            self._thread.shutdown()
        return self.wish is not Wish.FENCED

    def _run(self) -> None:
        try:
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: self._last is not None, self._pace.flush_s)
                self._beat_if_due()
                self._flush()
                if self._last is not None and not self._pending and not self._log:
                    self._write(self._last)
                    return
        except (Fenced, LeaseLost) as error:
            log.warning("attempt %s is fenced: %s", self._attempt_id, error)
            self.wish = Wish.FENCED

    def _beat_if_due(self) -> None:
        if time.monotonic() - self._beat_s < self._pace.heartbeat_s:
            return
        before_s = time.monotonic()
        beat = partial(attempts.heartbeat, attempt_id=self._attempt_id, lease_s=self._pace.lease_s)
        self._hear(self._write(beat))
        # From before the call: the lease counts from a moment during it.
        self._beat_s = before_s
        self._lease_until_s = before_s + self._pace.lease_s

    def _flush(self) -> None:
        while True:
            with self._changed:
                batch, self._pending = self._pending[:MAX_BATCH], self._pending[MAX_BATCH:]
                text, self._log = self._log, ""
            if not batch and not text:
                return
            if self._log_at is None:
                self._log_at = self._write(partial(log_size, attempt_id=self._attempt_id))
            write = partial(
                record, attempt_id=self._attempt_id, events=batch, log=text, log_at=self._log_at
            )
            self._hear(self._write(write))
            self._log_at += len(text)
            self._beat_if_due()

    def _hear(self, wish: Wish) -> None:
        if wish is Wish.FENCED:
            raise Fenced("another attempt is current")
        self.wish = wish

    def _write(self, write: Callable[[Session], _Answer]) -> _Answer:
        """Write in a transaction, again and again while the database is not there."""
        has_failed = False
        while True:
            try:
                with self._database.write() as session:
                    return write(session)
            except UNAVAILABLE as error:
                if time.monotonic() >= self._lease_until_s:
                    raise LeaseLost(
                        f"the lease ran out while the database failed: {brief(error)}"
                    ) from error
                if not has_failed:
                    log.warning("the database cannot be written to, trying again: %s", brief(error))
                has_failed = True
            time.sleep(min(_AGAIN_S, self._pace.heartbeat_s))
