"""Queue what the paper's tables and figures need, and wait for it."""

import time
from collections.abc import Sequence

from colrow.answers import ENDED
from colrow.bars import JobBars, bars
from colrow.client import PROGRESS
from colrow.commands.session import Session
from colrow.reproduction import runs
from colrow.reproduction.parts import Experiment
from colrow.reproduction.runs import Scale

READ_S = 1.0  # how often the jobs are read; there can be hundreds, and each takes a while


def queue(session: Session, experiments: Sequence[Experiment], scale: Scale) -> None:
    """Queue what the service lacks, and say how much that is."""
    for experiment in experiments:
        made = runs.queue(session.client, experiment, scale)
        session.out.print(f"{experiment.name}: {made} jobs queued")


def wait(session: Session, experiments: Sequence[Experiment], scale: Scale) -> None:
    """Show bars until every job of the experiments has ended."""
    waited = {j["id"] for j in runs.unfinished(runs.read(session.client), experiments, scale)}
    if not waited:
        return
    with bars(session.out) as progress:
        shown = JobBars(progress, "reproduction")
        while True:
            jobs = session.client.jobs(tag=[runs.TAG], sort="created_at", columns=PROGRESS)
            found = [job for job in jobs if job["id"] in waited]
            shown.show(found)
            if all(job["state"] in ENDED for job in found):
                return
            time.sleep(READ_S)
