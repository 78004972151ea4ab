"""A service of one's own for the time of a command: `colrow up` as a child, stopped at its end."""

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from colrow import credentials
from colrow.errors import ColrowError, LocalError
from colrow.local import network
from colrow.local.processes import bound

START_S = 60.0
HOST = "127.0.0.1"


@dataclass(frozen=True)
class Place:
    """Where it keeps its data, and how it is started."""

    data: Path
    port: int
    workers: int | None


def own_token(place: Place, address: str) -> str:
    """Give the token for a service of one's own: that of its folder; none, where it needs none."""
    return credentials.token_for(credentials.file_in(place.data), address) or ""


@contextlib.contextmanager
def serving(place: Place) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Start the service, give its address and its process, and stop it in the end.

    SIGTERM comes out as KeyboardInterrupt, and so does SIGINT where a shell that starts jobs in the
    background had it ignored. Raises LocalError when the service does not start, and
    ColrowError when it ends otherwise than well.
    """
    port = network.check_address(HOST, place.port)
    command = [sys.executable, "-m", "colrow", "up", "--host", HOST, "--port", str(port)]
    command += ["--data", str(place.data)]
    if place.workers is not None:
        command += ["--workers", str(place.workers)]
    # A session of its own: Ctrl-C reaches the command, which then tells the service.
    service = subprocess.Popen(bound(command, by=signal.SIGTERM), start_new_session=True)
    before = {n: signal.signal(n, _interrupt) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        _wait_until_ready(service, port)
        yield network.url(HOST, port), service
    except KeyboardInterrupt:
        _stop(service)
        _demand_good_end(service)
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _stop(service)
    _demand_good_end(service)


def _demand_good_end(service: subprocess.Popen[bytes]) -> None:
    if service.returncode != 0:
        raise ColrowError(f"the service ended with exit status {service.returncode}")


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _wait_until_ready(service: subprocess.Popen[bytes], port: int) -> None:
    end_s = time.monotonic() + START_S
    while not network.is_ready(HOST, port):
        if service.poll() is not None:
            raise LocalError("the service did not start; what it said is above")
        if time.monotonic() > end_s:
            raise LocalError(f"the service is not ready after {START_S:g} s")
        time.sleep(0.05)


def _stop(service: subprocess.Popen[bytes]) -> None:
    """Ask once; while it stops, further Ctrl-C are passed on."""
    if service.poll() is None:
        service.send_signal(signal.SIGTERM)
    while True:
        try:
            service.wait()
        except KeyboardInterrupt:
            with contextlib.suppress(ProcessLookupError):
                service.send_signal(signal.SIGINT)
        else:
            return
