"""`colrow demo`: the whole service on real data, from `colrow up` to the comparison."""

import contextlib
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import typer

from colrow.commands import sweeps, watching
from colrow.commands.session import Session
from colrow.errors import ColrowError, LocalError
from colrow.local import network
from colrow.local.processes import bound
from colrow.specfile import read_sweep

START_S = 60.0
HOST = "127.0.0.1"


@dataclass(frozen=True)
class Demo:
    """What was asked for."""

    sweep: Path
    data: Path
    port: int
    workers: int | None
    stays_up: bool


def run(demo: Demo) -> None:
    """Show the demo; stay up until Ctrl-C where that is wished."""
    wanted = read_sweep(demo.sweep)
    port = network.check_address(HOST, demo.port)
    address = network.url(HOST, port)
    command = [sys.executable, "-m", "colrow", "up", "--host", HOST, "--port", str(port)]
    command += ["--data", str(demo.data)]
    if demo.workers is not None:
        command += ["--workers", str(demo.workers)]
    # A session of its own: Ctrl-C reaches the demo, which then tells the service.
    service = subprocess.Popen(bound(command, by=signal.SIGTERM), start_new_session=True)
    began_s = time.monotonic()
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        _wait_until_ready(service, port)
        session = Session(address)
        with session.client as client:
            made = client.sweep(
                wanted.base, axes=wanted.axes, variants=wanted.variants, name=wanted.name
            )
            typer.echo(f"{len(made['jobs'])} jobs; watch them at {address} too")
            jobs = watching.watch(session, sweep=made["id"], title=made["name"])
            session.out.print(sweeps.comparison(client, [made["id"]], []))
            typer.echo(f"{len(jobs)} jobs in {time.monotonic() - began_s:.0f} s from the start on")
            watching.demand_success(jobs)
        if demo.stays_up:
            typer.echo(f"The page is at {address}; Ctrl-C stops the service.")
            service.wait()
    except KeyboardInterrupt:
        typer.echo("")
    finally:
        signal.signal(signal.SIGTERM, before)
        _stop(service)
    if service.returncode != 0:
        raise ColrowError(f"the service ended with exit status {service.returncode}")


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _wait_until_ready(service: subprocess.Popen[bytes], port: int) -> None:
    end_s = time.monotonic() + START_S
    while not network.is_ready(HOST, port):
        if service.poll() is not None:
            raise LocalError("the demo ends, since the service did not start")
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
