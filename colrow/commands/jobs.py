"""Commands about single jobs."""

from pathlib import Path
from typing import Annotated

import typer

from colrow.commands.session import JobArgument, note, session

SpecArgument = Annotated[Path, typer.Argument(metavar="FILE", help="A spec, YAML or JSON.")]


def submit(
    context: typer.Context,
    file: SpecArgument,
    *,
    name: Annotated[str | None, typer.Option(help="Name of the job; else the file's.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="A word to filter by; repeatable.")] = None,
    priority: Annotated[int, typer.Option(help="Higher starts earlier.")] = 0,
    watch: Annotated[bool, typer.Option("--watch", help="Follow it to its end.")] = False,
) -> None:
    """Queue a job, and print its id."""
    from colrow.commands import watching
    from colrow.specfile import read_spec

    here = session(context)
    job = here.client.submit(
        read_spec(file), name=file.stem if name is None else name, tags=tag or (), priority=priority
    )
    typer.echo(job["id"])
    if watch:
        watching.demand_success(watching.watch(here, jobs=[job["id"]]))
    else:
        note(f"queued; follow it with: colrow watch {job['id']}")


def ls(
    context: typer.Context,
    *,
    state: Annotated[list[str] | None, typer.Option(help="Only these states.")] = None,
    sweep: Annotated[str | None, typer.Option(help="Only jobs of this sweep.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="Only jobs with these tags.")] = None,
    owner: Annotated[str | None, typer.Option(help="Only jobs of this user.")] = None,
    text: Annotated[str | None, typer.Option(help="Part of name, tag or id.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50,
) -> None:
    """List jobs, newest first."""
    from colrow.client import PROGRESS
    from colrow.tables import jobs_table

    here = session(context)
    found = list(
        here.client.jobs(
            state=state or (),
            sweep=sweep,
            tag=tag or (),
            text=text,
            limit=limit,
            columns=(*PROGRESS, "spec"),
            **({} if owner is None else {"owner": owner}),
        )
    )
    if not found:
        note("no such jobs; submit one with: colrow submit FILE")
        return
    here.out.print(jobs_table(found))
    if len(found) == limit:
        note(f"only the newest {limit}; more with --limit")


def show(context: typer.Context, job: JobArgument) -> None:
    """Show a job: state, why it waits, attempts, metrics, layers."""
    from colrow.tables import facts_table, layers_table, summary_table

    here = session(context)
    found = here.client.job(job)
    place, queued = found["queue_position"], None
    if place is not None:  # somewhat further on too: others may have come before it since
        ahead = here.client.queue(limit=place + 50)
        queued = next((each for each in ahead if each["job"] == job), None)
    here.out.print(facts_table(found, queued))
    if found["summary"]:
        here.out.print(summary_table(found))
    if layers := here.client.layers(job):
        here.out.print(layers_table(layers))


def queue(
    context: typer.Context,
    *,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50,
) -> None:
    """List what waits in the order it would start: for what, and about until when."""
    from colrow.tables import queue_table

    here = session(context)
    found = list(here.client.queue(limit=limit))
    if not found:
        note("no job waits")
        return
    here.out.print(queue_table(found))
    if len(found) == limit:
        note(f"only the first {limit}; more with --limit")


def watch(context: typer.Context, job: JobArgument) -> None:
    """Follow a job to its end, with loss, accuracy, steps/s and time left."""
    from colrow.commands import watching

    watching.demand_success(watching.watch(session(context), jobs=[job]))


def log(context: typer.Context, job: JobArgument) -> None:
    """Print what a job wrote."""
    text = session(context).client.log(job)
    typer.echo(text, nl=bool(text) and not text.endswith("\n"))


def cancel(context: typer.Context, job: JobArgument) -> None:
    """Stop a job; a running one leaves a checkpoint."""
    found = session(context).client.cancel(job)
    typer.echo(f"{found['id']} {found['state']}" + (", stops" if found["wish"] else ""))


def pause(context: typer.Context, job: JobArgument) -> None:
    """Have a running job save a checkpoint and leave its worker, until it is resumed."""
    found = session(context).client.pause(job)
    typer.echo(f"{found['id']} {found['state']}" + (", pauses" if found["wish"] else ""))


def resume(context: typer.Context, job: JobArgument) -> None:
    """Queue a paused job; it goes on from its checkpoint."""
    client = session(context).client
    before = client.job(job)
    found = client.resume(job)
    was_paused = before["state"] == "paused" or before["wish"] == "pause"
    told = "" if was_paused else "; it was not paused, so nothing was changed"
    typer.echo(f"{found['id']} {found['state']}{told}")


def retry(
    context: typer.Context,
    job: JobArgument,
    *,
    wall_time: Annotated[
        str | None, typer.Option(help="How long it may run in all now, as in 2h [as before].")
    ] = None,
) -> None:
    """Queue a failed or cancelled job again; it goes on from its last checkpoint."""
    from colrow.durations import seconds

    wall_time_s = None if wall_time is None else seconds(wall_time)
    found = session(context).client.retry(job, wall_time_s=wall_time_s)
    typer.echo(f"{found['id']} {found['state']}")


def clone(
    context: typer.Context,
    job: JobArgument,
    *,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="As seed=2 or training.epochs=40."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the clone [the original's].")] = None,
    tag: Annotated[
        list[str] | None, typer.Option(help="Tags of the clone [the original's]; repeatable.")
    ] = None,
    priority: Annotated[int | None, typer.Option(help="Its priority [the original's].")] = None,
) -> None:
    """Queue a new job of the same spec, and print its id."""
    from colrow.specfile import read_settings

    made = session(context).client.clone(
        job, changes=read_settings(set_ or ()), name=name, tags=tag or None, priority=priority
    )
    typer.echo(made["id"])


def delete(context: typer.Context, job: JobArgument) -> None:
    """Delete a job that is not running, with all that it left."""
    session(context).client.delete(job)
    typer.echo(f"{job} deleted")
