"""How many jobs a user may have in the queue. (How many may run at once, the claim asks.)"""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from store.errors import CapReached
from store.tables import Job, Owner


def demand_room(session: Session, owner_key: int, more: int, *, max_queued: int | None) -> None:
    """Raise CapReached when `more` queued jobs would be beyond the owner's cap.

    `max_queued` is what holds for an owner without a cap of their own; None: no cap.
    """
    if _cap(session, owner_key, max_queued) is None:
        return
    # Who submits twice at once must not slip through: on PostgreSQL the second one waits here.
    owner = session.execute(
        select(Owner)
        .where(Owner.key == owner_key)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).scalar_one()
    cap = max_queued if owner.max_queued is None else owner.max_queued
    queued = session.execute(
        select(func.count()).where(Job.owner_key == owner_key, Job.state == "queued")
    ).scalar_one()
    if cap is not None and queued + more > cap:
        jobs = "1 more job is" if more == 1 else f"{more} more jobs are"
        may = f"{owner.name} may have {cap} job{'' if cap == 1 else 's'} in the queue"
        raise CapReached(
            f"{may} and has {queued}, so that {jobs} too many and none was queued; wait until "
            "some have started, cancel some, or ask an admin for a higher cap"
        )


def _cap(session: Session, owner_key: int, otherwise: int | None) -> int | None:
    own = session.execute(select(Owner.max_queued).where(Owner.key == owner_key)).scalar_one()
    return otherwise if own is None else own
