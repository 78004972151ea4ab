"""Queue what the paper's tables and figures need, wait for it, and set it beside the paper."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from colrow.answers import ENDED
from colrow.bars import JobBars, bars
from colrow.client import PROGRESS
from colrow.commands.session import Session
from colrow.report.write import write
from colrow.reproduction import paper, runs
from colrow.reproduction.parts import Experiment
from colrow.reproduction.runs import Scale
from colrow.reproduction.symmetry import Reader

READ_S = 1.0  # how often the jobs are read; there can be hundreds, and each takes a while


@dataclass(frozen=True)
class Wanted:
    """What was asked for."""

    experiments: Sequence[Experiment]
    scale: Scale
    out: Path
    queues: bool = True
    waits: bool = True
    writes: bool = True


def run(session: Session, wanted: Wanted, *, weights: Reader | None = None) -> None:
    """Queue what the service lacks, wait for it, and write the report, each if it is wanted."""
    with session.client as client:
        if wanted.queues:
            for experiment in wanted.experiments:
                made = runs.queue(client, experiment, wanted.scale)
                session.out.print(f"{experiment.name}: {made} jobs queued")
        if wanted.waits:
            wait(session, wanted.experiments, wanted.scale)
        if wanted.writes:
            document = paper.build(client, wanted.experiments, wanted.scale, weights=weights)
            page = write(document, wanted.out, name="README")
            session.out.print(f"{document.lead}\n{page}")


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
