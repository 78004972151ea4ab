"""The command `colrow`: options, commands, and how failures are told.

What runs things on this machine is in `colrow.local`, imported when its command is called and only
here, in `tokens` and in `commands.upkeep`; so `colrow submit` loads neither the service nor torch.

Past 300 lines, since it is one idea: what a person may type.
"""

import sys
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import typer

from colrow import tokens
from colrow.commands import (
    checkpoints,
    export,
    jobs,
    login,
    operations,
    plan,
    presets,
    report,
    sweeps,
    upkeep,
    webhooks,
)
from colrow.commands.jobs import SpecArgument
from colrow.commands.session import Session, note, session
from colrow.commands.upkeep import DataOption
from colrow.errors import ColrowError, SpecFault

app = typer.Typer(
    name="colrow",
    help="Run and compare approximate-training jobs.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
worker_app = typer.Typer(invoke_without_command=True, rich_markup_mode=None)

PortOption = Annotated[
    int | None,
    typer.Option(min=0, max=65_535, help="Port; 0: a free one [COLROW_PORT, else 8750]."),
]


def main() -> NoReturn:
    """Run the command line. A failure is told in one sentence on stderr, with exit status 1."""
    try:
        app()
    except ColrowError as error:
        _fail(str(error))
    except BrokenPipeError:
        # Who read our output has gone (`colrow log JOB | head`); nothing can be told to them.
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _fail(f"{where}{error.strerror or error}")
    except ValueError as error:
        from crs_core.errors import SpecError

        if not isinstance(error, SpecError):
            raise
        _fail(str(SpecFault([(e.loc, e.msg) for e in error.errors])))
    sys.exit(0)


def _fail(text: str) -> NoReturn:
    note(f"colrow: {text}")
    sys.exit(1)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"colrow {version('colrow')}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    server: Annotated[
        str | None,
        typer.Option(help="Address of the service [COLROW_SERVER, else http://127.0.0.1:8750]."),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            help="Token for it; better kept by `colrow login`: others see a command line "
            "[COLROW_TOKEN]."
        ),
    ] = None,
    version: Annotated[  # noqa: ARG001 - its callback answers
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Show the version.")
    ] = False,
) -> None:
    """Take what holds for every command."""
    context.obj = here = Session(server, token)
    context.call_on_close(here.close)


@app.command()
def up(
    *,
    data: DataOption = None,
    host: Annotated[str | None, typer.Option(help="Address [COLROW_HOST, else 127.0.0.1].")] = None,
    port: PortOption = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=64, help="How many jobs at a time [2, or 1 on 1 core].")
    ] = None,
    device: Annotated[
        list[str] | None,
        typer.Option(help="Devices of a worker, as 0 or 0,1 or cpu; repeat it for each worker."),
    ] = None,
    warm_spare: Annotated[
        bool | None,
        typer.Option(
            "--warm-spare/--no-warm-spare",
            help="Workers keep torch loaded: jobs start at once [COLROW_WARM_SPARE, yes].",
        ),
    ] = None,
    private: Annotated[
        bool,
        typer.Option("--private", help="Ask for a token, which a file of yours alone holds."),
    ] = False,
) -> None:
    """Start the service on this machine: database, broker, api, page and workers."""
    import os

    from colrow import settings
    from colrow.local.telling import telling
    from colrow.local.up import Service, run

    here = settings.read()
    service = Service(
        data=data or here.home,
        datasets=here.datasets(data),
        host=host or here.host,
        port=here.port if port is None else port,
        workers=workers or len(device or ()) or min(2, os.cpu_count() or 1),
        devices=tuple(device or ()),
        database_url=here.database_url,
        warm_spare=warm_spare,
        private=private or here.private,
    )
    with telling(here.log_format) as say:
        run(service, say=say)


@worker_app.callback()
def worker(
    context: typer.Context,
    *,
    database: Annotated[
        str | None, typer.Option(help="Address of the database [COLROW_DATABASE_URL].")
    ] = None,
    broker: Annotated[
        str | None, typer.Option(help="Address of the broker [COLROW_BROKER_URL].")
    ] = None,
    devices: Annotated[
        str | None, typer.Option(help="What it owns, as 0,1 or cpu or cpu,cpu [COLROW_DEVICES].")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Its name, unique [COLROW_NAME, else host, devices, number].")
    ] = None,
    until_idle: Annotated[
        str | None, typer.Option(help="End when nothing was to be done for so long, as in 10m.")
    ] = None,
) -> None:
    """Run one worker of a cluster. (On one machine `colrow up` starts them.)"""
    if context.invoked_subcommand is not None:
        return
    from colrow import settings
    from colrow.durations import seconds
    from colrow.local.worker import Wanted, become

    until_idle_s = None if until_idle is None else seconds(until_idle)
    become(settings.read(), Wanted(database, broker, devices, name, until_idle_s))


worker_app.command()(operations.forget)

for command in (
    jobs.submit, sweeps.sweep, plan.plan, presets.presets, jobs.ls, jobs.queue, jobs.show,
    jobs.watch, jobs.log, jobs.cancel, jobs.pause, jobs.resume, jobs.retry, jobs.clone, jobs.delete,
    checkpoints.checkpoints, checkpoints.download, sweeps.compare, export.export, report.report,
    operations.notifier, operations.doctor,
):  # fmt: skip
    app.command()(command)


@app.command()
def train(
    context: typer.Context,
    file: SpecArgument,
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Folder for checkpoints and result; called again, it goes on."
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:1.")] = "cpu",
    threads: Annotated[
        int | None, typer.Option(min=1, max=1024, help="Threads [the spec's, else half the cores].")
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Do not download data sets that are missing.")
    ] = False,
) -> None:
    """Train here and now, without any service."""
    from colrow import settings
    from colrow.local.train import Run, run
    from colrow.specfile import read_spec

    wanted = Run(
        spec=read_spec(file),
        output=output,
        datasets=settings.read().datasets(),
        device=device,
        threads=threads,
        download=not offline,
    )
    run(wanted, session(context).out)


@app.command()
def demo(
    *,
    data_set: Annotated[
        Literal["digits", "mnist"], typer.Option(help="What to train on.")
    ] = "digits",
    spec: Annotated[Path | None, typer.Option(help="A sweep file of your own instead.")] = None,
    exit_after: Annotated[
        bool, typer.Option("--exit", help="Stop the service after the table.")
    ] = False,
    data: DataOption = None,
    port: PortOption = None,
    workers: Annotated[int | None, typer.Option(min=1, max=64, help="As of `up`.")] = None,
) -> None:
    """Start the service, train exact and approximate networks on real data, and compare them."""
    from colrow import settings
    from colrow.local.demo import Demo, run
    from colrow.local.own_service import Place

    here = settings.read()
    run(
        Demo(
            sweep=spec or Path(__file__).parent / "examples" / f"demo-{data_set}.yaml",
            place=Place(data or here.home, here.port if port is None else port, workers),
            stays_up=not exit_after,
        )
    )


@app.command()
def reproduce(
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TABLE]...", help="Tables and figures, as table1; none: all."),
    ] = None,
    *,
    quick: Annotated[
        bool, typer.Option("--quick", help="A small version of each, in minutes.")
    ] = False,
    seeds: Annotated[
        int | None, typer.Option(min=1, help="At most so many seeds for each setting.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Folder of report and results [docs/reproduction, quick: build/…]."
        ),
    ] = None,
    also: Annotated[
        list[Path] | None,
        typer.Option("--with", help="A results.jsonl whose results count too; repeatable."),
    ] = None,
    queue_only: Annotated[
        bool, typer.Option("--queue", help="Queue what is missing at --server, and leave.")
    ] = False,
    report_only: Annotated[
        bool,
        typer.Option(
            "--report", help="Run nothing: report recorded results and those of --server or --data."
        ),
    ] = False,
    data: DataOption = None,
    port: PortOption = None,
    workers: Annotated[int | None, typer.Option(min=1, max=64, help="As of `up`.")] = None,
) -> None:
    """Run the paper's tables and figures, here or at --server; what is done is not run again."""
    from colrow.local import reproduce as local
    from colrow.reproduction.runs import Scale

    asked = local.Asked(
        names or (), Scale(quick=quick, seeds=seeds), out, also or (), queue_only, report_only,
        data, port, workers,
    )  # fmt: skip
    local.reproduce(session(context), asked)


app.command()(upkeep.backup)
app.command()(upkeep.restore)
app.command()(login.login)
app.command()(login.logout)
app.add_typer(worker_app, name="worker")
app.add_typer(tokens.app, name="token")
app.add_typer(upkeep.database, name="db")
app.add_typer(webhooks.app, name="webhook")
