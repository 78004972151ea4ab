"""What the service's processes log: one line an event, as text for people or as JSON for machines.

Whoever works on an attempt says so once, `with about(job=…, attempt=…)`, and each line logged
inside tells it: in JSON as fields, in text at the end of a line that does not name them itself. A
thread that is to go on with the same work is given `carried(function)`. What a message holds of the
outside world can't break a line: in JSON everything but ASCII is escaped, in text every control
character.

    {"time": "2026-11-24T12:00:00.125Z", "level": "info", "program": "worker", "pid": 7,
     "thread": "recorder_0", "logger": "worker.tasks", "message": "…", "job": "019a…", "attempt": 2}

An error has the field `error` beside it: `type`, `message` and `traceback`.
"""

import json
import logging
import re
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import partial
from types import TracebackType
from typing import Any, Literal, ParamSpec, TypeVar

Form = Literal["text", "json"]
FIELDS = ("job", "attempt", "sweep", "worker", "delivery")
"""What a line may be about; `extra={"job": …}` says it for one line alone."""
TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_NOTHING: Mapping[str, str | int] = {}
_about: ContextVar[Mapping[str, str | int]] = ContextVar("colrow_about", default=_NOTHING)
_P = ParamSpec("_P")
_R = TypeVar("_R")


@contextmanager
def about(**what: str | int) -> Iterator[None]:
    """Have every line logged inside tell what it is about; the names are of FIELDS."""
    token = _about.set({**_about.get(), **what})
    try:
        yield
    finally:
        _about.reset(token)


def note(**what: str | int) -> None:
    """Do what `about` does for the rest of this context, as of a task of asyncio."""
    _about.set({**_about.get(), **what})


def carried(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Give the function as another thread is to call it: its lines are about the same."""
    return partial(copy_context().run, function)


def set_up(form: Form, *, program: str) -> None:
    """Have everything that this process logs come out on stderr, in the form asked for."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(program) if form == "json" else TextLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # tells at each start that it is there
    logging.captureWarnings(capture=True)
    if form == "json":  # else Python's own traceback serves people as well
        sys.excepthook = _uncaught
        threading.excepthook = _uncaught_in_thread


def escaped(text: str) -> str:
    """Replace control characters, and what some readers take for the end of a line."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


class TextLines(logging.Formatter):
    """One line an event; below it, indented, the traceback of an error."""

    def __init__(self) -> None:
        super().__init__(TEXT)

    def format(self, record: logging.LogRecord) -> str:
        """Write the line."""
        said = _message(record)
        record.message = escaped(said + _told(record, said))
        record.asctime = self.formatTime(record)
        lines = [self.formatMessage(record)]
        for part in (self._error(record), record.stack_info):
            lines += [f"    {escaped(line)}" for line in (part or "").split("\n") if line]
        return "\n".join(lines)

    def _error(self, record: logging.LogRecord) -> str | None:
        return self.formatException(record.exc_info) if record.exc_info else record.exc_text


class JsonLines(logging.Formatter):
    """One JSON object an event, in ASCII."""

    def __init__(self, program: str) -> None:
        super().__init__()
        self.program = program

    def format(self, record: logging.LogRecord) -> str:
        """Write the line."""
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, Any] = {
            "time": f"{at}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "program": self.program,
            "pid": record.process,
            "thread": record.threadName,
            "logger": record.name,
            "message": _message(record),
            **_subject(record),
        }
        if record.exc_info and record.exc_info[1] is not None:
            kind, error, trace = record.exc_info
            line["error"] = {
                "type": type(error).__name__,
                "message": str(error),
                "traceback": "".join(traceback.format_exception(kind, error, trace)),
            }
        if record.stack_info:
            line["stack"] = record.stack_info
        return json.dumps(line, default=str)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - else `logging` prints a traceback between the lines
        return f"{record.msg!r} does not go with {record.args!r}"


def _subject(record: logging.LogRecord) -> dict[str, str | int]:
    said = {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
    return {**_about.get(), **said}


def _told(record: logging.LogRecord, said: str) -> str:
    told = [f"{name} {value}" for name, value in _subject(record).items()]
    more = [one for one in told if one not in said]
    return f" [{', '.join(more)}]" if more else ""


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    logging.getLogger("colrow").critical("nobody caught an error", exc_info=(kind, error, trace))


def _uncaught_in_thread(what: threading.ExceptHookArgs) -> None:
    if what.exc_value is not None and not issubclass(what.exc_type, SystemExit):
        _uncaught(what.exc_type, what.exc_value, what.exc_traceback)
