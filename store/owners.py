"""Whose jobs there are: a name becomes a row the first time it is seen."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from store import clock
from store.dialects import insert_or_ignore
from store.tables import Owner


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
