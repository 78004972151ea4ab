"""An api process of a benchmark's own: its address, its processor time, its memory."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import httpx

from colrow.local.processes import bound

PATIENCE_S = 120.0


class Process:
    """A server with all its children; it dies with us."""

    def __init__(self, words: list[str], address: str, environment: dict[str, str]) -> None:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("COLROW_")}
        self.address = address
        self.popen = subprocess.Popen(
            bound(words),
            env=kept | environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def wait(self, path: str) -> None:
        """Wait until it answers a request with 200."""
        end_s = time.monotonic() + PATIENCE_S
        while True:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(self.address + path, timeout=PATIENCE_S).status_code == 200:
                    return
            if self.popen.poll() is not None or time.monotonic() > end_s:
                raise RuntimeError(f"no server came up: {self.popen.args!r}")
            time.sleep(0.02)

    def processor_s(self) -> float:
        """Give the processor time that it has used so far, user and system."""
        return sum(processor_s(pid) for pid in self.family())

    def memory_bytes(self) -> int:
        """Give the memory that it alone uses: shared pages count by their share."""
        return sum(_proportional_bytes(pid) for pid in self.family())

    def family(self) -> list[int]:
        """Every process of its session that lives: itself and its children."""
        own = []
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                with contextlib.suppress(OSError):
                    fields = (folder / "stat").read_text().rpartition(")")[2].split()
                    if int(fields[3]) == self.popen.pid:
                        own.append(int(folder.name))
        return own

    def stop(self) -> None:
        """End it, and what it started."""
        self.popen.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.popen.wait(10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()


def processor_s(pid: int) -> float:
    """Give the processor time of a process, that of threads which have ended included."""
    try:
        return time.clock_gettime((~pid << 3) | 2)  # as clock_getcpuclockid(3) makes it on Linux
    except OSError:  # it has ended
        return 0.0


class Meter:
    """Processor time of this process and of others, from now on."""

    def __init__(self, pids: Iterable[int]) -> None:
        self._begin = {pid: processor_s(pid) for pid in pids}
        self._own_s = time.process_time()

    def read_s(self) -> float:
        """Give what was spent since; its own reading is not in it."""
        own_s = time.process_time() - self._own_s
        return own_s + sum(processor_s(pid) - before for pid, before in self._begin.items())


def _proportional_bytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def free_port() -> int:
    """Give a port that nobody listens on just now."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port


def start_api(database_url: str, **settings: str) -> Process:
    """Start `python -m api` without a broker; `settings` are variables without COLROW_."""
    port = free_port()
    # The embedded profile asks for no login on loopback, on PostgreSQL too.
    chosen = {"COLROW_DATABASE_URL": database_url, "COLROW_PORT": str(port)}
    chosen["COLROW_PROFILE"] = "embedded"
    chosen |= {f"COLROW_{name.upper()}": value for name, value in settings.items()}
    return Process([sys.executable, "-m", "api"], f"http://127.0.0.1:{port}", chosen)


@contextlib.contextmanager
def api(database_url: str, **settings: str) -> Iterator[Process]:
    """Serve until the end of the block."""
    process = start_api(database_url, **settings)
    try:
        process.wait("/readyz")
        yield process
    finally:
        process.stop()
