"""A `colrow up` for a test, and all the processes that belong to it."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.system.installation import wait_until

FAST = {
    "COLROW_LEASE_S": "3",
    "COLROW_HEARTBEAT_S": "0.5",
    "COLROW_SWEEP_S": "1",
    "COLROW_OFFLINE": "true",
}


class Up:
    """A `colrow up` on a data folder, and all the processes that belong to it."""

    def __init__(
        self,
        data: Path,
        said: Path,
        *words: str,
        prefix: tuple[str, ...] = (),
        settings: Mapping[str, str] = FAST,
    ) -> None:
        self.data = data
        self.runtime: str | None = None
        self.said = said
        environment = {k: v for k, v in os.environ.items() if not k.startswith("COLROW_")}
        command = [*prefix, sys.executable, "-m", "colrow", "up", "--data", str(data)]
        command += words or ("--port", "0", "--workers", "1")
        with self.said.open("wb") as output:
            self.process = subprocess.Popen(
                command, stdout=output, stderr=subprocess.STDOUT, env=environment | dict(settings)
            )

    def words(self) -> str:
        return self.said.read_text()

    def wait_until_ready(self) -> "Up":
        def is_ready() -> bool:
            assert self.process.poll() is None, self.words()
            return "Colrow is at " in self.words()

        wait_until(is_ready, "colrow up is ready")
        return self

    @property
    def url(self) -> str:
        found = re.search(r"Colrow is at (http://\S+)", self.words())
        assert found
        return found[1]

    def stop(self, number: signal.Signals = signal.SIGINT, *, timeout_s: float = 30) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout_s)

    def refusal(self) -> str:
        """Wait for it to refuse, and give its one sentence."""
        assert self.process.wait(60) == 1
        words = self.words()
        assert "Traceback" not in words
        assert words.startswith("colrow: ")
        assert words.count("\n") == 1
        return words

    def pid_of(self, part: str) -> int:
        """Give the process id of `api`, `worker`, `worker.trainer` or `valkey-server`."""
        every = self.processes().items()
        found = [pid for pid, words in every if has(words, part) and "--spare" not in words]
        assert len(found) == 1, self.processes()
        return found[0]

    def processes(self) -> dict[int, str]:
        """Give the command lines of all that was started by this and still runs."""
        # Valkey writes its title over its command line: only the folder of its socket is left.
        with contextlib.suppress(OSError, TypeError, ValueError, KeyError):
            self.runtime = json.loads((self.data / "up.lock").read_text())["runtime"]
        return processes_of(self.data, self.runtime)


StartUp = Callable[..., Up]


def has(words: str, part: str) -> bool:
    return re.search(rf"{re.escape(part)}( |$)", words) is not None


def processes_of(data: Path, runtime: str | None = None) -> dict[int, str]:
    """Give the command lines of the processes that belong to a data folder."""
    home = str(data).encode()
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes().replace(b"\0", b" ")
            ours = (
                home in words
                or (runtime is not None and runtime.encode() in words)
                or b"COLROW_HOME=" + home in (entry / "environ").read_bytes()
            )
            if ours and int(entry.name) != os.getpid():
                found[int(entry.name)] = words.decode(errors="replace").strip()
    return found
