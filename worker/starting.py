"""How the processes of this package begin: log, read the settings, wait for the database."""

import logging
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from celery.platforms import SecurityWarning
from pydantic import ValidationError

from crs_core.spec import field_error
from store import loglines
from store.session import UNAVAILABLE, Database, brief, check_schema
from worker.settings import LogSettings

_AGAIN_S = 1.0
_Answer = TypeVar("_Answer")
log = logging.getLogger("worker")


def set_up_logging(program: str) -> None:
    """Log as COLROW_LOG_FORMAT says. Raises ValidationError, after setting up text."""
    loglines.set_up("text", program=program)
    # It is about pickle; messages here are JSON, and say nothing but "look".
    warnings.filterwarnings("ignore", category=SecurityWarning)
    logging.getLogger("celery.app.trace").setLevel(logging.WARNING)
    logging.getLogger("celery.worker.strategy").setLevel(logging.WARNING)
    form = LogSettings().log_format
    loglines.set_up(form, program=program)
    if form == "json":
        # Celery tells of its end past all logging, to whatever stands here.
        sys.__stdout__ = None  # type: ignore[misc]


def open_database(url: str, *, pool_size: int) -> Database:
    """Open the database; one that does not answer yet is waited for. Raises StoreError."""
    database = Database(url, pool_size=pool_size)
    wait_for(partial(check_schema, database), "the database")
    return database


def wait_for(
    call: Callable[[], _Answer],
    what: str,
    *,
    absent: tuple[type[Exception], ...] = UNAVAILABLE,
    wrong: tuple[type[Exception], ...] = (),
) -> _Answer:
    """Give what `call` gives, tried again while `what` is absent. Errors that are `wrong` last."""
    has_failed = False
    while True:
        try:
            return call()
        except wrong:
            raise
        except absent as error:
            if not has_failed:
                log.warning("%s does not answer, waiting for it: %s", what, brief(error))
            has_failed = True
            time.sleep(_AGAIN_S)


def explain(error: ValidationError) -> str:
    """Say which variables are wrong."""
    return "; ".join(_explain(dict(e)) for e in error.errors(include_url=False))


def _explain(error: Mapping[str, Any]) -> str:
    loc = error["loc"]
    variable = f"COLROW_{'_'.join(map(str, loc)).upper()}" if loc else "the settings"
    if error["type"] == "missing":
        return f"{variable} is not set"
    return f"{variable}: {field_error(error).msg}"
