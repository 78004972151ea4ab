"""The trainer as a process: start it, read what it tells and prints, stop it.

It has a session of its own, so that a signal to its group reaches whatever it started, and it dies
with us: it sets PDEATHSIG itself, which needs no Python between fork and exec. The kernel sends
that signal when the *thread* that forked ends; so the thread that makes a `Trainer` stays with it
until it has ended.
"""

import codecs
import contextlib
import json
import os
import select
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from crs_core.events import EVENT, Event
from worker.forks import IMPORTED

COMMAND = (sys.executable, "-m", "worker.trainer")
"""How a trainer is started; the path of its assignment follows."""
EVENTS = "events.fifo"
CONFIG = "trainer.json"
_IMPORTED = f'{{"{IMPORTED}":'.encode()
_READ_BYTES = 1 << 16
_READS = 64
"""Reads in a row from one source, before the other one gets its turn."""


@dataclass(frozen=True)
class Assignment:
    """What a trainer is told, as a JSON file in the attempt's folder."""

    spec: dict[str, Any]
    folder: str
    events: str
    data: str
    download: bool
    resume_from: list[dict[str, Any]]
    device: str
    threads: int
    supervisor: int
    """Our process id: a trainer whose parent is another one has been orphaned, and ends."""


@dataclass(frozen=True)
class Heard:
    """What a trainer told and printed since the last time."""

    events: list[Event]
    text: str


@dataclass(frozen=True)
class Process:
    """A process that leads a session of its own, however it came about."""

    pid: int
    output: int
    """Descriptor to read what it prints from."""
    handle: int
    """Its pidfd: readable when it has ended."""
    wait: Callable[[], int]
    """Wait until it has ended and give its exit code; its number is its own until then."""


def _start(command: Sequence[str], environment: Mapping[str, str]) -> Process:
    output, theirs = os.pipe()
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            start_new_session=True,
        )
    except OSError:
        os.close(output)
        raise
    finally:
        os.close(theirs)
    return Process(process.pid, output, os.pidfd_open(process.pid), process.wait)


def _not_forked(_config: Path) -> Process | None:
    return None


class Trainer:
    """A running trainer."""

    def __init__(
        self,
        assignment: Assignment,
        environment: Mapping[str, str],
        *,
        command: Sequence[str] = COMMAND,
        fork: Callable[[Path], Process | None] = _not_forked,
    ) -> None:
        """Start it: by `fork`, or, where that gives none, by `command`. Raises OSError."""
        folder = Path(assignment.folder)
        config = folder / CONFIG
        config.write_text(json.dumps(asdict(assignment), indent=1))
        fifo = Path(assignment.events)
        fifo.unlink(missing_ok=True)
        os.mkfifo(fifo, 0o600)
        # Open for writing too: then its end is never reached, and the trainer's open never waits.
        self._events = os.open(fifo, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            forked = fork(config)
            self._process = forked or _start([*command, str(config)], environment)
        except OSError:
            os.close(self._events)
            raise
        self.is_forked = forked is not None
        self.imported_s: float | None = None
        """How long it imported, once it has told."""
        self.pid, self._output = self._process.pid, self._process.output
        os.set_blocking(self._output, False)
        self._handle = self._process.handle
        self._selector = selectors.DefaultSelector()
        for source in (self._events, self._output, self._handle):
            self._selector.register(source, selectors.EVENT_READ)
        self._line = b""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._is_waited_for = False

    def hear(self, timeout_s: float) -> Heard:
        """Wait until it tells, prints or ends, and give what came."""
        self._selector.select(timeout_s)
        return self._heard()

    @property
    def has_ended(self) -> bool:
        """Whether the process has ended. It is not waited for here: its number is still its own."""
        return self._is_waited_for or bool(select.select([self._handle], [], [], 0)[0])

    def stop(self) -> None:
        """Ask it to save and end."""
        self._signal(signal.SIGTERM, group=False)

    def kill(self) -> None:
        """End it and all it started, at once."""
        self._signal(signal.SIGKILL, group=True)

    def end(self, *, leave_s: float = 0.0) -> tuple[int, Heard]:
        """Kill what is left; give the exit code (negative: a signal) and what was still unread.

        Processes in sessions of their own, which die because it has died, get `leave_s` to be gone.
        """
        self.kill()
        code = self._process.wait()
        self._is_waited_for = True
        heard = self._rest(leave_s)
        self._selector.close()
        for descriptor in (self._handle, self._events, self._output):
            os.close(descriptor)
        return code, heard

    def _signal(self, number: signal.Signals, *, group: bool) -> None:
        if not self._is_waited_for:
            with contextlib.suppress(ProcessLookupError):
                (os.killpg if group else os.kill)(self.pid, number)

    def _rest(self, leave_s: float) -> Heard:
        """Read until nobody is left who could print, or for so long."""
        for source in (self._events, self._handle):  # the one never ends, the other has
            self._selector.unregister(source)
        heard, until_s = self._heard(), time.monotonic() + leave_s
        while self._selector.get_map() and (left_s := until_s - time.monotonic()) > 0:
            self._selector.select(left_s)
            more = self._heard()
            heard = Heard(heard.events + more.events, heard.text + more.text)
        return heard

    def _heard(self) -> Heard:
        *lines, self._line = (self._line + self._read(self._events)).split(b"\n")
        events = []
        for line in lines:
            if line.startswith(_IMPORTED):
                self.imported_s = float(json.loads(line)[IMPORTED])
            else:
                events.append(EVENT.validate_json(line))
        return Heard(events, self._decoder.decode(self._read(self._output)))

    def _read(self, source: int) -> bytes:
        parts = []
        for _ in range(_READS):
            try:
                part = os.read(source, _READ_BYTES)
            except BlockingIOError:
                break
            if not part:  # it has closed its output
                if source in self._selector.get_map():
                    self._selector.unregister(source)
                break
            parts.append(part)
        return b"".join(parts)
