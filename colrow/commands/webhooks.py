"""Commands about webhooks: who is told when a job or a sweep has ended."""

from typing import Annotated

import typer

from colrow.commands.session import note, session
from colrow.errors import ColrowError

app = typer.Typer(
    help="Whom to tell when a job or a sweep has ended.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
JobOption = Annotated[str | None, typer.Option("--job", help="Of this job.")]
SweepOption = Annotated[str | None, typer.Option("--sweep", help="Of this sweep.")]


@app.command()
def add(
    context: typer.Context,
    url: Annotated[str, typer.Argument(metavar="URL", help="Where the message is posted.")],
    *,
    job: JobOption = None,
    sweep: SweepOption = None,
) -> None:
    """Enter a webhook, and print the secret that its messages are signed with; it is shown once."""
    _one_of(job, sweep)
    made = session(context).client.add_webhook(url, job=job, sweep=sweep)
    typer.echo(made["secret"])
    note(f"webhook {made['id']}; keep the secret, the receiver checks Colrow-Signature with it")


@app.command()
def ls(context: typer.Context, *, job: JobOption = None, sweep: SweepOption = None) -> None:
    """List webhooks and what became of their messages."""
    from colrow.tables import webhooks_table

    _one_of(job, sweep)
    here = session(context)
    found = here.client.webhooks(job=job, sweep=sweep)
    if not found:
        whose = f"--job {job}" if job is not None else f"--sweep {sweep}"
        note(f"it has no webhooks; enter one with: colrow webhook add URL {whose}")
        return
    here.out.print(webhooks_table(found))


@app.command()
def rm(
    context: typer.Context,
    webhook: Annotated[str, typer.Argument(metavar="WEBHOOK", help="Its id, as `ls` shows it.")],
) -> None:
    """Remove a webhook; what it was not sent yet is not sent."""
    session(context).client.delete_webhook(webhook)
    typer.echo(f"{webhook} removed")


def _one_of(job: str | None, sweep: str | None) -> None:
    if (job is None) == (sweep is None):
        raise ColrowError("a webhook is of one job or of one sweep; name it with --job or --sweep")
