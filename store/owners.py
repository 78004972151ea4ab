"""Whose jobs there are: a name becomes a row the first time it is seen. Caps per user."""

import re
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import Session

from store import clock
from store.dialects import insert_or_ignore
from store.errors import BadQuery, NotFound
from store.tables import Job, Owner, Sweep, Webhook

LOCAL = "local"
"""Who works without a login."""
NAME = r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}"
UNCHANGED: Any = object()
Kind = Literal["job", "sweep", "webhook"]
"""Of what belongs to somebody."""


@dataclass(frozen=True)
class User:
    """An owner with caps and what counts towards them. A cap of None: the service's setting."""

    name: str
    created_at: float
    max_running: int | None
    max_queued: int | None
    running: int
    queued: int


def check_name(name: str) -> None:
    """Raise BadQuery unless this can be a user's name: one that is safe on every screen."""
    if not re.fullmatch(NAME, name):
        raise BadQuery(
            f"{name[:80]!r} is no name of a user; it has letters, digits and . _ @ - only, starts "
            "with a letter or digit, and has at most 64 characters"
        )


def key_of(session: Session, name: str) -> int:
    """Give the owner's key; make the row where there is none."""
    query = select(Owner.key).where(Owner.name == name)
    found = session.execute(query).scalar_one_or_none()
    if found is None:
        made = {
            "name": name, "created_at": clock.read(session), "recent_device_s": 0, "recent_at": 0,
        }  # fmt: skip
        insert_or_ignore(session, Owner, [made])
        found = session.execute(query).scalar_one()
    return found


def owner_of(session: Session, kind: Kind, ident: str) -> str:
    """Give the name of the owner of a job, a sweep or a webhook of these. Raises NotFound."""
    found = session.execute(_owned(kind, ident)).scalar_one_or_none()
    if found is None:
        raise NotFound(f"there is no {kind} {ident!r}")
    return found


def _owned(kind: Kind, ident: str) -> Select[str]:
    if kind == "webhook":
        whose = func.coalesce(Job.owner_key, Sweep.owner_key)
        return (
            select(Owner.name)
            .select_from(Webhook)
            .outerjoin(Job, Job.key == Webhook.job_key)
            .outerjoin(Sweep, Sweep.key == Webhook.sweep_key)
            .join(Owner, Owner.key == whose)
            .where(Webhook.id == ident)
        )
    table: type[Job | Sweep] = Job if kind == "job" else Sweep
    return select(Owner.name).join(table, table.owner_key == Owner.key).where(table.id == ident)


def list_users(session: Session) -> tuple[User, ...]:
    """Read every user, by name."""
    return tuple(User(**row) for row in session.execute(_users()).mappings())


def get(session: Session, name: str) -> User:
    """Read one user. Raises NotFound."""
    row = session.execute(_users().where(Owner.name == name)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"there is no user {name!r}")
    return User(**row)


def set_caps(
    session: Session,
    name: str,
    *,
    max_running: int | None = UNCHANGED,
    max_queued: int | None = UNCHANGED,
) -> User:
    """Set caps; None gives the service's setting back. Raises NotFound."""
    owner = session.execute(
        select(Owner).where(Owner.name == name).with_for_update(key_share=True)
    ).scalar_one_or_none()
    if owner is None:
        raise NotFound(f"there is no user {name!r}")
    if max_running is not UNCHANGED:
        owner.max_running = max_running
    if max_queued is not UNCHANGED:
        owner.max_queued = max_queued
    session.flush()
    return get(session, name)


def _users() -> Any:
    counts = (
        select(
            Job.owner_key,
            func.sum(case((Job.state == "running", 1), else_=0)).label("running"),
            func.sum(case((Job.state == "queued", 1), else_=0)).label("queued"),
        )
        .where(Job.state.in_(["running", "queued"]))
        .group_by(Job.owner_key)
        .subquery()
    )
    return (
        select(
            Owner.name,
            Owner.created_at,
            Owner.max_running,
            Owner.max_queued,
            func.coalesce(counts.c.running, 0).label("running"),
            func.coalesce(counts.c.queued, 0).label("queued"),
        )
        .outerjoin(counts, counts.c.owner_key == Owner.key)
        .order_by(Owner.name)
    )
