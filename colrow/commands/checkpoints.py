"""Commands about the checkpoints of a job."""

from pathlib import Path
from typing import Annotated

import typer

from colrow.answers import Checkpoint
from colrow.commands.session import JobArgument, console, note, session
from colrow.errors import ColrowError, LocalError


def checkpoints(context: typer.Context, job: JobArgument) -> None:
    """List the checkpoints of a job that are kept, newest first."""
    from colrow.tables import checkpoints_table

    here = session(context)
    found = here.client.checkpoints(job)
    if not found:
        note("the job has no checkpoint")
        return
    here.out.print(checkpoints_table(found))


def download(
    context: typer.Context,
    job: JobArgument,
    *,
    checkpoint: Annotated[
        int | None, typer.Option(help="Its id, as `checkpoints` shows it [the newest].")
    ] = None,
    best: Annotated[bool, typer.Option("--best", help="The one at the best validation.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File or folder [here, by job and step].")
    ] = None,
) -> None:
    """Download a checkpoint, the newest unless another is named; a cut is mended."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TransferSpeedColumn

    here = session(context)
    found = _chosen(here.client.checkpoints(job), checkpoint, best=best)
    path = _path(output, job, found)
    columns = (BarColumn(bar_width=24), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console(stderr=True), transient=True) as progress:
        bar = progress.add_task("", total=found["size_bytes"])
        here.client.download(
            job, found, path, told=lambda there: progress.update(bar, completed=there)
        )
    typer.echo(path)


def _chosen(found: list[Checkpoint], wanted: int | None, *, best: bool) -> Checkpoint:
    if wanted is not None and best:
        raise ColrowError("--checkpoint and --best each name one; give only one of them")
    if not found:
        raise ColrowError("the job has no checkpoint to download")
    if best:
        chosen = next((c for c in found if c["best"]), None)
        lack = "none of the job's checkpoints is one at the best validation"
    elif wanted is not None:
        chosen = next((c for c in found if c["id"] == wanted), None)
        there = ", ".join(str(c["id"]) for c in found)
        lack = f"the job has no checkpoint {wanted}; there are: {there}"
    else:
        return found[0]
    if chosen is None:
        raise ColrowError(lack)
    return chosen


def _path(output: Path | None, job: str, found: Checkpoint) -> Path:
    name = f"{job}-a{found['attempt']}-{found['name']}"
    path = Path(name) if output is None else output / name if output.is_dir() else output
    if path.exists():
        raise LocalError(f"{path} is there already; name another with --output")
    if not path.parent.is_dir():
        raise LocalError(f"{path.parent} is no folder; make it first")
    return path
