"""What `colrow up` says: to a person, or as JSON lines like those of its processes."""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

import typer

from colrow.errors import ColrowError
from store import loglines


@contextmanager
def telling(form: Literal["text", "json"]) -> Iterator[Callable[[str], None]]:
    """Give what to say things with; as JSON a failure is a line too, with exit status 1."""
    if form == "text":
        yield typer.echo
        return
    loglines.set_up("json", program="up")
    log = logging.getLogger("colrow.up")
    try:
        yield log.info
    except ColrowError as error:
        log.critical("%s", error)
        raise typer.Exit(1) from None


def message_of(line: str) -> str:
    """Take the message out of a line of a log, if it is JSON; else give the line."""
    try:
        told = json.loads(line)
    except ValueError:
        return line
    return str(told["message"]) if isinstance(told, dict) and "message" in told else line
