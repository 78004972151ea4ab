"""TERM and INT of a process that Celery runs.

A signal may come in the middle of anything, in that of its own handler too: a process and its
group are often told both, so twice. What takes a lock there, as `threading.Event` and Celery's own
dispatch of `worker_shutting_down` do, may wait for its own thread for ever. So the handler sets
Celery's flag and wakes a thread, both of which are safe, and the thread does the rest.
"""

import signal
import threading
from collections.abc import Callable
from queue import SimpleQueue
from types import FrameType
from typing import Any

from celery.apps.worker import install_worker_term_hard_handler
from celery.platforms import EX_FAILURE, EX_OK
from celery.worker import state


def heed(worker: Any, stop: Callable[[], object]) -> None:
    """Have TERM and INT end the worker, and call `stop`, on a thread of its own, at the first.

    Celery then waits for its pool. A second INT does not: Celery ends it at once. Call it when
    Celery has set its own handlers, as in the start of a bootstep.
    """
    told: SimpleQueue[None] = SimpleQueue()  # its `put` may be called anywhere, unlike Queue's

    def wait() -> None:
        told.get()
        stop()

    def terminate(_number: int, _frame: FrameType | None) -> None:
        state.should_stop = EX_OK
        told.put(None)

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        install_worker_term_hard_handler(worker, sig="SIGINT", verbose=False)
        state.should_stop = EX_FAILURE
        told.put(None)

    threading.Thread(target=wait, name="stopping", daemon=True).start()
    signal.signal(signal.SIGTERM, terminate)
    signal.signal(signal.SIGINT, interrupt)
