"""What is told when a job has ended, or the last open job of a sweep: the bodies of deliveries.

They are written in the transaction that ends the job, at its very end: so no end is told that was
not, and none is forgotten.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from store import clock
from store.dialects import among
from store.ids import new_id
from store.tables import Delivery, Job, Metric, Owner, Summary, Sweep, Webhook
from store.views import STATES

ENDS = ("succeeded", "failed", "cancelled")
"""States of a job that are told."""
_ENDED = "colrow.ended"
_MADE = "colrow.deliveries"


@dataclass
class _Noted:
    """Keys of what ended in a transaction."""

    jobs: dict[int, None]
    sweeps: dict[int, None]


def note_end(session: Session, job: Job) -> None:
    """Keep in mind, to the end of this transaction, that the job may have ended."""
    _noted(session).jobs[job.key] = None
    if job.sweep_key is not None:
        note_sweep(session, job.sweep_key)


def note_ends(session: Session, job_keys: Iterable[int], sweep_key: int) -> None:
    """Keep in mind that these jobs of a sweep may have ended."""
    _noted(session).jobs |= dict.fromkeys(job_keys)
    note_sweep(session, sweep_key)


def note_sweep(session: Session, sweep_key: int) -> None:
    """Keep in mind that the last open job of a sweep may have ended, or gone."""
    _noted(session).sweeps[sweep_key] = None


def _noted(session: Session) -> _Noted:
    noted: _Noted = session.info.setdefault(_ENDED, _Noted({}, {}))
    return noted


def write(session: Session) -> None:
    """Write the deliveries of what was noted; `Database.write` calls it before the commit.

    Here, not at the change itself: sweeps are locked after every job that the transaction locks, so
    that it can be in no circle of waiting.
    """
    noted: _Noted | None = session.info.pop(_ENDED, None)
    if noted is None:
        return
    made = _of_jobs(session, sorted(noted.jobs))
    for key in sorted(noted.sweeps):
        made += _of_sweep(session, key)
    _insert(session, made)


def tell_new(session: Session, webhook_key: int, *, job: Job | None, sweep: Sweep | None) -> None:
    """Write the delivery of a new webhook whose job or sweep has ended already.

    What ends in this same transaction is told at its end.
    """
    noted = _noted(session)
    if job is not None and job.key not in noted.jobs:
        _insert(session, _of_jobs(session, [job.key], only=webhook_key))
    if sweep is not None and sweep.key not in noted.sweeps:
        _insert(session, _of_sweep(session, sweep.key, only=webhook_key))


def _insert(session: Session, made: list[dict[str, Any]]) -> None:
    if made:
        session.execute(insert(Delivery), made)
        session.info[_MADE] = True


def were_made(session: Session) -> bool:
    """Whether this transaction wrote deliveries: somebody should be told to look."""
    return bool(session.info.get(_MADE))


def lock_sweep(session: Session, key: int) -> Sweep:
    """Lock a sweep's row against others that do so; its jobs may still be written."""
    return session.execute(
        select(Sweep).where(Sweep.key == key).with_for_update(key_share=True)
    ).scalar_one()


def _of_jobs(
    session: Session, keys: Sequence[int], *, only: int | None = None
) -> list[dict[str, Any]]:
    query = (
        select(Webhook.key.label("webhook"), Job, Owner.name, Sweep.id.label("sweep_id"))
        .join(Job, Job.key == Webhook.job_key)
        .join(Owner, Owner.key == Job.owner_key)
        .outerjoin(Sweep, Sweep.key == Job.sweep_key)
        .where(among(session, Webhook.job_key, keys), Job.state.in_(ENDS))
        .order_by(Webhook.key)
    )
    if only is not None:
        query = query.where(Webhook.key == only)
    rows = session.execute(query).all()
    if not rows:
        return []
    now = clock.read(session)
    summaries = _summaries(session, {row.Job.key for row in rows})
    return [
        _row(
            row.webhook,
            f"job.{row.Job.state}",
            now,
            job=_job(row.Job, row.name, row.sweep_id) | {"summary": summaries[row.Job.key]},
        )
        for row in rows
    ]


def _of_sweep(session: Session, key: int, *, only: int | None = None) -> list[dict[str, Any]]:
    # Locked before its webhooks and jobs are looked at: of two that end the last jobs at once, the
    # second then sees what the first did.
    sweep = lock_sweep(session, key)
    query = select(Webhook.key).where(Webhook.sweep_key == key).order_by(Webhook.key)
    webhooks = session.scalars(query if only is None else query.where(Webhook.key == only)).all()
    if not webhooks:
        return []
    counted = session.execute(
        select(Job.state, func.count()).where(Job.sweep_key == key).group_by(Job.state)
    )
    counts = dict.fromkeys(STATES, 0) | {row[0]: row[1] for row in counted}
    ended = sum(counts[state] for state in ENDS)
    if ended == 0 or ended < sum(counts.values()):
        return []
    owner = session.execute(select(Owner.name).where(Owner.key == sweep.owner_key)).scalar_one()
    told = {
        "id": sweep.id,
        "name": sweep.name,
        "owner": owner,
        "created_at": _time(sweep.created_at),
        "counts": counts,
    }
    now = clock.read(session)
    return [_row(webhook, "sweep.ended", now, sweep=told) for webhook in webhooks]


def _row(webhook_key: int, event: str, now: float, **about: dict[str, Any]) -> dict[str, Any]:
    delivery_id = new_id()
    return {
        "id": delivery_id,
        "webhook_key": webhook_key,
        "body": {"id": delivery_id, "event": event, "at": _time(now), **about},
        "state": "waiting",
        "tries": 0,
        "next_at": now,
        "created_at": now,
    }


def _job(job: Job, owner: str, sweep_id: str | None) -> dict[str, Any]:
    reason = None
    if job.reason_kind is not None:
        reason = {"kind": job.reason_kind, "message": job.reason_message}
    return {
        "id": job.id,
        "name": job.name,
        "state": job.state,
        "reason": reason,
        "owner": owner,
        "sweep_id": sweep_id,
        "created_at": _time(job.created_at),
        "started_at": _time(job.started_at),
        "finished_at": _time(job.finished_at),
        "attempt_count": job.attempt_count,
        "step": job.step,
        "total_steps": job.total_steps,
    }


def _summaries(session: Session, keys: set[int]) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {key: {} for key in keys}
    rows = session.execute(
        select(
            Summary.job_key,
            Metric.name,
            Summary.last_value,
            Summary.best_value,
            Summary.at_best_validation,
        )
        .join(Metric, Metric.id == Summary.metric_id)
        .where(among(session, Summary.job_key, sorted(keys)))
        .order_by(Metric.name)
    )
    for row in rows:
        found[row.job_key][row.name] = {
            "last": row.last_value,
            "best": row.best_value,
            "at_best_validation": row.at_best_validation,
        }
    return found


def _time(at: float | None) -> str | None:
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
