"""The training loop."""

from collections.abc import Callable

from crs_core.engine.place import Place, Result
from crs_core.events import Event
from crs_core.spec import JobSpec


def _never() -> bool:
    return False


def _unheard(_event: Event) -> None:
    return None


def train(
    spec: JobSpec,
    place: Place,
    *,
    on_event: Callable[[Event], None] = _unheard,
    should_stop: Callable[[], bool] = _never,
) -> Result:
    """Train the job of `spec` at `place`, from the beginning or from a checkpoint.

    `on_event` hears Started first, then Points, Layers and CheckpointSaved as they come, Finished last.
    `should_stop` is asked at every step; once true, a checkpoint is written and training ends with
    `completed=False`.

    Raises SpecError, DatasetError, DivergedError, DeviceError (OutOfMemoryError), DiskError;
    `failed(error)` turns them into the event that tells them.
    """
    raise RuntimeError("the loop is being written")
