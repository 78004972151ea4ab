"""`colrow demo`: the whole service on real data, from `colrow up` to the comparison."""

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import typer

from colrow.commands import sweeps, watching
from colrow.commands.session import Session
from colrow.figures import counted
from colrow.local.own_service import Place, own_token, serving
from colrow.specfile import SweepFile, read_sweep


@dataclass(frozen=True)
class Demo:
    """What was asked for."""

    sweep: Path
    place: Place
    stays_up: bool


def run(demo: Demo) -> None:
    """Show the demo; stay up until Ctrl-C where that is wished."""
    wanted = read_sweep(demo.sweep)
    began_s = time.monotonic()
    try:
        with serving(demo.place) as (address, service):
            _show(wanted, demo.place, address, began_s)
            if demo.stays_up:
                _stay(address, service)
    except KeyboardInterrupt:
        typer.echo("")


def _show(wanted: SweepFile, place: Place, address: str, began_s: float) -> None:
    session = Session(address, own_token(place, address))
    with session.client as client:
        made = client.sweep(
            wanted.base, axes=wanted.axes, variants=wanted.variants, name=wanted.name
        )
        typer.echo(f"{counted(len(made['jobs']), 'job')}; watch them at {address} too")
        jobs = watching.watch(session, sweep=made["id"], title=made["name"])
        session.out.print(sweeps.comparison(client, [made["id"]], []))
        typer.echo(
            f"{counted(len(jobs), 'job')} in {time.monotonic() - began_s:.0f} s from the start on"
        )
        watching.demand_success(jobs)


def _stay(address: str, service: subprocess.Popen[bytes]) -> None:
    typer.echo(f"The page is at {address}; Ctrl-C stops the service.")
    service.wait()
