"""One line an event, whatever it holds, and what it is about."""

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest

from store.loglines import JsonLines, TextLines, about, carried, note

ROOT = Path(__file__).parents[2]
NASTY = "a\nb\rc\x0bd\x0ce\x1b[31mf\x85g\u2028h\u2029i\x00j\tk"


@pytest.fixture
def log() -> Iterator[tuple[logging.Logger, StringIO, StringIO]]:
    """A logger, and what it writes as JSON and as text."""
    made = logging.getLogger("colrow.test")
    made.propagate = False
    made.setLevel(logging.INFO)
    streams = StringIO(), StringIO()
    for stream, form in zip(streams, (JsonLines("test"), TextLines()), strict=True):
        handler = logging.StreamHandler(stream)
        handler.setFormatter(form)
        made.addHandler(handler)
    yield made, *streams
    made.handlers.clear()


def lines(stream: StringIO) -> list[str]:
    """Split where any reader might."""
    return stream.getvalue().splitlines()


def test_a_json_line_tells_when_who_where_and_what(log):
    logger, as_json, as_text = log
    logger.warning("job %s waits", "j1", extra={"job": "j1"})
    told = json.loads(as_json.getvalue())
    assert {k: told[k] for k in ("level", "program", "logger", "message", "job", "thread")} == {
        "level": "warning", "program": "test", "logger": "colrow.test",
        "message": "job j1 waits", "job": "j1", "thread": threading.current_thread().name,
    }  # fmt: skip
    assert told["time"].endswith("Z")
    assert isinstance(told["pid"], int)
    assert as_text.getvalue().endswith(" WARNING colrow.test: job j1 waits\n"), "said once"


def test_what_a_line_is_about_goes_with_the_context_and_to_threads_that_are_given_it(log):
    logger, as_json, as_text = log
    with about(job="j1", attempt=2):
        logger.info("one")
        with about(delivery="d"):
            logger.info("two")
        inside = threading.Thread(target=carried(logger.info), args=("three",))
        inside.start()
        inside.join()
        outside = threading.Thread(target=logger.info, args=("four",))
        outside.start()
        outside.join()
    logger.info("five")
    told = [json.loads(line) for line in lines(as_json)]
    assert [(t["message"], t.get("job"), t.get("attempt"), t.get("delivery")) for t in told] == [
        ("one", "j1", 2, None), ("two", "j1", 2, "d"), ("three", "j1", 2, None),
        ("four", None, None, None), ("five", None, None, None),
    ]  # fmt: skip
    assert lines(as_text)[0].endswith("one [job j1, attempt 2]")
    assert lines(as_text)[4].endswith("five")


def test_a_note_holds_for_the_rest_of_its_context(log):
    import contextvars

    logger, as_json, _ = log

    def work() -> None:
        note(job="j1")
        logger.info("inside")

    contextvars.copy_context().run(work)
    logger.info("outside")
    assert [json.loads(line).get("job") for line in lines(as_json)] == ["j1", None]


def test_nothing_breaks_a_line(log):
    logger, as_json, as_text = log
    with about(job=NASTY):
        logger.info("said: %s", NASTY)
    (line,) = lines(as_json)
    assert line.isascii()
    assert json.loads(line)["message"] == f"said: {NASTY}"
    assert json.loads(line)["job"] == NASTY
    (line,) = lines(as_text)
    assert r"a\nb\rc\x0bd\x0ce\x1b[31mf\x85g\u2028h\u2029i\x00j\tk" in line
    assert line.isprintable()


def test_an_error_comes_with_its_traceback_on_one_line_of_json_and_indented_in_text(log):
    logger, as_json, as_text = log
    try:
        raise ValueError(NASTY)
    except ValueError:
        logger.exception("it failed")
    (line,) = lines(as_json)
    error = json.loads(line)["error"]
    assert (error["type"], error["message"]) == ("ValueError", NASTY)
    assert error["traceback"].startswith("Traceback (most recent call last)")
    first, *rest = lines(as_text)
    assert first.endswith("it failed")
    assert rest
    assert all(line.startswith("    ") and line.isprintable() for line in rest)


def test_a_message_that_does_not_fit_its_arguments_is_a_line_all_the_same():
    record = logging.makeLogRecord({"msg": "two %s %s", "args": ("one",)})
    for form in (JsonLines("test"), TextLines()):
        assert "'two %s %s' does not go with ('one',)" in form.format(record)


def test_what_json_does_not_know_is_written_as_text(log):
    logger, as_json, _ = log
    logger.info("x", extra={"job": Path("a")})
    assert json.loads(as_json.getvalue())["job"] == "a"


SCRIPT = """
import logging, threading, warnings
from store import loglines
loglines.set_up({form!r}, program="p")
warnings.warn("old")
logging.getLogger("celery").info("of a library")
def fail(): raise KeyError("in a thread")
thread = threading.Thread(target=fail); thread.start(); thread.join()
raise ValueError("to the\\nend")
"""


def run(form: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", SCRIPT.format(form=form)],
        capture_output=True, text=True, cwd=ROOT, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    return done.stderr.splitlines()


def test_warnings_and_errors_that_nobody_caught_are_json_lines_too():
    told = [json.loads(line) for line in run("json")]
    assert [(t["logger"], t["level"]) for t in told] == [
        ("py.warnings", "warning"), ("celery", "info"), ("colrow", "critical"),
        ("colrow", "critical"),
    ]  # fmt: skip
    assert [t["error"]["message"] for t in told[2:]] == ["'in a thread'", "to the\nend"]


def test_for_people_python_says_it_as_always():
    told = run("text")
    assert any(line.endswith("INFO celery: of a library") for line in told)
    assert "Traceback (most recent call last):" in told
