"""Last, best and at-best-validation of every metric, kept up to date as points come in.

"At best validation" is the last value known when what the job's task is judged by on the validation
part (`validation_accuracy`, or `validation_perplexity`) was at its best, first reached; values that
come later for that same step count too. A job tells one of them only.
"""

from dataclasses import asdict, dataclass, field

from sqlalchemy import and_, delete, select, update
from sqlalchemy.orm import Session

from crs_core.events import METRICS, QUALITY
from store import metrics
from store.dialects import upsert
from store.tables import Job, Metric, Point, Summary

VALIDATIONS = frozenset(f"validation_{quality}" for quality in QUALITY.values())
_BETTER = {name: metric.better for name, metric in METRICS.items()}


@dataclass
class Entry:
    """One metric of one job. `None` for a value that was not finite, or is not there."""

    last_step: int
    last_value: float | None
    best_step: int | None = None
    best_value: float | None = None
    at_best_validation: float | None = None

    def add(self, step: int, value: float | None, better: str) -> bool:
        """Take a value in; give whether it is the new best."""
        if step >= self.last_step:
            self.last_step, self.last_value = step, value
        if value is None or better == "none":
            return False
        if self.best_value is not None and (
            value <= self.best_value if better == "higher" else value >= self.best_value
        ):
            return False
        self.best_step, self.best_value = step, value
        return True


@dataclass
class Summaries:
    """The summaries of one job, and which of them are to be written."""

    numbers: dict[str, int]
    """Of every metric that was ever recorded, of any job."""
    best_validation_step: int | None
    entries: dict[str, Entry] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)

    def add(self, step: int, values: dict[str, float | None]) -> None:
        """Take in what was reported at a step."""
        improved = False
        for name, value in values.items():
            entry = self.entries.get(name)
            if entry is None:
                entry = self.entries[name] = Entry(step, None)
            if entry.add(step, value, _BETTER.get(name, "none")) and name in VALIDATIONS:
                improved = True
        self.changed.update(values)
        if improved:
            self.best_validation_step = step
            for entry in self.entries.values():
                entry.at_best_validation = entry.last_value
            self.changed.update(self.entries)
        elif step == self.best_validation_step:
            for name, value in values.items():
                self.entries[name].at_best_validation = value

    def end_before(self, step: int) -> bool:
        """Whether the job has no point at this step or after it."""
        return all(entry.last_step < step for entry in self.entries.values())


def load(session: Session, job_key: int, best_validation_step: int | None) -> Summaries:
    """Read what is stored."""
    kept = Summaries({}, best_validation_step)
    rows = session.connection().execute(
        select(
            Metric.name,
            Metric.id,
            Summary.last_step,
            Summary.last_value,
            Summary.best_step,
            Summary.best_value,
            Summary.at_best_validation,
        ).outerjoin(Summary, and_(Summary.metric_id == Metric.id, Summary.job_key == job_key))
    )
    for row in rows:
        kept.numbers[row.name] = row.id
        if row.last_step is not None:
            kept.entries[row.name] = Entry(*row[2:])
    return kept


def save(session: Session, job_key: int, summaries: Summaries) -> None:
    """Write the entries that changed."""
    upsert(
        session,
        Summary,
        [
            {"job_key": job_key, "metric_id": summaries.numbers[name]}
            | asdict(summaries.entries[name])
            for name in sorted(summaries.changed)
        ],
    )
    summaries.changed.clear()


def rebuild(session: Session, job_key: int) -> Summaries:
    """Make the summaries anew from the points, after some of these were removed."""
    session.execute(delete(Summary).where(Summary.job_key == job_key))
    ids = metrics.numbers(session)
    found = Summaries(ids, None)
    for name, metric in ids.items():
        points = select(Point.step, Point.value).where(
            Point.job_key == job_key, Point.metric_id == metric
        )
        last = session.execute(points.order_by(Point.step.desc()).limit(1)).one_or_none()
        if last is None:
            continue
        entry = found.entries[name] = Entry(*last)
        better = _BETTER.get(name, "none")
        if better != "none":
            order = Point.value.desc() if better == "higher" else Point.value.asc()
            best = session.execute(
                points.where(Point.value.is_not(None)).order_by(order, Point.step).limit(1)
            ).one_or_none()
            entry.best_step, entry.best_value = best or (None, None)
    for name in VALIDATIONS & found.entries.keys():
        found.best_validation_step = found.entries[name].best_step
    if found.best_validation_step is not None:
        for name, entry in found.entries.items():
            entry.at_best_validation = session.execute(
                select(Point.value)
                .where(
                    Point.job_key == job_key,
                    Point.metric_id == ids[name],
                    Point.step <= found.best_validation_step,
                )
                .order_by(Point.step.desc())
                .limit(1)
            ).scalar_one_or_none()
    found.changed.update(found.entries)
    session.execute(
        update(Job)
        .where(Job.key == job_key)
        .values(best_validation_step=found.best_validation_step)
        .execution_options(synchronize_session=False)
    )
    return found
