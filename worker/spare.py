"""A slot's warm spare: a process that has torch imported, and forks the trainer of the next job.

It is one process for many jobs, and each job's trainer is a fork of it. A job that wants another
environment (threads, devices), or an installation that has changed, makes it start anew; whatever
goes wrong with it, the job starts cold instead, as if there were no spare.

The spare is started by a thread of its own, which lives as long as this object: the kernel kills it
when that thread ends (PDEATHSIG), and its trainers with it.
"""

import contextlib
import json
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from worker.forks import MESSAGE_BYTES, OPTION, PADDING, tell
from worker.installation import Fingerprint, fingerprint
from worker.process import Process

COMMAND = (sys.executable, "-m", "worker.trainer", OPTION)
"""How a spare is started; our process id and PADDING follow."""
_LOOK_S = 0.1
_TAIL = 2000
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Patience:
    """How long, in seconds, before a spare is given up."""

    import_s: float = 120.0
    answer_s: float = 10.0
    rest_s: float = 60.0
    """After one failed, so long every job starts cold."""


class SpareFailed(Exception):  # noqa: N818 - named by what is so
    """The spare is of no use; the text goes on after 'the spare'."""


class Spare:
    """The spare of one slot, started when it is needed, and anew when it does not fit."""

    def __init__(
        self,
        *,
        command: Sequence[str] = COMMAND,
        patience: Patience | None = None,
        installed: Callable[[], Fingerprint] = fingerprint,
    ) -> None:
        self._command = command
        self._patience = patience or Patience()
        self._installed = installed
        self._living: _Living | None = None
        self._ready: Future[None] = Future()
        self._rests_until_s = 0.0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="spare")

    def prepare(self, environment: Mapping[str, str]) -> None:
        """Have one ready soon for jobs that want this environment."""
        try:
            self._fitting(dict(environment))
        except SpareFailed as error:
            self._give_up(error)

    def fork(
        self,
        config: Path,
        environment: Mapping[str, str],
        *,
        is_called_off: Callable[[], bool] = lambda: False,
    ) -> Process | None:
        """Start a trainer for the assignment in `config`; None: it is to be started cold.

        Waits until the spare has imported what it needs, which a cold start would do too, unless
        the job is called off meanwhile.
        """
        if time.monotonic() < self._rests_until_s:
            return None
        try:
            living, ready = self._fitting(dict(environment))
            while not _is_done(ready, _LOOK_S):
                if is_called_off():
                    return None
            ready.result()
            return living.fork(config)
        except SpareFailed as error:
            self._give_up(error)
            return None

    def close(self) -> None:
        """End it; nothing can be forked afterwards."""
        self._discard()
        self._rests_until_s = float("inf")
        self._thread.shutdown()

    @property
    def pid(self) -> int | None:
        """The process id of the spare that lives, if one does."""
        return self._living.pid if self._living is not None else None

    def _fitting(self, environment: dict[str, str]) -> "tuple[_Living, Future[None]]":
        """Give a spare with this environment and installation, and its readiness."""
        wanted = (environment, self._installed())
        living = self._living
        if living is not None and self._is_lost(living):
            log.warning("the spare trainer was lost while it waited; another one starts")
        elif living is not None and (living.environment, living.installed) == wanted:
            return living, self._ready
        self._discard()
        start = partial(_Living, self._command, *wanted, self._patience)
        self._living = living = self._thread.submit(start).result()
        self._ready = self._thread.submit(living.get_ready)
        return living, self._ready

    def _is_lost(self, living: "_Living") -> bool:
        """Whether it has ended although it had been ready."""
        was_ready = self._ready.done() and self._ready.exception() is None
        return was_ready and living.has_ended

    def _give_up(self, error: SpareFailed) -> None:
        said = "" if self._living is None else self._living.said()
        log.warning(
            "the spare trainer %s; jobs start without one for %g s%s",
            error, self._patience.rest_s, f". Its last words:\n{said}" if said else "",
        )  # fmt: skip
        self._discard()
        self._rests_until_s = time.monotonic() + self._patience.rest_s

    def _discard(self) -> None:
        if self._living is not None:
            self._living.kill()
            wait([self._ready])  # it hears the end, and lets go of the channel
            self._living.close()
            self._living = None


class _Living:
    """One spare process, from its start to its end."""

    def __init__(
        self,
        command: Sequence[str],
        environment: dict[str, str],
        installed: Fingerprint,
        patience: Patience,
    ) -> None:
        self.environment, self.installed = environment, installed
        self._patience = patience
        self._words = b""
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self._process = subprocess.Popen(
                [*command, str(os.getpid()), PADDING],
                stdin=theirs.fileno(),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
        except OSError as error:
            self._channel.close()
            raise SpareFailed(f"cannot be started: {error.strerror or error}") from error
        finally:
            theirs.close()
        self.pid = self._process.pid
        assert self._process.stdout is not None
        os.set_blocking(self._process.stdout.fileno(), False)

    @property
    def has_ended(self) -> bool:
        """Whether the process has ended."""
        return self._process.poll() is not None

    def get_ready(self) -> None:
        """Wait until it has imported all it needs. Raises SpareFailed when it never will have."""
        begin_s = time.monotonic()
        message, _ = self._receive(self._patience.import_s)
        log.info(
            "the spare trainer is ready after %.1f s, %.1f s of them importing",
            time.monotonic() - begin_s, message["ready"],
        )  # fmt: skip

    def fork(self, config: Path) -> Process:
        """Have it fork a trainer. Raises SpareFailed."""
        self.said()  # else what it prints would fill the pipe in the end
        output, theirs = os.pipe()
        try:
            self._tell({"assignment": str(config)}, theirs)
            message, descriptors = self._receive(self._patience.answer_s)
            if "pid" not in message:
                raise SpareFailed(f"could not fork: {message.get('error')}")
        except SpareFailed:
            os.close(output)
            raise
        finally:
            os.close(theirs)
        pid = int(message["pid"])
        return Process(pid, output, descriptors[0], lambda: self._wait_for(pid, descriptors[0]))

    def kill(self) -> None:
        """End it, and trainers that it may have."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Let go of what led to it."""
        self._channel.close()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def said(self) -> str:
        """Give the end of what it printed."""
        assert self._process.stdout is not None
        with contextlib.suppress(BlockingIOError):
            while part := os.read(self._process.stdout.fileno(), MESSAGE_BYTES):
                self._words = (self._words + part)[-_TAIL:]
        return self._words.decode(errors="replace").strip()

    def _wait_for(self, pid: int, handle: int) -> int:
        select.select([handle], [], [])
        try:
            self._tell({"wait_for": pid})
            return int(self._receive(self._patience.answer_s)[0]["exit_code"])
        except SpareFailed:
            # A spare that has died took its trainer with it, and nobody else was told its end.
            return -signal.SIGKILL

    def _tell(self, message: dict[str, Any], *descriptors: int) -> None:
        try:
            tell(self._channel, message, *descriptors)
        except OSError as error:
            raise SpareFailed(f"is gone: {error.strerror or error}") from error

    def _receive(self, timeout_s: float) -> tuple[dict[str, Any], list[int]]:
        if not select.select([self._channel], [], [], timeout_s)[0]:
            raise SpareFailed(f"did not answer within {timeout_s:g} s")
        try:
            data, descriptors, _, _ = socket.recv_fds(self._channel, MESSAGE_BYTES, 1)
        except OSError as error:
            raise SpareFailed(f"is gone: {error.strerror or error}") from error
        if not data:
            raise SpareFailed("has ended")
        return json.loads(data), descriptors


def _is_done(future: Future[None], timeout_s: float) -> bool:
    return bool(wait([future], timeout_s).done)
