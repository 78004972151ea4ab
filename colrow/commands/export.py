"""The command export: full data as CSV or JSON, or in the form of MLflow or TensorBoard."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from colrow.commands.session import note, session
from colrow.errors import ColrowError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from colrow.client import Client

Tool = Literal["mlflow", "tensorboard"]


def export(
    context: typer.Context,
    *,
    sweep: Annotated[list[str] | None, typer.Option(help="Id of a sweep; repeatable.")] = None,
    job: Annotated[list[str] | None, typer.Option(help="Id of a job; repeatable.")] = None,
    metric: Annotated[list[str] | None, typer.Option(help="Only these metrics.")] = None,
    format: Annotated[  # noqa: A002 - the option's name
        Literal["csv", "json"] | None, typer.Option(help="Form of the data [csv].")
    ] = None,
    table: Annotated[
        Literal["points", "jobs"] | None,
        typer.Option(help="Every point, or a line per job [points]."),
    ] = None,
    to: Annotated[
        Tool | None, typer.Option(help="In the form that this tool reads; needs --output.")
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            help="A file, else stdout; with --to a folder, or the address of a tracking server.",
        ),
    ] = None,
) -> None:
    """Write full data as CSV or JSON, or for a tool; neither sweep nor job given: everything."""
    client = session(context).client
    if to is None:
        pieces = client.export(
            sweep=sweep or (), jobs=job or (), metrics=metric or (), format=format or "csv",
            table=table or "points",
        )  # fmt: skip
        _write(pieces, output)
        return
    if format is not None or table is not None:
        raise ColrowError(
            f"--to {to} writes in the form of that tool; leave out --format and --table"
        )
    if output is None:
        where = "a folder" if to == "tensorboard" else "a folder, or a tracking server's address"
        raise ColrowError(f"--to {to} needs --output: {where}")
    _write_for(to, client, sweep or (), job or (), metric or (), output)


def _write(pieces: "Iterable[bytes]", output: str | None) -> None:
    if output is None:
        for piece in pieces:
            sys.stdout.buffer.write(piece)
        return
    path = Path(output)
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            for piece in pieces:
                file.write(piece)
        part.replace(path)
    except OSError as error:
        raise ColrowError(f"{output} cannot be written: {error.strerror or error}") from None
    finally:
        part.unlink(missing_ok=True)


def _write_for(
    to: Tool,
    client: "Client",
    sweeps: "Sequence[str]",
    jobs: "Sequence[str]",
    metrics: "Sequence[str]",
    output: str,
) -> None:
    from colrow.exporting import mlflow, tensorboard
    from colrow.exporting.jobs import read_jobs

    names = {known["id"]: known["name"] for known in client.sweeps()}
    read = read_jobs(client, sweeps=sweeps, jobs=jobs, metrics=metrics)
    try:
        if to == "tensorboard":
            count = tensorboard.write(read, Path(output), sweep_names=names)
            note(f"{_jobs(count)} written; look at them with: tensorboard --logdir {output}")
            return
        done = mlflow.write(read, output, sweep_names=names)
    except OSError as error:
        raise ColrowError(f"{output} cannot be written: {error.strerror or error}") from None
    uri = mlflow.address(output)
    then = f"; look at them with: mlflow ui --backend-store-uri {uri}" if uri != output else ""
    note(f"{_jobs(done.written)} written, {done.kept} there already{then}")


def _jobs(count: int) -> str:
    return "1 job" if count == 1 else f"{count} jobs"
