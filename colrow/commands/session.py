"""What every command needs: the service, with the token for it, and where to print."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import IO, TYPE_CHECKING, Annotated, Any, cast

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from colrow.client import Client

PIPE_WIDTH = 200
"""Columns when nobody looks: a table in a file must not be cut."""


@dataclass
class Session:
    """One run of the command line."""

    server: str | None = None
    token: str | None = None
    """None: COLROW_TOKEN, else the one that is kept; "": none."""

    @cached_property
    def client(self) -> "Client":
        """Connect at the first use."""
        from colrow.client import Client

        return Client(self.server, token=self.token)

    def close(self) -> None:
        """Close the connection, if there was one."""
        if "client" in self.__dict__:
            self.client.close()

    @cached_property
    def out(self) -> "Console":
        """Give what stdout is; what a person named is printed as it is, never as markup."""
        return console()


def console(*, stderr: bool = False) -> "Console":
    """Make a console that takes text literally."""
    from rich.console import Console

    made = Console(stderr=stderr, markup=False, highlight=False, emoji=False)
    if not made.is_terminal:
        made.width = PIPE_WIDTH
        made.file = cast("IO[str]", _Trimmed(made.file))
    return made


class _Trimmed:
    """A pipe or a file that gets no blanks at the ends of lines: a table fills all of its width."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, text: str) -> int:
        return self._file.write(re.sub(r" +$", "", text, flags=re.MULTILINE))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def note(text: str) -> None:
    """Say something beside the result, so that stdout holds the result alone."""
    typer.echo(text, err=True)


def session(context: typer.Context) -> Session:
    """Find the session of this run."""
    found = context.find_object(Session)
    assert found is not None
    return found


JobArgument = Annotated[str, typer.Argument(metavar="JOB", help="Id of the job, as `ls` shows it.")]
