"""Run one job of any kind; a study is told by the same events as a training.

A study is short and keeps no checkpoint. Stopped or killed, it begins again, and tells the same
points: every ratio draws from generators of its own.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from crs_core.engine.devices import computing_on, is_out_of_memory, open_device, versions
from crs_core.engine.loop import train
from crs_core.engine.place import Place, Result
from crs_core.engine.randomness import Randomness
from crs_core.errors import OutOfMemoryError
from crs_core.events import Event, Finished, Started
from crs_core.planning import plan_job
from crs_core.spec import JobSpec, StudySpec
from crs_core.study.measure import measure
from crs_core.surroundings import environment, revision


def _never() -> bool:
    return False


def _unheard(_event: Event) -> None:
    return None


def run(
    spec: JobSpec | StudySpec,
    place: Place,
    *,
    on_event: Callable[[Event], None] = _unheard,
    should_stop: Callable[[], bool] = _never,
) -> Result:
    """Run the job of `spec` at `place`: train it, or study it. Raises as `train` and `study` do."""
    how = study if isinstance(spec, StudySpec) else train
    return how(spec, place, on_event=on_event, should_stop=should_stop)  # type: ignore[arg-type]


def study(
    spec: StudySpec,
    place: Place,
    *,
    on_event: Callable[[Event], None] = _unheard,
    should_stop: Callable[[], bool] = _never,
) -> Result:
    """Measure the study of `spec`; nothing is read from `place` but device and threads.

    `on_event` hears Started, Points for each ratio (`step` is k, `epoch` the ratio) and Finished.
    `should_stop` is asked every few draws; the ratio that is under way is then not told.

    Raises SpecError, DeviceError (OutOfMemoryError).
    """
    cost = plan_job(spec)
    device = open_device(place.device)
    with computing_on(device, place.threads), _memory_explained(device):
        on_event(
            Started(
                step=0,
                total_steps=cost.steps,
                steps_per_epoch=cost.steps_per_epoch,
                device=str(device),
                threads=place.threads,
                versions=versions(device) | revision(),
                environment=environment(),
            )
        )
        step, summary = 0, dict[str, float]()
        generators = Randomness(spec.seed, device).once
        for points in measure(spec, generators, device=device, should_stop=should_stop):
            on_event(points)
            step, summary = points.step, summary | points.values
    completed = step == cost.steps
    on_event(Finished(completed=completed, step=step))
    return Result(step=step, completed=completed, summary=summary)


@contextmanager
def _memory_explained(device: torch.device) -> Iterator[None]:
    """Turn 'no memory left' into OutOfMemoryError, with advice."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        first = (str(error).splitlines() or [""])[0] or "the host refused to give more"
        raise OutOfMemoryError(
            f"no memory left on {device}: {first} Try smaller sizes in `operation`, or a device "
            "with more"
        ) from error
