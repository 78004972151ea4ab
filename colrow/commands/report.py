"""Write the report of a sweep."""

from pathlib import Path
from typing import Annotated

import typer

from colrow.commands.session import note, session


def report(
    context: typer.Context,
    sweep: Annotated[str, typer.Argument(metavar="SWEEP", help="Id of a sweep.")],
    *,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for HTML, Markdown and figures.")
    ] = Path("colrow-report"),
    margin: Annotated[
        float | None,
        typer.Option(help="How much worse than exact still counts as no loss, as of `compare`."),
    ] = None,
) -> None:
    """Write a sweep's report: one HTML file, and Markdown with its figures."""
    from colrow.report.sweep import build, sweep_file
    from colrow.report.write import write

    client = session(context).client
    document = build(client, sweep, margin=margin)
    beside = {"sweep.yaml": sweep_file(client.sweep_state(sweep))}
    typer.echo(write(document, out, beside=beside))
    note(f"Markdown, figures and the sweep's file are beside it in {out}")
