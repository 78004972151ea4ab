"""What an attempt ran with, beside what its trainer says of itself, and how soon it began."""

from collections.abc import Mapping
from dataclasses import dataclass

from crs_core.events import Started
from crs_core.surroundings import driver
from worker.forks import IMPORTED
from worker.process import Trainer
from worker.settings import told_variables


@dataclass(frozen=True)
class Times:
    """How long an attempt took to have a trainer, and how long that lived, in seconds."""

    start_s: float
    trainer_s: float

    def __str__(self) -> str:
        return f"a trainer after {self.start_s:.3f} s, for {self.trainer_s:.3f} s"


def with_surroundings(event: Started, trainer: Trainer, environment: Mapping[str, str]) -> Started:
    """Add to what a trainer says at its start what only its supervisor knows."""
    found = {"start": "warm" if trainer.is_forked else "cold"}
    if trainer.imported_s is not None:
        found[IMPORTED] = f"{trainer.imported_s:.2f}"
    found |= driver() if event.device != "cpu" else {}
    found |= told_variables(environment)
    return event.model_copy(update={"environment": event.environment | found})
