"""By what jobs are judged: accuracy or perplexity on the test part, where validation was best.

A study is judged by its error.
"""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crs_core.events import QUALITY
from store.dialects import among
from store.tables import Job, Metric, Summary, Sweep

QUALITIES = (*(f"best_test_{quality}" for quality in QUALITY.values()), "frobenius_error")
"""The usual one first; the last one is a study's."""
ALIASES = {f"test_{quality}": f"best_test_{quality}" for quality in QUALITY.values()}
"""The paper reports the epoch where validation was best, so a plain name means that one."""


def usual_quality(session: Session, job_ids: Sequence[str], sweep_ids: Sequence[str]) -> str:
    """Give the one that most of the jobs have told so far; the usual one if none has told any."""
    counts = session.execute(
        select(Metric.name, func.count())
        .join(Summary, Summary.metric_id == Metric.id)
        .join(Job, Job.key == Summary.job_key)
        .outerjoin(Sweep, Sweep.key == Job.sweep_key)
        .where(
            Metric.name.in_(QUALITIES),
            among(session, Job.id, job_ids) | Sweep.id.in_(sweep_ids),
        )
        .group_by(Metric.name)
    ).all()
    told = dict(iter(counts))
    return max(QUALITIES, key=lambda name: told.get(name, 0))
