"""Idempotency keys: the same key and body is the same thing, however often it is sent.

A key is kept for good, and outlives the job that it made: sent again, it must not make another.
"""

import hashlib
import json
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from store import clock
from store.dialects import insert_or_ignore
from store.errors import IdempotencyMismatch
from store.tables import Submission


def digest(body: Any) -> str:
    """Give a digest that is equal for equal data, whatever the order of its keys."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def enter(session: Session, owner_key: int, key: str, body_digest: str) -> Submission | None:
    """Take a key for this transaction; give the earlier submission when there was one.

    A twin that is under way is waited for: the insert blocks on its row, or (SQLite) on its lock.
    Raises IdempotencyMismatch.
    """
    row = {
        "owner_key": owner_key,
        "idempotency_key": key,
        "digest": body_digest,
        "created_at": clock.read(session),
    }
    if insert_or_ignore(session, Submission, [row]):
        return None
    found = session.execute(
        select(Submission).where(
            Submission.owner_key == owner_key, Submission.idempotency_key == key
        )
    ).scalar_one()
    if found.digest != body_digest:
        raise IdempotencyMismatch(
            f"the idempotency key {key!r} came before with another body; "
            "send the same body, or a new key"
        )
    return found


def settle(
    session: Session,
    owner_key: int,
    key: str,
    *,
    job_key: int | None = None,
    sweep_key: int | None = None,
) -> None:
    """Say what the submission made."""
    session.execute(
        update(Submission)
        .where(Submission.owner_key == owner_key, Submission.idempotency_key == key)
        .values(job_key=job_key, sweep_key=sweep_key)
    )


def outlive(session: Session, job_key: int) -> None:
    """Keep the key of a job that is about to be deleted."""
    session.execute(
        update(Submission)
        .where(Submission.job_key == job_key)
        .values(job_key=None)
        .execution_options(synchronize_session=False)
    )
