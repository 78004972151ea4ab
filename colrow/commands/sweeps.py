"""Commands about many jobs: sweep, compare."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from colrow.commands.session import note, session
from colrow.errors import ColrowError
from colrow.figures import counted, share

if TYPE_CHECKING:
    from rich.table import Table

    from colrow.client import Client


def sweep(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A sweep: base, axes, variants; YAML or JSON.")
    ],
    *,
    name: Annotated[str | None, typer.Option(help="Name of the sweep; else the file's.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="A word to filter by; repeatable.")] = None,
    priority: Annotated[int, typer.Option(help="Higher starts earlier.")] = 0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the jobs it would make; make none.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Follow it to its end, then compare.")
    ] = False,
) -> None:
    """Queue a job for every combination of a sweep file, and print the sweep's id."""
    from colrow.commands import watching
    from colrow.specfile import read_sweep
    from colrow.tables import sweep_plan_table
    from crs_core.spec import STUDIED

    here, read = session(context), read_sweep(file)
    if dry_run:
        plan = here.client.plan_sweep(read.base, axes=read.axes, variants=read.variants)
        here.out.print(sweep_plan_table(plan))
        here.out.print(
            f"{counted(plan['count'], 'job')}, planned compute reduction of all together "
            f"{share(plan['planned_compute_reduction'])}; nothing was queued"
        )
        return
    made = here.client.sweep(
        read.base,
        axes=read.axes,
        variants=read.variants,
        name=(read.name or file.stem) if name is None else name,
        tags=tag or (),
        priority=priority,
    )
    typer.echo(made["id"])
    if not watch:
        then = "compare" if read.base.get("kind", "training") == "training" else "report"
        count = len(made["jobs"])
        what = "it" if count == 1 else "them"
        note(f"{counted(count, 'job')} queued; {then} {what} with: colrow {then} {made['id']}")
        return
    jobs = watching.watch(here, sweep=made["id"], title=made["name"])
    if any(job["model"] in STUDIED for job in jobs):
        note(f"a study's errors are curves; write them down with: colrow report {made['id']}")
    else:
        here.out.print(comparison(here.client, [made["id"]], []))
    watching.demand_success(jobs)


def compare(
    context: typer.Context,
    sweeps: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SWEEP]...", help="Ids of sweeps; none: the newest."),
    ] = None,
    *,
    job: Annotated[list[str] | None, typer.Option(help="Id of a job; repeatable.")] = None,
    metric: Annotated[
        str | None, typer.Option(help="What to compare [best_test_accuracy].")
    ] = None,
    margin: Annotated[
        float | None,
        typer.Option(
            help="How much worse than exact still counts as no loss, in per cent [0.2 points of "
            "accuracy, 1 % of other metrics]."
        ),
    ] = None,
) -> None:
    """Compare policies: accuracy, how sure its difference to exact is, compute reduction, time."""
    here = session(context)
    if not sweeps and not job:
        newest = next(here.client.sweeps(), None)
        if newest is None:
            raise ColrowError(
                "there is no sweep yet; name jobs with --job, or run `colrow sweep FILE`"
            )
        note(f"sweep {newest['id']} {newest['name']}".strip())
        sweeps = [newest["id"]]
    here.out.print(comparison(here.client, sweeps or [], job or [], metric=metric, margin=margin))


def comparison(
    client: "Client",
    sweeps: list[str],
    jobs: list[str],
    *,
    metric: str | None = None,
    margin: float | None = None,
) -> "Table":
    """Read a comparison and make its table."""
    from colrow.tables import comparison_table

    return comparison_table(client.comparison(sweep=sweeps, jobs=jobs, y=metric, margin=margin))
