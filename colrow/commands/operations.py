"""Commands for who runs the service; `colrow.local` is imported when one is called."""

from pathlib import Path
from typing import Annotated

import typer

from colrow.commands.session import session


def notifier(
    *,
    database: Annotated[
        str | None, typer.Option(help="Address of the database [COLROW_DATABASE_URL].")
    ] = None,
    broker: Annotated[
        str | None, typer.Option(help="Address of the broker [COLROW_BROKER_URL].")
    ] = None,
) -> None:
    """Run the process of a cluster that sends to webhooks. (On one machine `colrow up` does.)"""
    from colrow import settings
    from colrow.local.notifier import become

    become(settings.read(), database=database, broker=broker)


def forget(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of a worker that is gone.")],
) -> None:
    """Leave a worker that is gone for good out of the lists; what it ran is kept."""
    session(context).client.forget_worker(name)
    typer.echo(f"worker {name} forgotten")


def doctor(
    context: typer.Context,
    *,
    deep: Annotated[
        bool, typer.Option("--deep", help="Read every file of the data sets; takes minutes.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for machines.")] = False,
    database: Annotated[
        str | None, typer.Option(help="Address of the database [COLROW_DATABASE_URL].")
    ] = None,
    broker: Annotated[
        str | None, typer.Option(help="Address of the broker [COLROW_BROKER_URL].")
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="Data folder [COLROW_HOME, else ~/.colrow].")
    ] = None,
) -> None:
    """Say what is wrong with the service and this machine, and what to do. Status 1: a fault."""
    from colrow import settings
    from colrow.local.doctor import Wanted, run

    wanted = Wanted(
        deep=deep,
        as_json=as_json,
        database=database,
        broker=broker,
        data=data,
        server=session(context).server,
    )
    if not run(settings.read(), wanted):
        raise typer.Exit(1)
