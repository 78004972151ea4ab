"""Queue what the paper's tables and figures need, wait for it, and set it beside the paper."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from colrow.answers import ENDED
from colrow.bars import JobBars, bars
from colrow.client import PROGRESS
from colrow.commands.session import Session, note
from colrow.errors import ColrowError
from colrow.figures import counted
from colrow.report.write import write
from colrow.reproduction import paper, recorded, records, runs
from colrow.reproduction.measured import Reader, measured, merged
from colrow.reproduction.parts import Experiment
from colrow.reproduction.recorded import Recorded
from colrow.reproduction.records import Record
from colrow.reproduction.results import Results
from colrow.reproduction.runs import Runs, Scale

READ_S = 1.0  # how often the jobs are read; there can be hundreds, and each takes a while


@dataclass(frozen=True)
class Wanted:
    """What was asked for."""

    experiments: Sequence[Experiment]
    scale: Scale
    out: Path
    others: Sequence[Path] = ()
    """Files of records that count too, besides the one in `out`."""
    queues: bool = True
    waits: bool = True
    writes: bool = True

    @property
    def file(self) -> Path:
        """Give where the records of the report are."""
        return self.out / records.RESULTS


def run(session: Session, wanted: Wanted, *, weights: Reader | None = None) -> None:
    """Queue what has no result yet, wait for it, and write the report, each if it is wanted."""
    known = _recorded(wanted)
    with session.client as client:
        if wanted.queues:
            for experiment in wanted.experiments:
                made = runs.queue(client, experiment, wanted.scale, known.records)
                session.out.print(f"{experiment.name}: {counted(made, 'job')} queued")
        if wanted.waits:
            wait(session, wanted, known)
        if wanted.writes:
            found = runs.read(client)
            ours = measured(client, found, wanted.experiments, wanted.scale, weights=weights)
            _write(session, wanted, known, merged(known.records, ours), found)


def report(session: Session, wanted: Wanted) -> None:
    """Write the report from records alone, without a service."""
    known = _recorded(wanted)
    if not known.records:
        raise ColrowError(
            f"there is nothing to report: no result is recorded in {wanted.file}; name a service "
            "(colrow --server URL reproduce --report) or its folder (--data), or records (--with)"
        )
    _write(session, wanted, known, known.records, Runs())


def _recorded(wanted: Wanted) -> Recorded:
    known = recorded.read(wanted.file, wanted.others)
    for each in known.notes:
        note(each)
    needed = {
        key for e in wanted.experiments for s in e.settings for key in wanted.scale.keys(s).values()
    }
    if count := len(needed & known.records.keys()):
        files = ", ".join(str(path) for path in (wanted.file, *wanted.others))
        note(f"{count} of {len(needed)} results are recorded in {files}")
    return known


def _write(
    session: Session,
    wanted: Wanted,
    known: Recorded,
    results: Mapping[str, Record],
    jobs: Runs,
) -> None:
    document = paper.build(Results(results, wanted.scale, jobs), wanted.experiments)
    beside = {records.RESULTS: records.text(results, known.others)}
    page = write(document, wanted.out, name="README", beside=beside)
    session.out.print(f"{document.lead}\n{page}")


def wait(session: Session, wanted: Wanted, known: Recorded) -> None:
    """Show bars until every job of the experiments has ended."""
    found = runs.read(session.client)
    open_jobs = runs.unfinished(found, wanted.experiments, wanted.scale, known.records)
    waited = {job["id"] for job in open_jobs}
    if not waited:
        return
    with bars(session.out) as progress:
        shown = JobBars(progress, "reproduction")
        while True:
            jobs = session.client.jobs(tag=[runs.TAG], sort="created_at", columns=PROGRESS)
            now = [job for job in jobs if job["id"] in waited]
            shown.show(now)
            if all(job["state"] in ENDED for job in now):
                return
            time.sleep(READ_S)
