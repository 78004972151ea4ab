"""A trainer's events become rows: points, summaries, layers, checkpoints, log, and the changes."""

from collections.abc import Sequence
from math import isfinite
from typing import Any

from sqlalchemy import Row, delete, select, update
from sqlalchemy.orm import Session

from crs_core.events import CheckpointSaved, Event, Layers, Noted, Points, Started
from store import changes, checkpoints, counters, layers, logs, metrics, summaries
from store.attempts import Wish, fenced
from store.dialects import add_points, replace_points
from store.tables import Attempt, Job, Point, Sweep
from store.text import clean

MAX_NOTES = 100
"""Of one attempt."""


def record(
    session: Session,
    attempt_id: int,
    events: Sequence[Event],
    *,
    log: str = "",
    log_at: int | None = None,
) -> Wish:
    """Write a batch of events and a piece of log text; give what is wanted of the attempt.

    Sent again with `log_at`, the place of `log` in the job's log, it writes nothing twice.

    `Started` removes the points after its step. `Finished` and `Failed` write nothing: how an
    attempt ended is told by `attempts.finish`. Raises Fenced, and then nothing was written.
    """
    attempt = _current(session, attempt_id)
    batch = _Batch(session, attempt)
    for event in events:
        batch.take(event)
    batch.write()
    if log:
        logs.append(session, attempt.job_key, attempt.number, log, at=log_at)
    return Wish.of(attempt.wish)


def log_size(session: Session, attempt_id: int) -> int:
    """Give where the log of an attempt's job ends, for `log_at`. Raises Fenced."""
    return logs.size(session, _current(session, attempt_id).job_key)


def _current(session: Session, attempt_id: int) -> Row[Any]:
    """Lock the attempt, so that it stays current until this transaction ends."""
    query = (
        select(
            Attempt.key,
            Attempt.number,
            Attempt.job_key,
            Job.id.label("job_id"),
            Job.wish,
            Job.best_validation_step,
            Sweep.id.label("sweep_id"),
        )
        .join(Job, Job.key == Attempt.job_key)
        .outerjoin(Sweep, Sweep.key == Job.sweep_key)
        .where(Attempt.key == attempt_id, Attempt.ended_at.is_(None))
        .with_for_update(of=Attempt)
    )
    row: Row[Any] | None = session.connection().execute(query).one_or_none()  # type: ignore[assignment]
    if row is None:
        raise fenced(attempt_id)
    return row


class _Batch:
    """What the events of one call come to. Points are kept back and written as one list."""

    def __init__(self, session: Session, attempt: Row[Any]) -> None:
        self.session, self.attempt, self.job_key = session, attempt, attempt.job_key
        self.reports: list[Points] = []
        self.layers: Layers | None = None
        self.notes: list[str] = []
        self.job: dict[str, Any] = {}

    def take(self, event: Event) -> None:
        match event:
            case Points():
                self.reports.append(event)
            case Layers():
                self.layers = event
            case CheckpointSaved():
                checkpoints.add(self.session, self.attempt.key, self.job_key, event)
                self._note("job", state="running")
            case Noted(text=text):
                self.notes.append(text)
            case Started():
                # What a resumed trainer finds was said before it; what it says comes after.
                self.reports.clear()
                self.layers = None
                self._start(event)

    def _start(self, event: Started) -> None:
        session, key = self.session, self.job_key
        versions = dict(event.versions)
        revision = versions.pop("revision", None)
        session.execute(
            update(Attempt)
            .where(Attempt.key == self.attempt.key)
            .values(
                start_step=event.step,
                resumed_from=event.resumed_from,
                device=event.device,
                threads=event.threads,
                device_name=versions.get("gpu") or event.environment.get("processor"),
                versions=versions,
                git_revision=revision,
                environment=event.environment or None,
            )
            .execution_options(synchronize_session=False)
        )
        self.notes += event.notes
        session.execute(delete(Point).where(Point.job_key == key, Point.step > event.step))
        kept = summaries.rebuild(session, key)
        summaries.save(session, key, kept)
        layers.truncate(session, key, event.step)
        checkpoints.truncate(session, key, event.step, keep_attempt=self.attempt.key)
        self.job |= {
            "step": event.step,
            "total_steps": event.total_steps,
            "steps_per_epoch": event.steps_per_epoch,
            "best_validation_step": kept.best_validation_step,
        }
        if self.attempt.number > 1:
            self._note("truncate", from_step=event.step)
        self._note("job", state="running")

    def write(self) -> None:
        session, key = self.session, self.job_key
        if self.notes:
            self._write_notes()
        if self.reports:
            self._write_points()
        if self.layers is not None:
            layers.replace(session, key, self.layers)
            self._note("job", state="running")
        if self.job:
            session.connection().execute(update(Job).where(Job.key == key).values(**self.job))

    def _write_notes(self) -> None:
        """Add to what was noted of the attempt; a note said twice stands there once."""
        session, mine = self.session, Attempt.key == self.attempt.key
        before = session.execute(select(Attempt.notes).where(mine)).scalar_one() or []
        notes = list(dict.fromkeys([*before, *map(clean, self.notes)]))[:MAX_NOTES]
        session.execute(
            update(Attempt)
            .where(mine)
            .values(notes=notes)
            .execution_options(synchronize_session=False)
        )
        self._note("job", state="running")

    def _write_points(self) -> None:
        session, key = self.session, self.job_key
        best = self.job.get("best_validation_step", self.attempt.best_validation_step)
        kept = summaries.load(session, key, best)
        new = {name for report in self.reports for name in report.values} - kept.numbers.keys()
        if new:
            kept.numbers = metrics.numbers_for(session, new)
        steps = [report.step for report in self.reports]
        write = add_points if kept.end_before(min(steps)) else replace_points
        rows: dict[tuple[int, int], float | None] = {}
        for report in self.reports:
            values = {n: value if isfinite(value) else None for n, value in report.values.items()}
            kept.add(report.step, values)
            for name, value in values.items():
                rows[kept.numbers[name], report.step] = value
        write(session, key, rows)
        counters.add(session, counters.POINTS, len(rows))
        summaries.save(session, key, kept)
        self.job |= {"step": steps[-1], "best_validation_step": kept.best_validation_step}
        self._note("points", from_step=min(steps), to_step=max(steps))

    def _note(
        self,
        kind: changes.Kind,
        *,
        state: str | None = None,
        from_step: int | None = None,
        to_step: int | None = None,
    ) -> None:
        changes.note(
            self.session,
            changes.Change(
                kind,
                self.attempt.job_id,
                self.attempt.sweep_id,
                attempt=self.attempt.number,
                state=state,
                from_step=from_step,
                to_step=to_step,
            ),
        )
