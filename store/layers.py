"""The state of each layer's products, as last reported."""

import math
from dataclasses import dataclass, fields

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from crs_core.events import Layers
from store.keys import job_key_of
from store.tables import Layer


@dataclass(frozen=True)
class LayerState:
    """One product of one layer: `crs_core.events.LayerRow`, and the step it is of."""

    step: int
    layer: str
    product: str
    policy: str
    ratio: float
    pairs: int
    kept: float | None
    exact_macs: int
    performed_macs: int
    never_kept: float | None
    error: float | None


def read(session: Session, job_id: str) -> tuple[LayerState, ...]:
    """Read them in the order of the network. Raises NotFound."""
    table = Layer.__table__.c
    columns = [table[field.name] for field in fields(LayerState)]
    key = job_key_of(session, job_id)
    rows = session.execute(select(*columns).where(table.job_key == key).order_by(table.position))
    return tuple(LayerState(*row) for row in rows)


def replace(session: Session, job_key: int, event: Layers) -> None:
    """Put a report in the place of the one before."""
    session.execute(delete(Layer).where(Layer.job_key == job_key))
    rows = [
        {"job_key": job_key, "position": i, "step": event.step}
        | {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in row.model_dump().items()
        }
        for i, row in enumerate(event.rows)
    ]
    if rows:
        session.execute(insert(Layer), rows)


def truncate(session: Session, job_key: int, step: int) -> None:
    """Remove a report of a step beyond `step`."""
    session.execute(delete(Layer).where(Layer.job_key == job_key, Layer.step > step))
