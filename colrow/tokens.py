"""`colrow token`: who may use the service, told to the database itself.

So the first admin comes to be, before whom nobody could log in. What touches the database is in
`colrow.local`, imported when its command is called.
"""

from pathlib import Path
from typing import Annotated, Literal

import typer

app = typer.Typer(help="Who may use the service.", no_args_is_help=True, rich_markup_mode=None)

DatabaseOption = Annotated[
    str | None,
    typer.Option("--database", help="Its address [COLROW_DATABASE_URL, else the data folder's]."),
]
DataOption = Annotated[
    Path | None, typer.Option("--data", help="Data folder [COLROW_HOME, else ~/.colrow].")
]


@app.command()
def create(
    *,
    user: Annotated[str, typer.Option(help="Whose token it is; the jobs will be theirs.")],
    role: Annotated[
        Literal["viewer", "user", "admin"],
        typer.Option(help="viewer looks, user runs jobs, admin does everything."),
    ],
    expires: Annotated[str, typer.Option(help="When it ends: 12h, 30d, 1y, or never.")] = "90d",
    name: Annotated[str, typer.Option(help="What it is for.")] = "",
    database: DatabaseOption = None,
    data: DataOption = None,
) -> None:
    """Make a token and print it, this once."""
    from colrow.local import token

    token.create(token.address(database, data), user=user, role=role, expires=expires, name=name)


@app.command("list")
def list_tokens(*, database: DatabaseOption = None, data: DataOption = None) -> None:
    """List the tokens there are, newest first."""
    from colrow.local import token

    token.show(token.address(database, data))


@app.command()
def revoke(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="As `token list` shows it.")],
    *,
    database: DatabaseOption = None,
    data: DataOption = None,
) -> None:
    """End a token for good; the browsers that it signed in are signed out."""
    from colrow.local import token

    token.revoke(token.address(database, data), token_id)
