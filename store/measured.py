"""The jobs of a comparison, with the numbers that it looks at."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crs_core.events import STUDY_METRICS
from crs_core.spec import facets
from store import metrics as metric_names
from store import timing
from store.dialects import among
from store.errors import NotFound
from store.grouping import canonical, twin_of, work_of
from store.policies import policy_of
from store.qualities import QUALITIES
from store.tables import Job, Summary, Sweep
from store.timing import NOTHING, RanOn, Timed

_OF_THE_END = frozenset(
    {
        *QUALITIES,
        *STUDY_METRICS,
        "compute_reduction",
        "learning_rate",
        "macs",
        "peak_memory_bytes",
        "planned_compute_reduction",
        "sampling_seconds",
        "seconds",
        "steps_per_s",
    }
)
"""Metrics whose last value counts; of all others the one at the best validation."""


@dataclass(frozen=True)
class Measured:
    """What is read of one job."""

    id: str
    state: str
    spec: dict[str, Any]
    planned: float | None
    x: float | None = None
    """Where x is a metric. This and the two below are None unless the job succeeded."""
    y: float | None = None
    seconds: float | None = None
    reason: str | None = None
    """The kind of the reason for which it failed."""
    ran_on: RanOn = NOTHING

    @property
    def seed(self) -> int:
        """The seed of the spec."""
        return int(self.spec["seed"])

    @property
    def setting(self) -> str:
        """What the exact twin has in common with this job."""
        return twin_of(self.spec)

    @property
    def timed(self) -> Timed:
        """How long it took, and on what."""
        return Timed(self.seconds, self.ran_on)

    @property
    def resources(self) -> str:
        """What it asks to run on: the exact twin that asks for the same is the better one."""
        return canonical(work_of(self.spec)["resources"])

    @property
    def ratios(self) -> int:
        """How many ratios it measures each for itself; 0 for a training."""
        return len(self.spec["ratios"]) if "ratios" in self.spec else 0

    @property
    def policy(self) -> str:
        """The policy of its rules, or several."""
        return policy_of(self.spec)

    @property
    def ratio(self) -> float | None:
        """The forward ratio, where there is one."""
        return facets(self.spec).ratio


def read_measured(
    session: Session, job_ids: Sequence[str], sweep_ids: Sequence[str], x: str, y: str
) -> list[Measured]:
    """Read the jobs given and those of the sweeps given, with x and y. Raises NotFound."""
    columns = (
        Job.key, Job.id, Job.state, Job.spec, Job.planned_compute_reduction, Job.reason_kind,
    )  # fmt: skip
    sweeps = dict(session.execute(select(Sweep.id, Sweep.key).where(Sweep.id.in_(sweep_ids))).all())
    wanted = among(session, Job.id, job_ids) | Job.sweep_key.in_(sweeps.values())
    rows = session.execute(select(*columns).where(wanted).order_by(Job.key)).all()
    missing = [i for i in sweep_ids if i not in sweeps]
    if missing:
        raise NotFound(f"there is no sweep {missing[0]!r}")
    there = {row.id for row in rows}
    lost = [i for i in job_ids if i not in there]
    if lost:
        raise NotFound(f"there is no job {lost[0]!r}")
    finished = [row.key for row in rows if row.state == "succeeded"]
    names = {
        number: name
        for number, name in metric_names.names(session).items()
        if name in (x, y, "seconds")
    }
    values: dict[int, dict[str, float | None]] = defaultdict(dict)
    summary = Summary.__table__.c
    for key, metric, last, at_best in session.execute(
        select(
            summary.job_key, summary.metric_id, summary.last_value, summary.at_best_validation
        ).where(among(session, summary.job_key, finished), summary.metric_id.in_(names))
    ):
        name = names[metric]
        values[key][name] = last if name in _OF_THE_END else at_best
    ran_on = timing.ran_on(session, finished)
    return [
        Measured(
            row.id,
            row.state,
            row.spec,
            row.planned_compute_reduction,
            x=values[row.key].get(x),
            y=values[row.key].get(y),
            seconds=values[row.key].get("seconds"),
            reason=row.reason_kind if row.state == "failed" else None,
            ran_on=ran_on.get(row.key, NOTHING),
        )
        for row in rows
    ]
