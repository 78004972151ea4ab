"""The attempts of a job: when, where and on what it ran, and how each ended."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from store.tables import Attempt as AttemptRow
from store.tables import Worker
from store.views import Attempt, Reason


def attempts_of(session: Session, job_key: int) -> tuple[Attempt, ...]:
    """Read the attempts of a job, in their order."""
    rows = session.execute(
        select(*AttemptRow.__table__.c, Worker.name.label("worker"))
        .join(Worker, Worker.key == AttemptRow.worker_key)
        .where(AttemptRow.job_key == job_key)
        .order_by(AttemptRow.number)
    )
    return tuple(
        Attempt(
            number=row.number,
            state=row.state,
            worker=row.worker,
            host=row.host,
            started_at=row.started_at,
            heartbeat_at=row.heartbeat_at,
            lease_until=row.lease_until,
            ended_at=row.ended_at,
            reason=reason(row),
            start_step=row.start_step,
            resumed_from=row.resumed_from,
            device=row.device,
            device_name=row.device_name,
            device_count=row.device_count,
            threads=row.threads,
            versions=row.versions,
            git_revision=row.git_revision,
            environment=row.environment,
            shared=row.shared,
            start_s=row.start_s,
            trainer_s=row.trainer_s,
            notes=tuple(row.notes or ()),
        )
        for row in rows
    )


def reason(row: Any) -> Reason | None:
    """Put the two columns of a reason together."""
    return Reason(row.reason_kind, row.reason_message or "") if row.reason_kind else None
