"""How an attempt ended, from what was seen of its trainer: a pure function, and its words."""

import signal
from dataclasses import dataclass, replace

from crs_core.events import Failed, Finished
from store.attempts import Outcome, Wish
from store.views import Reason
from worker.launch import lost_rank

TAIL = 2000
"""Characters of output that go with the message of a death that nobody announced."""


@dataclass(frozen=True)
class Course:
    """What was seen of a trainer that has ended."""

    exit_code: int
    """Negative: the signal that ended it."""
    last: Finished | Failed | None
    """What it told of its end, if it did."""
    step: int
    """The last step told."""
    wish: Wish
    """What was wanted of it."""
    is_worker_stopping: bool
    was_killed: bool
    """By us: it did not stop in time."""
    tail: str
    """The end of what it printed."""
    was_stopped: bool = False
    """By us, for a wish that may have been taken back since."""
    out_of_time: Reason | None = None
    """It was stopped because it has run for as long as it may; in these words."""


@dataclass(frozen=True)
class Ending:
    """What to do with the job. `outcome` None: give it back for another attempt."""

    outcome: Outcome | None
    kind: str = ""
    message: str = ""
    blameless: bool = False


def ending_of(course: Course) -> Ending:
    """Tell apart: done, failed for a reason that stays, stopped because we wanted it, lost.

    What the trainer itself told comes first: a job that completed before it heard the wish to stop
    is complete.
    """
    match course.last:
        case Failed(kind=kind, message=message):
            return Ending(Outcome.FAILED, kind, message)
        case Finished(completed=True):
            return Ending(Outcome.SUCCEEDED)
    match course.wish:
        case Wish.CANCEL:
            return Ending(Outcome.CANCELLED, "cancelled", _stopped("cancelled", course))
        case Wish.PAUSE:
            return Ending(Outcome.PAUSED, "paused", _stopped("paused", course))
        case Wish.PREEMPT:
            message = _stopped("gave way to a job of higher priority", course)
            return Ending(None, "preempted", message, blameless=True)
    if course.out_of_time is not None:
        message = f"{_stopped('stopped', course)}: {course.out_of_time.message}"
        return Ending(Outcome.FAILED, course.out_of_time.kind, message)
    if course.is_worker_stopping:
        message = _stopped("its worker was stopped", course)
        return Ending(None, "worker_stopped", message, blameless=True)
    if course.was_stopped:
        message = _stopped("asked to stop, then to go on after all", course)
        return Ending(None, "resumed", message, blameless=True)
    if course.last is not None:
        message = f"the trainer was told to stop from outside, at step {course.step:,}"
        return Ending(None, "trainer_stopped", message)
    return Ending(None, "trainer_lost", _death(course))


def not_brought(ending: Ending, trouble: str) -> Ending:
    """Say that the last checkpoint did not get where others find it.

    A job that completed is given back for that, so that its result is not known here alone.
    """
    lost = (
        f"its last checkpoint could not be brought to where checkpoints lie "
        f"({trouble or 'that takes too long'}), so what came after the one before it is lost"
    )
    if ending.outcome is Outcome.SUCCEEDED:
        return Ending(None, "storage", f"training was done, but {lost}")
    message = f"{ending.message}; {lost}" if ending.message else lost
    return replace(ending, message=message)


def _stopped(how: str, course: Course) -> str:
    if course.was_killed:
        return (
            f"{how} at step {course.step:,}; the trainer did not end in time and was killed, so "
            "what came after the last checkpoint is lost"
        )
    return f"{how} at step {course.step:,}"


_SIGNALS = {
    signal.SIGKILL: "probably the system's out-of-memory killer (the kernel's log says so: dmesg), "
    "or somebody's kill -9. If it happens again, use a smaller batch or model",
    signal.SIGTERM: "somebody stopped it from outside before training began",
}


def _death(course: Course) -> str:
    rank, code = lost_rank(course.tail) or (None, course.exit_code)
    who = "the trainer" if rank is None else f"the trainer's process on device {rank}"
    if code < 0:
        number, name = _signal(-code)
        why = _SIGNALS.get(number) if number else None
        why = why or "a crash in native code; the log may hold a traceback"
        said = f"{who} was ended by signal {name} at step {course.step:,}: {why}"
    else:
        said = (
            f"the trainer ended with exit status {code} at step {course.step:,} without saying why"
        )
    tail = course.tail.strip()
    return f"{said}. Its last words:\n{tail}" if tail else said


def _signal(number: int) -> tuple[signal.Signals | None, str]:
    try:
        known = signal.Signals(number)
    except ValueError:  # a real-time signal has no name
        return None, str(number)
    return known, known.name
