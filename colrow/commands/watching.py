"""Follow jobs with bars until all have ended."""

from collections.abc import Sequence

from colrow.answers import JobItem
from colrow.bars import JobBars, bars
from colrow.commands.session import Session
from colrow.errors import ColrowError


def watch(
    session: Session, *, jobs: Sequence[str] = (), sweep: str | None = None, title: str = "all jobs"
) -> list[JobItem]:
    """Show bars and give the jobs as they ended."""
    found: list[JobItem] = []
    with bars(session.out) as progress:
        shown = JobBars(progress, title)
        for found in session.client.watch(jobs=jobs, sweep=sweep):
            shown.show(found)
    return found


def demand_success(jobs: Sequence[JobItem]) -> None:
    """Raise ColrowError, a line per job, unless every job succeeded."""
    bad = [job for job in jobs if job["state"] != "succeeded"]
    if not bad:
        return
    if len(bad) == len(jobs) == 1:
        raise ColrowError(f"job {bad[0]['id']} {_ending(bad[0])}")
    raise ColrowError(
        f"{len(bad)} of {len(jobs)} jobs did not succeed",
        errors=[(job["id"], _ending(job)) for job in bad],
    )


def _ending(job: JobItem) -> str:
    if job["reason"] is None:
        return f"was {job['state']}" if job["state"] == "cancelled" else job["state"]
    return f"{job['state']} ({job['reason']['kind']}): {job['reason']['message']}"
