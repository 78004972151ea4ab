"""Jobs that report while somebody looks, from a process of their own."""

import multiprocessing
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from multiprocessing.synchronize import Event

from benchmarks.parts import seed
from store import recording
from store.session import Database

STEPS = 10
"""Of each report, with five metrics."""
PAUSE_S = 1.0
"""Between two reports of a job."""


@contextmanager
def writing(url: str, attempts: Sequence[int], step: int) -> Iterator[None]:
    """Let jobs report from a process of their own, until the end of the block."""
    context = multiprocessing.get_context("spawn")
    end = context.Event()
    writer = context.Process(target=_write, args=(url, attempts, step, end), daemon=True)
    writer.start()
    yield
    end.set()
    writer.join()


def _write(url: str, attempts: Sequence[int], step: int, end: Event) -> None:
    begin, written = time.monotonic(), 0
    with closing(Database(url)) as opened:
        while not end.is_set():
            for attempt in attempts:
                due = begin + written * PAUSE_S / len(attempts)
                time.sleep(max(0.0, due - time.monotonic()))
                with opened.write() as session:
                    recording.record(session, attempt, seed.batch(step, STEPS))
                written += 1
            step += STEPS
