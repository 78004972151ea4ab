"""Live events: one thread reads `changes`, every open stream has a bounded queue of its own.

A stream that reads too slowly loses its queue and gets `reset` in its place: its reader then reads
everything again, and memory stays bounded. A stream that starts at an earlier event reads what it
missed from the database first, while its queue already fills; doubles are dropped by their number.
"""

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Iterator, Sequence

from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from store import changes
from store.changes import Change
from store.session import Database

log = logging.getLogger("colrow.events")
BATCH = 1000
RETRY_S = 1.0


class Subscriber:
    """The queue of one open stream. Only the event loop touches it."""

    def __init__(self, start: int, limit: int) -> None:
        self.start = start
        self.loop = asyncio.get_running_loop()
        self.queue: asyncio.Queue[Change | None] = asyncio.Queue(limit)
        self.overflowed = False
        self.closed = False

    def deliver(self, batch: Sequence[Change]) -> None:
        """Take what is new; when full, drop everything and remember it."""
        for change in batch:
            if self.queue.full():
                self.overflowed = True
                while not self.queue.empty():
                    self.queue.get_nowait()
            self.queue.put_nowait(change)

    def close(self) -> None:
        """End the stream."""
        self.closed = True
        if not self.queue.full():
            self.queue.put_nowait(None)


class Hub:
    """The thread and its subscribers."""

    def __init__(self, database: Database, *, poll_s: float, queue: int) -> None:
        self.database = database
        self.poll_s = poll_s
        self.queue = queue
        self._subscribers: set[Subscriber] = set()
        self._lock = threading.Lock()
        self._wanted = threading.Event()  # somebody listens, or the thread is to end
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="events", daemon=True)

    def start(self) -> None:
        """Start the thread; it reads nothing while nobody listens."""
        self._thread.start()

    def close(self) -> None:
        """End every stream and the thread. May be called twice."""
        self._ended.set()
        self._wanted.set()
        for subscriber in self._listening():
            with contextlib.suppress(RuntimeError):  # its loop is closed already
                subscriber.loop.call_soon_threadsafe(subscriber.close)

    def join(self) -> None:
        """Wait for the thread."""
        self.close()
        self._thread.join()

    @property
    def open_streams(self) -> int:
        """How many streams are open."""
        return len(self._subscribers)

    async def follow(self, after: int | None) -> AsyncIterator[tuple[int, Change | None]]:
        """Give every change after number `after`, or from now on, each with its number.

        A change of None marks a place. The first item is always one, the place where the stream
        stands: later than `after` if that was trimmed away or never was. So is every later gap.
        """
        place, gap = await run_in_threadpool(self._place, after)
        yield place, None
        async for change in self._missed(None if gap else place):
            yield change.seq, change
            place = change.seq
        with self._subscription(place) as subscriber:
            # What was handed out to others between the last reading and the subscription.
            async for change in self._missed(place):
                yield change.seq, change
                place = change.seq
            while (new := await subscriber.queue.get()) is not None:
                if subscriber.overflowed:
                    subscriber.overflowed = False
                    yield new.seq - 1, None
                if new.seq > place:
                    place = new.seq
                    yield place, new
                if subscriber.closed:
                    return

    async def _missed(self, place: int | None) -> AsyncIterator[Change]:
        while place is not None and (batch := await run_in_threadpool(self._read, place)):
            for change in batch:
                yield change
            place = batch[-1].seq

    def _place(self, after: int | None) -> tuple[int, bool]:
        """Say where to begin, and whether what lies between is lost."""
        with self.database.read() as session:
            span = changes.head(session)
        if after is None:
            return span.seq, False
        if span.trimmed <= after <= span.seq:
            return after, False
        return span.seq, True

    def _read(self, after: int) -> Sequence[Change]:
        with self.database.read() as session:
            return changes.since(session, after, BATCH)

    def _follow(self) -> None:
        """Run as the thread: read on and hand out, while somebody listens."""
        place: int | None = None
        failing = False
        while not self._ended.is_set():
            if not self._subscribers:
                place = None
                self._wanted.wait()
                continue
            try:
                if place is None:
                    place = min((s.start for s in self._listening()), default=0)
                batch = self._read(place)
            except SQLAlchemyError as error:
                if not failing:
                    log.error("events cannot be read, trying again: %s", error)
                failing = True
                self._ended.wait(RETRY_S)
                continue
            failing = False
            if batch:
                place = batch[-1].seq
                for subscriber in self._listening():
                    with contextlib.suppress(RuntimeError):  # its loop is closed already
                        subscriber.loop.call_soon_threadsafe(subscriber.deliver, batch)
            if len(batch) < BATCH:
                self._ended.wait(self.poll_s)

    def _listening(self) -> list[Subscriber]:
        with self._lock:
            return list(self._subscribers)

    @contextlib.contextmanager
    def _subscription(self, start: int) -> Iterator[Subscriber]:
        made = Subscriber(start, self.queue)
        with self._lock:
            self._subscribers.add(made)
            self._wanted.set()
        if self._ended.is_set():
            made.close()
        try:
            yield made
        finally:
            with self._lock:
                self._subscribers.discard(made)
                if not self._subscribers and not self._ended.is_set():
                    self._wanted.clear()
