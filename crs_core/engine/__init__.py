"""Train one job: `train(spec, place, on_event=..., should_stop=...)`; `run` takes studies too.

The engine knows no database, no environment and no command line. A spec says what to train, a place
where: folders, device, threads, checkpoints to go on from. What happens is told as events.
"""

from crs_core.engine.failures import failed
from crs_core.engine.loop import train
from crs_core.engine.place import Place, Result, ResumePoint
from crs_core.engine.ready import begin_after_fork, get_ready
from crs_core.engine.studies import run, study

__all__ = [
    "Place", "Result", "ResumePoint", "begin_after_fork", "failed", "get_ready", "run", "study",
    "train",
]  # fmt: skip
