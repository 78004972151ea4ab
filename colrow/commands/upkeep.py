"""Commands about the data of a service on this machine: `db`, `backup`, `restore`.

As in `colrow.cli`, what does the work is imported when its command is called.
"""

from pathlib import Path
from typing import Annotated

import typer

from colrow.commands.session import note
from colrow.figures import counted, moment

database = typer.Typer(help="The database's tables.", no_args_is_help=True, rich_markup_mode=None)

DataOption = Annotated[
    Path | None, typer.Option("--data", help="Data folder [COLROW_HOME, else ~/.colrow].")
]
AddressOption = Annotated[
    str | None,
    typer.Option("--database", help="Its address [COLROW_DATABASE_URL, else ~/.colrow]."),
]


def backup(
    target: Annotated[
        Path, typer.Argument(metavar="FILE", help="A .tar.gz or .tar to write, or a folder.")
    ],
    *,
    data: DataOption = None,
) -> None:
    """Back up the database and the checkpoints into one file, while the service runs."""
    from colrow import settings
    from colrow.local.backup import backup as make

    here = settings.read()
    made = make(
        target,
        data or here.home,
        database_url=here.database_url,
        storage=here.storage,
    )
    for path, why in made.missing.items():
        note(f"not in it: {path}: {why}")
    typer.echo(
        f"{made.path}: {counted(made.jobs, 'job')}, {counted(made.checkpoints, 'checkpoint')}, "
        f"{made.size_bytes / 1e6:,.1f} MB"
    )


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `colrow backup` wrote.")],
    *,
    data: DataOption = None,
) -> None:
    """Restore a backup into an empty data folder; jobs that ran are queued again."""
    from colrow import settings
    from colrow.local.restore import restore as make

    home = data or settings.read().home
    made = make(file, home)
    for path in made.missing:
        note(f"not in the backup, so that its job goes on from an earlier one: {path}")
    again = ""
    if made.requeued:
        verb = "is" if made.requeued == 1 else "are"
        again = f"; {counted(made.requeued, 'job')} that ran then {verb} queued again"
    typer.echo(
        f"{home}: as of {_when(made.created_at)}, {counted(made.jobs, 'job')}, "
        f"{counted(made.checkpoints, 'checkpoint')}{again}. Start it with: colrow up --data {home}"
    )


@database.command()
def upgrade(url: AddressOption = None, *, data: DataOption = None) -> None:
    """Bring the tables to this version's schema."""
    from colrow.local import db

    address = _address(url, data)
    schema = db.upgrade(address)
    typer.echo(f"{db.shown(address)}: schema {schema}")


@database.command()
def copy(
    source: Annotated[str, typer.Argument(metavar="FROM", help="Address, or an SQLite file.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="Address of an empty database.")],
) -> None:
    """Copy a database that nobody uses into an empty one, as SQLite into PostgreSQL."""
    from colrow.local import copying, db

    counts = copying.copy(db.address_of(source), address := db.address_of(target))
    typer.echo(
        f"{db.shown(address)}: {counted(counts['jobs'], 'job')}, "
        f"{counted(counts['points'], 'point')}, {counted(sum(counts.values()), 'row')} in all. "
        "Checkpoints stay where they are: give its workers the same COLROW_HOME (or "
        f"COLROW_STORAGE), or copy {copying.FILES} from there into an empty folder, and give "
        "them that"
    )


@database.command("abandon-checkpoints")
def abandon_checkpoints(
    url: AddressOption = None,
    *,
    data: DataOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
) -> None:
    """Forget every checkpoint, where their files are lost for good: jobs then begin anew."""
    from colrow.local import db

    address = _address(url, data)
    if not yes:
        typer.confirm(f"Forget every checkpoint in {db.shown(address)}?", abort=True, err=True)
    typer.echo(f"{db.abandon_checkpoints(address):,} checkpoints forgotten")


def _when(made_at: str) -> str:
    try:
        return moment(made_at)
    except ValueError:  # a backup that somebody has changed by hand
        return made_at


def _address(url: str | None, data: Path | None) -> str:
    from colrow import settings
    from colrow.local import db, folder

    here = settings.read()
    if url is not None:
        return db.address_of_one_there(url)
    return here.database_url or folder.prepare(data or here.home).database_url
