"""Live events: one thread reads `changes`, every open stream has a bounded queue of its own.

A stream that reads too slowly loses its queue and gets `reset` in its place: its reader then reads
everything again, and memory stays bounded. A stream counts from its admission on, and ends with its
token, also while it still reads from the database what it missed; only then its queue begins to
fill, and doubles are dropped by their number.
"""

import asyncio
import contextlib
import logging
import threading
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from store import changes, tokens
from store.changes import Change, Feed
from store.session import Database

log = logging.getLogger("colrow.events")
RETRY_S = 1.0
CHECK_S = 5.0
"""A stream outlives its token by so much, and a little."""


@dataclass(frozen=True)
class Mark:
    """A place in the feed. `reset`: what came before it is lost, read everything again."""

    seq: int
    reset: bool = False


class TooManyStreams(Exception):  # noqa: N818 - named by what is so
    """As many streams are open as there may be."""


class TooManyOwnStreams(Exception):  # noqa: N818
    """One user has as many streams open as they may have."""


@dataclass(frozen=True)
class Reader:
    """Whose stream it is. `token` is the key of the token that opened it, and ends it."""

    user: str
    token: int | None = None


class Subscriber:
    """The queue of one open stream. Only the event loop touches it."""

    def __init__(self, limit: int, reader: Reader) -> None:
        self.start: int | None = None
        """Where it began to listen; None: it still reads what it missed."""
        self.reader = reader
        self.loop = asyncio.get_running_loop()
        self.queue: asyncio.Queue[Change | Mark | None] = asyncio.Queue(limit)
        self.closed = False

    def deliver(self, items: Sequence[Change | Mark]) -> None:
        """Take what is new; when full, drop everything and say so."""
        if self.start is None:
            return
        for item in items:
            if self.queue.full():
                while not self.queue.empty():
                    self.queue.get_nowait()
                self.queue.put_nowait(Mark(item.seq, reset=True))
            else:
                self.queue.put_nowait(item)

    async def new(self, patience_s: float | None) -> list[Change | Mark]:
        """Give all that waits, as soon as there is something; nothing once patience has ended."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                found = [await self.queue.get()]
            while not self.queue.empty():
                found.append(self.queue.get_nowait())
            return [item for item in found if item is not None]
        return []

    def close(self) -> None:
        """End the stream."""
        self.closed = True
        if not self.queue.full():  # a full one is read soon, and then asks `closed`
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
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread; it reads nothing while nobody listens."""
        self._ended.clear()
        self._wanted.clear()
        self._thread = threading.Thread(target=self._follow, name="events", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End every stream and the thread. May be called twice."""
        self._ended.set()
        self._wanted.set()
        self._hand_out(Subscriber.close)

    def join(self) -> None:
        """End, and wait for the thread."""
        self.close()
        if self._thread is not None:
            self._thread.join()

    @property
    def open_streams(self) -> int:
        """How many streams are open."""
        return len(self._subscribers)

    @contextlib.contextmanager
    def admit(
        self, reader: Reader, *, most: int | None = None, most_each: int | None = None
    ) -> Iterator[Subscriber]:
        """Count a stream in for as long as the block lasts.

        Raises TooManyStreams when `most` are open, and TooManyOwnStreams when `most_each` of the
        same user are.
        """
        made = Subscriber(self.queue, reader)
        with self._lock:
            self._demand_room(reader, most, most_each)
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

    def _demand_room(self, reader: Reader, most: int | None, most_each: int | None) -> None:
        own = sum(s.reader.user == reader.user for s in self._subscribers)
        if most_each is not None and own >= most_each:
            raise TooManyOwnStreams(
                f"{own} event streams of {reader.user} are open, and more are not served; close "
                "one (every page that is open and every `colrow watch` has one)"
            )
        if most is not None and self.open_streams >= most:
            raise TooManyStreams(
                f"{most} event streams are open, and more are not served; close one (every page "
                "that is open has one), or raise COLROW_STREAMS"
            )

    async def follow(
        self, after: int, subscriber: Subscriber, *, patience_s: float | None = None
    ) -> AsyncGenerator[Sequence[Change | Mark]]:
        """Give every change after number `after`, and marks: first of all where it begins.

        What came together is given together, and nothing after `patience_s` in which nothing came.
        It ends when the subscriber is closed, as with its reader's token.
        """
        place = after
        yield [Mark(place)]
        async for items in self._missed(place, subscriber):
            yield items
            place = items[-1].seq
        subscriber.start = place
        # What was handed out to others between the last reading and that.
        async for items in self._missed(place, subscriber):
            yield items
            place = items[-1].seq
        while not subscriber.closed:
            new = []
            for item in await subscriber.new(patience_s):
                if item.seq > place or isinstance(item, Mark):
                    place = item.seq
                    new.append(item)
            if not subscriber.closed:
                yield new

    async def _missed(
        self, place: int, subscriber: Subscriber
    ) -> AsyncIterator[Sequence[Change | Mark]]:
        while not subscriber.closed:
            feed = await run_in_threadpool(self._read, place)
            if feed.reset:
                yield [Mark(feed.head, reset=True)]
                return
            if not feed.items:
                return
            yield feed.items
            place = feed.items[-1].seq

    def _read(self, after: int) -> Feed:
        with self.database.read() as session:
            return changes.since(session, after)

    def _follow(self) -> None:
        """Run as the thread: read on and hand out, while somebody listens."""
        place: int | None = None
        failing = False
        checked_s = 0.0
        while not self._ended.is_set():
            listening = self._listening()
            if not listening:
                place = None
                self._wanted.wait()
                continue
            starts = [s.start for s in listening if s.start is not None]
            place = (min(starts) if place is None else place) if starts else None
            try:
                feed = None if place is None else self._read(place)
                if time.monotonic() - checked_s > CHECK_S:
                    self._end_of_tokens(listening)
                    checked_s = time.monotonic()
            except SQLAlchemyError as error:
                if not failing:
                    log.error("events cannot be read, trying again: %s", error)
                failing = True
                self._ended.wait(RETRY_S)
                continue
            failing = False
            if feed is None:
                self._ended.wait(self.poll_s)
                continue
            place = feed.head
            if feed.reset:
                self._hand_out(partial(Subscriber.deliver, items=[Mark(place, reset=True)]))
            elif feed.items:
                self._hand_out(partial(Subscriber.deliver, items=feed.items))
            if len(feed.items) < changes.READ_LIMIT:
                self._ended.wait(self.poll_s)

    def _end_of_tokens(self, listening: Sequence[Subscriber]) -> None:
        """Close the streams whose tokens have expired or were revoked."""
        keys = {s.reader.token for s in listening if s.reader.token is not None}
        if not keys:
            return
        with self.database.read() as session:
            valid = tokens.still_valid(session, keys)
        for one in listening:
            if one.reader.token in keys - valid:
                with contextlib.suppress(RuntimeError):  # its loop is closed already
                    one.loop.call_soon_threadsafe(one.close)

    def _hand_out(self, what: Callable[[Subscriber], None]) -> None:
        """Have it done to each subscriber, by its event loop: woken once for all of them."""
        of_loops = defaultdict(list)
        for subscriber in self._listening():
            of_loops[subscriber.loop].append(subscriber)

        def do(subscribers: Sequence[Subscriber]) -> None:
            for subscriber in subscribers:
                what(subscriber)

        for loop, subscribers in of_loops.items():
            with contextlib.suppress(RuntimeError):  # the loop is closed already
                loop.call_soon_threadsafe(do, subscribers)

    def _listening(self) -> list[Subscriber]:
        with self._lock:
            return list(self._subscribers)
