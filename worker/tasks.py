"""Supervise one attempt: start the trainer, pass on what it tells, obey, say how it ended.

Whatever goes wrong in here is caught once, in `supervise`, and becomes the reason of the job's
failure.
"""

import logging
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy.orm import Session

from crs_core.events import Event, Failed, Finished, Points, Started
from crs_core.surroundings import driver
from store import attempts
from store.attempts import Claim, Outcome, Wish
from store.errors import Fenced
from store.session import Database
from worker import folders
from worker.endings import TAIL, Course, Ending, ending_of
from worker.forks import IMPORTED
from worker.process import COMMAND, EVENTS, Assignment, Heard, Process, Trainer
from worker.recorder import Pace, Recorder
from worker.settings import Settings, told_variables, trainer_environment
from worker.spare import Spare

_LOOK_S = 0.1
"""At least this often the wish and the clock are looked at."""
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


def supervise(claim: Claim, post: Post) -> None:
    """Run an attempt to its end. The thread that calls this must not end before it returns."""
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
        is_written = recorder.end(partial(_write, claim.attempt_id, ending, attempt.times))
    except Exception as error:  # noqa: BLE001 - nor may the job go on as if it ran
        ending = _own_failure(claim, error)
        is_written = _write_without(post.database, claim.attempt_id, ending)
    how = ending.outcome.value if ending.outcome else f"given back ({ending.kind})"
    how = how if is_written else "fenced"
    log.info(
        "job %s, attempt %s: %s; %s", claim.job_id, claim.number, how, attempt.times or "no trainer"
    )


def _own_failure(claim: Claim, error: Exception) -> Ending:
    log.error(
        "job %s, attempt %s: the supervisor failed", claim.job_id, claim.number, exc_info=error
    )
    message = f"the supervisor of the trainer failed, {type(error).__name__}: {error}"
    return Ending(Outcome.FAILED, "internal", message)


@dataclass(frozen=True)
class Times:
    """How long an attempt took to have a trainer, and how long that lived, in seconds."""

    start_s: float
    trainer_s: float

    def __str__(self) -> str:
        return f"a trainer after {self.start_s:.3f} s, for {self.trainer_s:.3f} s"


def _write(attempt_id: int, ending: Ending, times: Times | None, session: Session) -> None:
    if times is not None:
        attempts.tell_times(session, attempt_id, start_s=times.start_s, trainer_s=times.trainer_s)
    kind, message = ending.kind, ending.message
    if ending.outcome is not None:
        attempts.finish(session, attempt_id, ending.outcome, kind=kind, message=message)
    else:
        attempts.release(
            session, attempt_id, kind=kind, message=message, blameless=ending.blameless
        )


def _write_without(database: Database, attempt_id: int, ending: Ending) -> bool:
    """Write the ending where the recorder has failed; whether the attempt was still current."""
    try:
        with database.write() as session:
            _write(attempt_id, ending, None, session)
    except Fenced:
        return False
    return True


class _Attempt:
    """The course of one attempt."""

    def __init__(self, claim: Claim, post: Post, recorder: Recorder) -> None:
        self._claim = claim
        self._post = post
        self._recorder = recorder
        self._last: Finished | Failed | None = None
        self._step = 0
        self._tail = ""
        self._begin_s = time.monotonic()
        self.times: Times | None = None
        self._kill_at_s: float | None = None
        self._was_killed = False

    def run(self) -> Ending:
        settings, claim = self._post.settings, self._claim
        job = folders.job_folder(settings.home, claim.job_id)
        folder = folders.attempt_folder(settings.home, claim.job_id, claim.number)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            keep = {checkpoint.path for checkpoint in claim.checkpoints}
            folders.tidy(job, keep=keep, current=claim.number)
            trainer = Trainer(
                self._assignment(job, folder),
                self._environment(),
                command=self._post.command,
                fork=self._fork,
            )
        except OSError as error:
            return Ending(
                Outcome.FAILED,
                "disk",
                f"the trainer cannot be started in {folder}: {error.strerror or error}. Make room "
                "there (or mend the permissions), then start the job again",
            )
        trainer_s = time.monotonic()
        try:
            while not trainer.has_ended:
                self._hear(trainer)
                self._recorder.check()
                self._obey(trainer)
        finally:
            self.times = Times(trainer_s - self._begin_s, time.monotonic() - trainer_s)
            code, heard = trainer.end()
            (folder / EVENTS).unlink(missing_ok=True)
        self._pass_on(heard, trainer)
        return ending_of(
            Course(
                exit_code=code,
                last=self._last,
                step=self._step,
                wish=self._recorder.wish,
                is_worker_stopping=self._post.stopping.is_set(),
                was_killed=self._was_killed,
                tail=self._tail,
            )
        )

    def _hear(self, trainer: Trainer) -> None:
        if self._recorder.is_behind:
            time.sleep(_LOOK_S)
        else:
            self._pass_on(trainer.hear(_LOOK_S), trainer)

    def _pass_on(self, heard: Heard, trainer: Trainer) -> None:
        events = [self._with_surroundings(event, trainer) for event in heard.events]
        for event in events:
            self._note(event)
        self._tail = (self._tail + heard.text)[-TAIL:]
        if events or heard.text:
            self._recorder.add(events, heard.text)

    def _with_surroundings(self, event: Event, trainer: Trainer) -> Event:
        """Add to what the trainer says of its surroundings what only its supervisor knows."""
        if not isinstance(event, Started):
            return event
        found = {"start": "warm" if trainer.is_forked else "cold"}
        if trainer.imported_s is not None:
            found[IMPORTED] = f"{trainer.imported_s:.2f}"
        found |= driver() if self._cuda_devices else {}
        found |= told_variables(self._environment())
        return event.model_copy(update={"environment": event.environment | found})

    def _note(self, event: Event) -> None:
        match event:
            case Finished() | Failed():
                self._last = event
        match event:
            case Started(step=step) | Points(step=step) | Finished(step=step):
                self._step = step

    def _obey(self, trainer: Trainer) -> None:
        """Stop it where that is wanted, kill it where it takes too long or we have lost it."""
        if self._recorder.wish is Wish.FENCED:
            trainer.kill()
        elif self._kill_at_s is not None:
            if time.monotonic() >= self._kill_at_s and not self._was_killed:
                self._was_killed = True
                trainer.kill()
        elif self._is_called_off():
            self._kill_at_s = time.monotonic() + self._post.settings.stop_s
            trainer.stop()

    def _fork(self, config: Path) -> Process | None:
        spare = self._post.spare
        if spare is None:
            return None
        return spare.fork(config, self._environment(), is_called_off=self._is_called_off)

    def _is_called_off(self) -> bool:
        return self._recorder.wish is not Wish.GO_ON or self._post.stopping.is_set()

    @property
    def _threads(self) -> int:
        return self._claim.spec.resources.threads or self._post.threads

    @property
    def _cuda_devices(self) -> tuple[str, ...]:
        resources = self._claim.spec.resources
        if resources.kind == "cpu":
            return ()
        return self._post.settings.cuda_devices[: resources.devices]

    def _environment(self) -> dict[str, str]:
        return trainer_environment(self._threads, self._cuda_devices)

    def _assignment(self, job: Path, folder: Path) -> Assignment:
        settings, claim = self._post.settings, self._claim
        return Assignment(
            spec=claim.spec.model_dump(mode="json"),
            folder=str(folder),
            events=str(folder / EVENTS),
            data=str(settings.datasets),
            download=not settings.offline,
            resume_from=[
                {"path": str(job / point.path), "sha256": point.sha256, "step": point.step}
                for point in claim.checkpoints
            ],
            device="cuda:0" if self._cuda_devices else "cpu",
            threads=self._threads,
            supervisor=os.getpid(),
        )
