"""Each way in which a trainer can end has its outcome and its words."""

from dataclasses import replace

import pytest

from crs_core.events import Failed, Finished
from store.attempts import Outcome, Wish
from store.views import Reason
from worker.endings import Course, ending_of

QUIET = Course(
    exit_code=0,
    last=None,
    step=70,
    wish=Wish.GO_ON,
    is_worker_stopping=False,
    was_killed=False,
    tail="",
)
DONE = Finished(completed=True, step=70)
STOPPED = Finished(completed=False, step=70)


def test_a_completed_training_has_succeeded():
    ending = ending_of(replace(QUIET, last=DONE))
    assert (ending.outcome, ending.kind) == (Outcome.SUCCEEDED, "")


@pytest.mark.parametrize("wish", [Wish.CANCEL, Wish.PAUSE])
def test_a_training_that_completed_before_it_heard_the_wish_has_succeeded(wish):
    assert ending_of(replace(QUIET, last=DONE, wish=wish)).outcome is Outcome.SUCCEEDED


@pytest.mark.parametrize(
    "kind", ["spec", "dataset", "diverged", "out_of_memory", "device", "disk", "internal"]
)
def test_what_the_trainer_says_of_its_failure_is_the_reason_and_is_not_tried_again(kind):
    last = Failed(kind=kind, message="the words")
    ending = ending_of(replace(QUIET, last=last, exit_code=1))
    assert (ending.outcome, ending.kind, ending.message) == (Outcome.FAILED, kind, "the words")


@pytest.mark.parametrize(
    ("wish", "outcome", "word"),
    [(Wish.CANCEL, Outcome.CANCELLED, "cancelled"), (Wish.PAUSE, Outcome.PAUSED, "paused")],
)
@pytest.mark.parametrize("last", [STOPPED, None])
def test_a_wish_that_was_obeyed_decides_the_outcome(wish, outcome, word, last):
    ending = ending_of(replace(QUIET, last=last, wish=wish, exit_code=0 if last else -15))
    assert (ending.outcome, ending.kind) == (outcome, word)
    assert ending.message == f"{word} at step 70"


def test_a_trainer_that_had_to_be_killed_is_told_of():
    killed = replace(QUIET, wish=Wish.CANCEL, was_killed=True, exit_code=-9, step=42_701)
    ending = ending_of(killed)
    assert ending.outcome is Outcome.CANCELLED
    assert "at step 42,701; the trainer did not end in time and was killed" in ending.message


@pytest.mark.parametrize("last", [STOPPED, None])
def test_a_worker_that_stops_gives_the_job_back_without_blame(last):
    ending = ending_of(replace(QUIET, last=last, is_worker_stopping=True))
    assert (ending.outcome, ending.kind, ending.blameless) == (None, "worker_stopped", True)


def test_a_wish_to_cancel_goes_before_the_stop_of_the_worker():
    course = replace(QUIET, last=STOPPED, wish=Wish.CANCEL, is_worker_stopping=True)
    assert ending_of(course).outcome is Outcome.CANCELLED


def test_a_trainer_stopped_by_somebody_else_gives_the_job_back():
    ending = ending_of(replace(QUIET, last=STOPPED))
    assert (ending.outcome, ending.kind, ending.blameless) == (None, "trainer_stopped", False)


@pytest.mark.parametrize(
    ("exit_code", "words"),
    [
        (-9, "ended by signal SIGKILL at step 70: probably the system's out-of-memory killer"),
        (-15, "ended by signal SIGTERM at step 70: somebody stopped it"),
        (-11, "ended by signal SIGSEGV at step 70: a crash in native code"),
        (-40, "ended by signal 40 at step 70: a crash in native code"),
        (3, "ended with exit status 3 at step 70 without saying why"),
        (0, "ended with exit status 0 at step 70 without saying why"),
    ],
)
def test_a_death_that_nobody_announced_is_explained_and_tried_again(exit_code, words):
    ending = ending_of(replace(QUIET, exit_code=exit_code, tail="\nthe last line\n"))
    assert (ending.outcome, ending.kind, ending.blameless) == (None, "trainer_lost", False)
    assert words in ending.message
    assert ending.message.endswith("Its last words:\nthe last line")


def test_a_trainer_that_printed_nothing_has_no_last_words():
    assert "last words" not in ending_of(replace(QUIET, exit_code=-9, tail=" \n")).message


def test_one_that_gave_way_goes_back_without_blame():
    ending = ending_of(replace(QUIET, last=STOPPED, wish=Wish.PREEMPT, was_stopped=True))
    assert (ending.outcome, ending.kind, ending.blameless) == (None, "preempted", True)
    assert ending.message == "gave way to a job of higher priority at step 70"


def test_a_wish_that_was_taken_back_too_late_sends_the_job_back_without_blame():
    ending = ending_of(replace(QUIET, last=STOPPED, was_stopped=True))
    assert (ending.outcome, ending.kind, ending.blameless) == (None, "resumed", True)


def test_one_that_has_run_for_as_long_as_it_may_has_failed():
    spent = Reason("wall_time", "the job has run for 60 s; do this")
    course = replace(QUIET, last=STOPPED, out_of_time=spent, was_stopped=True)
    ending = ending_of(course)
    assert (ending.outcome, ending.kind) == (Outcome.FAILED, "wall_time")
    assert ending.message == "stopped at step 70: the job has run for 60 s; do this"
    assert ending_of(replace(course, last=DONE)).outcome is Outcome.SUCCEEDED
    assert ending_of(replace(course, wish=Wish.PAUSE)).outcome is Outcome.PAUSED
