"""How often somebody may come: a token bucket per key, in this process's memory."""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

from api.errors import Refusal

GUESSES, GUESSES_PER_S = 30, 1.0
REMEMBERED = 10_000
"""Keys; the one that came least lately is forgotten first, and starts with a full bucket."""


class Buckets:
    """A bucket per key, that holds `burst` and gets `per_s` a second. Thread-safe."""

    def __init__(
        self, per_s: float, burst: int, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.per_s = per_s
        self.burst = burst
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def take(self, key: Hashable) -> float:
        """Take one; give 0, or the seconds after which there is one again."""
        return self._look(key, taken=1)

    def wait_s(self, key: Hashable) -> float:
        """Give what `take` would, and take nothing."""
        return self._look(key, taken=0)

    def _look(self, key: Hashable, *, taken: int) -> float:
        if self.per_s == 0:
            return 0.0
        with self._lock:
            now = self._clock()
            level, at = self._kept.pop(key, (float(self.burst), now))
            level = min(self.burst, level + (now - at) * self.per_s)
            wait_s = 0.0 if level >= 1 else (1 - level) / self.per_s
            self._kept[key] = (level - taken if wait_s == 0 else level, now)
            if len(self._kept) > REMEMBERED:
                self._kept.popitem(last=False)
            return wait_s


class Guesses:
    """Tokens that were not valid, by address. What was valid lately is never taken for a guess."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._buckets = Buckets(GUESSES_PER_S, GUESSES, clock=clock)
        self._lock = threading.Lock()
        self._good: OrderedDict[str, None] = OrderedDict()

    def demand_room(self, address: str, digest: str) -> None:
        """Raise Refusal where an address guessed too often; `digest` is of what it shows now."""
        with self._lock:
            if digest in self._good:
                return
        wait_s = self._buckets.wait_s(address)
        if wait_s > 0:
            raise too_often(wait_s, "too many tokens from this address were not valid")

    def told(self, address: str, digest: str, *, is_valid: bool) -> None:
        """Hear what became of it."""
        with self._lock:
            self._good.pop(digest, None)
            if is_valid:
                self._good[digest] = None
                if len(self._good) > REMEMBERED:
                    self._good.popitem(last=False)
        if not is_valid:
            self._buckets.take(address)


def too_often(wait_s: float, what: str) -> Refusal:
    """Make the refusal of who came too often."""
    seconds = max(1, math.ceil(wait_s))
    return Refusal(
        429,
        "rate",
        "Too many requests",
        f"{what}; nothing was done, wait {seconds} s and send it again",
        headers={"retry-after": str(seconds)},
    )
