"""The state of each layer's products, as last reported."""

from dataclasses import dataclass

from sqlalchemy.orm import Session


@dataclass(frozen=True)
class LayerState:
    """One product of one layer; the fields of `crs_core.events.LayerRow` and the step they are of."""

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
    ...
