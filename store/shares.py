"""Fair share: what each owner has used of late, how many jobs it may run, and the rules of both.

A device-second counts in full when it is used, and half of that after each half-life. A job that
runs counts from its start, as START_S seconds until it has run for longer. So of jobs that start
one right after the other each counts for the next, and the order of the queue says how they will
go. An owner who falls behind others, whatever they queue, comes before them in the end.
"""

import math
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from store import clock, durations
from store.tables import Attempt, Job, Owner, Scheduler

START_S = 60


@dataclass(frozen=True)
class Rules:
    """What an administrator may set; it stands in the database, for all who order the queue."""

    half_life_s: float = 86_400.0
    max_running: int | None = None
    """Cap of jobs that an owner without a cap of its own runs at once."""
    preempt_after_s: float = 60.0
    """So long a preemptible job runs at least, once it has started."""


@dataclass(frozen=True)
class Share:
    """Where an owner stands now."""

    used_s: int
    """Whole device-seconds, so that sums are exact."""
    running: int
    max_running: int | None

    @property
    def room(self) -> int | None:
        """How many jobs more may start; None: as many as there are."""
        return None if self.max_running is None else max(0, self.max_running - self.running)


def rules(session: Session) -> Rules:
    """Read the rules."""
    row = session.execute(
        select(Scheduler.half_life_s, Scheduler.max_running, Scheduler.preempt_after_s)
    ).one()
    return Rules(**{name: value for name, value in row._asdict().items() if value is not None})


def set_rules(session: Session, wanted: Rules) -> None:
    """Replace the rules."""
    row = session.execute(select(Scheduler).with_for_update()).scalar_one()
    row.half_life_s, row.max_running = wanted.half_life_s, wanted.max_running
    row.preempt_after_s = wanted.preempt_after_s


def worth_s(seconds: float, half_life_s: float) -> float:
    """Give what seconds that end now are worth, each halved by its age.

    The integral of 2^(-t / half-life) over t from 0 to `seconds`.
    """
    return -half_life_s / math.log(2) * math.expm1(-math.log(2) * seconds / half_life_s)


def _halved(used_s: float, age_s: float, half_life_s: float) -> float:
    return used_s * math.exp2(-max(0.0, age_s) / half_life_s)


def read(session: Session) -> dict[int, Share]:
    """Read where the owners stand whose jobs are queued, by their keys."""
    now, rule = clock.read(session), rules(session)
    queued = select(Job.key).where(Job.state == "queued", Job.owner_key == Owner.key).exists()
    owners = session.execute(
        select(Owner.key, Owner.recent_device_s, Owner.recent_at, Owner.max_running).where(queued)
    ).all()
    running: dict[int, list[float]] = {owner.key: [] for owner in owners}
    for row in session.execute(
        select(Job.owner_key, Job.devices, Attempt.started_at)
        .join(Job, Job.key == Attempt.job_key)
        .where(Attempt.ended_at.is_(None))
    ):
        if row.owner_key in running:
            lasted_s = worth_s(max(0.0, now - row.started_at), rule.half_life_s)
            running[row.owner_key].append(row.devices * max(START_S, lasted_s))
    return {
        owner.key: Share(
            round(
                _halved(owner.recent_device_s, now - owner.recent_at, rule.half_life_s)
                + sum(running[owner.key])
            ),
            len(running[owner.key]),
            rule.max_running if owner.max_running is None else owner.max_running,
        )
        for owner in owners
    }


def lock(session: Session, owner_keys: set[int]) -> None:
    """Lock owners in one order: for who is going to charge several in one transaction."""
    query = select(Owner.key).where(Owner.key.in_(owner_keys)).order_by(Owner.key)
    session.execute(query.with_for_update(key_share=True)).all()


def charge(session: Session, attempt: Attempt) -> None:
    """Add what an attempt used to its owner's account. It has just ended."""
    assert attempt.ended_at is not None
    job = session.get_one(Job, attempt.job_key)
    # Not from having rows that refer to it: else who submits would wait.
    as_is = {"key_share": True}
    owner = session.get_one(Owner, job.owner_key, with_for_update=as_is, populate_existing=True)
    half_life_s = rules(session).half_life_s
    before_s = _halved(owner.recent_device_s, attempt.ended_at - owner.recent_at, half_life_s)
    used_s = job.devices * worth_s(durations.ran_s(attempt), half_life_s)
    owner.recent_device_s, owner.recent_at = before_s + used_s, attempt.ended_at
