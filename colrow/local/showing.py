"""How far a long command has come: a bar on a terminal, a line per part elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn

from colrow.commands.session import console


@contextmanager
def bar(title: str, total: int, *, of_bytes: bool = True) -> Iterator[Callable[[int], None]]:
    """Show a bar; what is given hears how much more is done. On stderr."""
    out = console(stderr=True)
    if not out.is_terminal:
        out.print(title)
    many = DownloadColumn() if of_bytes else MofNCompleteColumn()
    columns = (TextColumn("{task.description}", markup=False), BarColumn(bar_width=24), many)
    with Progress(*columns, console=out, transient=True, disable=not out.is_terminal) as progress:
        shown = progress.add_task(title, total=total)
        yield lambda more: progress.update(shown, advance=more)
