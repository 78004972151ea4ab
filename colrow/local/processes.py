"""Child processes of `colrow up`: started so that none outlives it, restarted when one dies.

Each child has a session of its own, so that Ctrl-C reaches `colrow up` alone and the order of
stopping is ours; and the kernel kills it when `colrow up` dies, `kill -9` included (PDEATHSIG).
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from colrow.local.telling import message_of

MAX_LOG_BYTES = 10 << 20
LONGEST_PAUSE_S = 10.0
STEADY_S = 30.0

# Run by a bare interpreter that then becomes the child. A `preexec_fn` would do the same, but runs
# Python between fork and exec. The parent may have died before prctl was called: hence getppid.
_LAUNCH = """
import os, sys
if sys.platform == "linux":
    import ctypes
    ctypes.CDLL(None).prctl(1, {signal}, 0, 0, 0)
if os.getppid() != int(sys.argv[1]):
    sys.exit(1)
os.execv(sys.argv[2], sys.argv[2:])
"""


def bound(command: Sequence[str], *, by: signal.Signals = signal.SIGKILL) -> list[str]:
    """Give the command that runs `command`, and has it signalled when this process dies.

    It must be started from the main thread: the kernel means the thread that starts it.
    """
    script = _LAUNCH.replace("{signal}", str(int(by)))
    return [sys.executable, "-I", "-S", "-c", script, str(os.getpid()), *command]


@dataclass
class Child:
    """One process: how it is started, and how it fares."""

    name: str
    command: Sequence[str]
    log: Path
    environment: Mapping[str, str]
    stop_s: float
    """How long it may take to end after TERM."""
    before: Callable[[], None] = field(default=lambda: None)
    """Called before each start."""
    process: subprocess.Popen[bytes] | None = None
    failures: int = 0
    """Deaths in quick succession."""
    started_s: float = 0.0
    start_again_s: float | None = None

    def start(self) -> None:
        """Start it, its output appended to its log."""
        self.before()
        _rotate(self.log)
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                bound(self.command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(self.environment),
                start_new_session=True,
            )
        self.started_s, self.start_again_s = time.monotonic(), None

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self.process is not None and self.process.poll() is None

    def revive(self) -> str | None:
        """Start it again if it has died, later and later when it keeps dying; say what was done."""
        now = time.monotonic()
        if self.is_alive:
            return None
        if self.start_again_s is None:
            self.failures = 1 if now - self.started_s > STEADY_S else self.failures + 1
            pause_s = min(LONGEST_PAUSE_S, 0.2 * 2.0 ** (self.failures - 1))
            self.start_again_s = now + pause_s
            return f"{self.name} {self.ending()}; it starts again (its log: {self.log})"
        if now >= self.start_again_s:
            self.start()
        return None

    def ending(self) -> str:
        """Say how the process ended."""
        code = None if self.process is None else self.process.returncode
        if code is None:
            return "was not started"
        return f"was killed by signal {-code}" if code < 0 else f"ended with exit status {code}"

    def last_line(self) -> str:
        """Give the last line of its log, the likely reason when it cannot start."""
        with contextlib.suppress(OSError), self.log.open("rb") as file:
            file.seek(max(0, self.log.stat().st_size - 4096))
            lines = [line.strip() for line in file.read().decode(errors="replace").splitlines()]
            return message_of(next((line for line in reversed(lines) if line), ""))
        return ""

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process; nothing happens when it has ended."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def send_group(self, number: signal.Signals) -> None:
        """Send a signal to all of its session's first group, dead leader or not."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, number)


def stop(children: Sequence[Child], hurry: Callable[[], bool]) -> None:
    """End children together: TERM, time to finish, KILL. `hurry` cuts the time short."""
    for child in children:
        child.send(signal.SIGTERM)
    end_s = time.monotonic() + max((c.stop_s for c in children), default=0)
    while any(c.is_alive for c in children) and time.monotonic() < end_s and not hurry():
        time.sleep(0.02)
    for child in children:
        if child.is_alive:
            child.send_group(signal.SIGKILL)
        if child.process is not None:
            child.process.wait()


def _rotate(log: Path) -> None:
    with contextlib.suppress(OSError):
        if log.stat().st_size > MAX_LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))
