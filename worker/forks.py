"""The spare's own side: with torch imported it waits, and forks a trainer for every assignment.

So each attempt has a process of its own, with memory and CUDA context of its own, and none waits
for imports. Supervisor and spare send each other JSON, a message at a time:

    spare       {"ready": seconds}          it took so long to import
    supervisor  {"assignment": path}        and a descriptor, for what the trainer prints
    spare       {"pid": number}             and a descriptor of the process; or {"error": why}
    supervisor  {"wait_for": pid}           sent when the process has ended
    spare       {"exit_code": number}       negative: the signal that ended it

A spare dies with its supervisor, and a trainer with its spare.
"""

import ctypes
import json
import os
import socket
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from worker.lifeline import die_with

OPTION = "--spare"
"""The word in place of an assignment's path; the supervisor's process id and PADDING follow."""
PADDING = "-" * 400
"""Room in the spare's command line, in which its trainers show the path of their assignment."""
MESSAGE_BYTES = 1 << 16
IMPORTED = "imported_s"


def imported(seconds: float) -> str:
    """Say in a line, the first of a trainer's events, how long it imported; no time in a fork."""
    return json.dumps({IMPORTED: round(seconds, 4)})


def take_channel() -> socket.socket:
    """Take the channel, which is the standard input, and leave an empty input in its place."""
    channel = socket.socket(fileno=os.dup(0))
    with Path(os.devnull).open() as nothing:
        os.dup2(nothing.fileno(), 0)
    return channel


def serve(
    channel: socket.socket, run: Callable[[Path], int], *, begin: Callable[[], str | None]
) -> int:
    """Fork a trainer per assignment until the supervisor closes the channel.

    In the fork `begin` is called first, and says why it cannot train if that is so; then `run`,
    with the path of the assignment, gives the exit code.
    """
    while True:
        data, descriptors, _, _ = socket.recv_fds(channel, MESSAGE_BYTES, 1)
        if not data:
            return 0
        told = json.loads(data)
        if "assignment" in told:
            _fork(channel, Path(told["assignment"]), descriptors[0], run, begin)
        else:
            _, status = os.waitpid(told["wait_for"], 0)
            tell(channel, {"exit_code": os.waitstatus_to_exitcode(status)})


def tell(channel: socket.socket, message: dict[str, Any], *descriptors: int) -> None:
    """Send a message, and descriptors with it."""
    socket.send_fds(channel, [json.dumps(message).encode()], descriptors)


def _fork(
    channel: socket.socket,
    path: Path,
    output: int,
    run: Callable[[Path], int],
    begin: Callable[[], str | None],
) -> None:
    spare = os.getpid()
    heard, said = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(heard)
        channel.close()
        _be_trainer(path, output, said, spare, run, begin)
    os.close(said)
    os.close(output)
    # The supervisor hears of it when its group is its own: a kill before that would go nowhere.
    with open(heard, "rb") as pipe:  # noqa: PTH123 - a descriptor
        why = pipe.read().decode()
    if why != _IS_SET_UP:
        os.waitpid(pid, 0)
        tell(channel, {"error": why or "the fork ended at once"})
        return
    handle = os.pidfd_open(pid)
    tell(channel, {"pid": pid}, handle)
    os.close(handle)


_IS_SET_UP = "is set up"


def _be_trainer(
    path: Path,
    output: int,
    said: int,
    spare: int,
    run: Callable[[Path], int],
    begin: Callable[[], str | None],
) -> NoReturn:
    code = 1
    try:
        os.setsid()
        die_with(spare)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.close(output)
        why = begin()
        _show([sys.executable, "-m", "worker.trainer", str(path)])
        os.write(said, (why or _IS_SET_UP).encode())
        os.close(said)
        if why is None:
            code = run(path)
    except BaseException:  # noqa: BLE001 - nothing may return into the spare's own loop
        traceback.print_exc()
    finally:
        leave(code)


def leave(code: int) -> NoReturn:
    """End at once: all is written, and taking torch apart would hold up the next job."""
    try:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    finally:
        os._exit(code)


def _show(words: list[str]) -> None:
    """Write over our command line, so that a list of processes tells which job it is."""
    fields = Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()
    begin, end = int(fields[45]), int(fields[46])  # arg_start and arg_end of proc(5)
    if begin:
        text = "\0".join(words).encode()[: end - begin - 1]
        ctypes.memset(begin, 0, end - begin)
        ctypes.memmove(begin, text, len(text))
