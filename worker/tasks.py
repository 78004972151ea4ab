"""Supervise one attempt: start the trainer, pass on what it tells, obey, say how it ended.

Whatever goes wrong in here is caught once, in `supervise`, and becomes the reason of the job's
failure.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from crs_core.events import Event, Failed, Finished, Points, Started
from store.attempts import Claim, Outcome, Wish
from store.errors import StorageError
from store.files import Storage
from store.loglines import about
from store.session import Database, brief
from worker import closing, folders, launch
from worker.allotment import Allotment
from worker.endings import TAIL, Course, Ending, ending_of, not_brought
from worker.process import COMMAND, EVENTS, Assignment, Heard, Process, Trainer
from worker.recorder import Pace, Recorder
from worker.settings import Settings
from worker.spare import Spare
from worker.stopping import Stopping
from worker.storage import bring, files_of
from worker.surroundings import Times, with_surroundings

_LOOK_S = 0.1
"""At least this often the wish and the clock are looked at."""
_LEAVE_S = 5.0
"""For the ranks behind a torchrun that was killed to be gone, and their devices' memory free."""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Post:
    """Where attempts are supervised: what stays the same from one to the next."""

    settings: Settings
    database: Database
    threads: int
    stopping: threading.Event
    """Set when the worker is to stop."""
    command: Sequence[str] = COMMAND
    """How a trainer is started."""
    spare: Spare | None = None
    """What a trainer is forked from; None: each is started cold."""
    storage: Storage | None = None
    """Where the files of jobs lie; None: in the home."""
    scratch: Path | None = None
    """Where trainers work; None: in the home."""

    @property
    def folder(self) -> Path:
        """Give the folder below which trainers work."""
        return self.scratch or self.settings.home


def supervise(claim: Claim, post: Post) -> None:
    """Run an attempt to its end. The thread that calls this must not end before it returns."""
    with about(job=claim.job_id, attempt=claim.number):
        _supervise(claim, post)


def _supervise(claim: Claim, post: Post) -> None:
    settings = post.settings
    pace = Pace(settings.lease_s, settings.heartbeat_s, settings.flush_s)
    recorder = Recorder(post.database, claim.attempt_id, pace)
    log.info("job %s, attempt %s begins", claim.job_id, claim.number)
    attempt = _Attempt(claim, post, recorder)
    try:
        ending = attempt.run()
    except Exception as error:  # noqa: BLE001 - it becomes the job's reason
        ending = _own_failure(claim, error)
    try:
        is_written = recorder.end(partial(closing.write, claim.attempt_id, ending, attempt.times))
    except Exception as error:  # noqa: BLE001 - nor may the job go on as if it ran
        ending = _own_failure(claim, error)
        is_written = closing.write_without(post.database, claim.attempt_id, ending)
    if not is_written:
        closing.leave_files(post.database, claim.attempt_id)
    how = ending.outcome.value if ending.outcome else f"given back ({ending.kind})"
    how = how if is_written else "fenced"
    log.info(
        "job %s, attempt %s: %s; %s", claim.job_id, claim.number, how, attempt.times or "no trainer"
    )


def _own_failure(claim: Claim, error: Exception) -> Ending:
    log.error(
        "job %s, attempt %s: the supervisor failed", claim.job_id, claim.number, exc_info=error
    )
    message = f"the supervisor of the trainer failed, {type(error).__name__}: {brief(error)}"
    return Ending(Outcome.FAILED, "internal", message)


class _Attempt:
    """The course of one attempt."""

    def __init__(self, claim: Claim, post: Post, recorder: Recorder) -> None:
        self._claim = claim
        self._post = post
        self._recorder = recorder
        self._allotment = Allotment.of(claim, post.settings.cuda_devices, post.threads)
        self._last: Finished | Failed | None = None
        self._step = claim.checkpoints[0].step if claim.checkpoints else 0
        self._tail = ""
        self.times: Times | None = None
        self._began_s = time.monotonic()
        self._stopping = Stopping(claim, post.settings.stop_s)
        self._words: Callable[[str], str] = str if self._allotment.devices == 1 else launch.Words()
        self._files = files_of(claim, post.folder, post.storage, recorder.add)

    def run(self) -> Ending:
        """Train; files whose place is elsewhere are not left here."""
        try:
            return self._run()
        finally:
            self._files.close()

    def _run(self) -> Ending:
        settings, claim = self._post.settings, self._claim
        folder = folders.attempt_folder(self._post.folder, claim.job_id, claim.number)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            goes_on_from = bring(self._files, settings.storage_s, self._may_wait)
            if goes_on_from is None:
                return self._ended(0)
            trainer = Trainer(
                self._assignment(folder, goes_on_from),
                self._allotment.environment,
                command=self._command,
                fork=self._fork,
            )
        except StorageError as error:
            return Ending(None, "storage", f"the checkpoints cannot be reached: {error}")
        except OSError as error:
            return Ending(
                Outcome.FAILED,
                "disk",
                f"the trainer cannot be started in {folder}: {error.strerror or error}. Make room "
                "there (or mend the permissions), then start the job again",
            )
        begun_s = time.monotonic()
        try:
            while not trainer.has_ended:
                self._hear(trainer)
                self._recorder.check()
                self._stopping.obey(
                    trainer,
                    self._recorder.wish,
                    is_worker_stopping=self._post.stopping.is_set(),
                )
        finally:
            self.times = Times(begun_s - self._began_s, time.monotonic() - begun_s)
            code, heard = trainer.end(leave_s=_LEAVE_S if self._allotment.devices > 1 else 0.0)
            (folder / EVENTS).unlink(missing_ok=True)
        self._pass_on(heard, trainer)
        return self._settled(self._ended(code))

    def _ended(self, exit_code: int) -> Ending:
        return ending_of(
            Course(
                exit_code=exit_code,
                last=self._last,
                step=self._step,
                wish=self._recorder.wish,
                is_worker_stopping=self._post.stopping.is_set(),
                was_killed=self._stopping.was_killed,
                tail=self._tail,
                was_stopped=self._stopping.was_asked,
                out_of_time=self._stopping.out_of_time,
            )
        )

    def _may_wait(self) -> bool:
        self._recorder.check()
        return self._recorder.wish is Wish.GO_ON and not self._post.stopping.is_set()

    def _settled(self, ending: Ending) -> Ending:
        """Wait until the last checkpoint is where it can be found; where that fails, say so."""
        begun_s = time.monotonic()
        while not self._files.wait(_LOOK_S) and self._recorder.wish is not Wish.FENCED:
            is_wanted = self._may_wait() and ending.outcome is Outcome.SUCCEEDED
            limit_s = self._post.settings.storage_s if is_wanted else self._post.settings.stop_s
            now_s = time.monotonic()
            is_stuck = bool(self._files.trouble) or now_s - self._files.moved_s >= limit_s
            if (is_stuck or self._post.stopping.is_set()) and now_s - begun_s >= limit_s:
                return not_brought(ending, self._files.trouble)
        return ending

    def _hear(self, trainer: Trainer) -> None:
        if self._recorder.is_behind:
            time.sleep(_LOOK_S)
        else:
            self._pass_on(trainer.hear(_LOOK_S), trainer)

    def _pass_on(self, heard: Heard, trainer: Trainer) -> None:
        events = [self._complete(event, trainer) for event in heard.events]
        for event in events:
            self._note(event)
        self._tail = (self._tail + heard.text)[-TAIL:]
        events, text = self._files.take(events), self._words(heard.text)
        if events or text:
            self._recorder.add(events, text)

    def _complete(self, event: Event, trainer: Trainer) -> Event:
        if not isinstance(event, Started):
            return event
        return with_surroundings(event, trainer, self._allotment.environment)

    def _note(self, event: Event) -> None:
        match event:
            case Finished() | Failed() if self._last is None:
                # Of several ranks the first to fail tells the cause.
                self._last = event
        match event:
            case Started(step=step) | Points(step=step) | Finished(step=step):
                self._step = step
        self._stopping.note(event)

    @property
    def _command(self) -> Sequence[str]:
        return (
            self._post.command
            if self._allotment.devices == 1
            else launch.command(self._allotment.devices)
        )

    def _fork(self, config: Path) -> Process | None:
        spare = self._post.spare
        if spare is None or self._allotment.devices > 1:
            return None
        return spare.fork(config, self._allotment.environment, is_called_off=self._is_called_off)

    def _is_called_off(self) -> bool:
        return self._recorder.wish is not Wish.GO_ON or self._post.stopping.is_set()

    def _assignment(self, folder: Path, goes_on_from: list[dict[str, Any]]) -> Assignment:
        settings, claim = self._post.settings, self._claim
        return Assignment(
            spec=claim.spec.model_dump(mode="json"),
            folder=str(folder),
            events=str(folder / EVENTS),
            data=str(settings.datasets),
            download=not settings.offline,
            resume_from=goes_on_from,
            device=self._allotment.device,
            threads=self._allotment.threads,
            supervisor=os.getpid(),
        )
