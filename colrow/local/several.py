"""`colrow train` on several devices: the service's trainer, started by torchrun, and no service."""

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from colrow.errors import LocalError
from colrow.settings import inherited
from crs_core.engine.place import Place, Result, ResumePoint
from crs_core.events import CheckpointSaved, Event, Failed, Finished, Points, Started
from crs_core.spec import JobSpec
from store.attempts import Wish
from worker import launch
from worker.endings import TAIL, Course, ending_of
from worker.process import CONFIG, Assignment, Trainer
from worker.settings import trainer_environment

_LOOK_S = 0.1
_LEAVE_S = 10.0


@dataclass
class _Course:
    """What was heard so far."""

    say: Callable[[str], None]
    on_event: Callable[[Event], None]
    is_stopping: bool = False
    step: int = 0
    summary: dict[str, float] = field(default_factory=dict)
    resumed_from: str | None = None
    checkpoint: CheckpointSaved | None = None
    last: Finished | Failed | None = None
    tail: str = ""

    def hear(self, events: list[Event], text: str) -> None:
        """Pass on what was told, and what was printed until there is a reason to stop.

        What torchrun says after that is of no use to the reader.
        """
        for event in events:
            self._note(event)
            self.on_event(event)
        self.tail = (self.tail + text)[-TAIL:]
        if text and self.last is None and not self.is_stopping:
            self.say(text)

    def _note(self, event: Event) -> None:
        match event:
            case Started():
                self.step, self.resumed_from = event.step, event.resumed_from
            case Points():
                self.step = event.step
                self.summary |= event.values
            case CheckpointSaved():
                self.checkpoint = event
            case Finished() | Failed() if self.last is None:
                self.last = event


def run(
    spec: JobSpec,
    place: Place,
    *,
    on_event: Callable[[Event], None],
    should_stop: Callable[[], bool],
    say: Callable[[str], None],
) -> Result:
    """Train as `crs_core.engine.train` does, in a process for each of the spec's devices.

    `place.threads` are those of one device. `say` gets what the processes print. Raises LocalError
    where training fails, and where processes can't be started.
    """
    course = _Course(say, on_event)
    say(f"starting {spec.resources.devices} processes\n")
    place.work_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="colrow-train-") as folder:
        try:
            trainer = Trainer(
                _assignment(spec, place, Path(folder) / "events"),
                _environment(place),
                command=launch.command(spec.resources.devices),
            )
        except OSError as error:
            raise LocalError(
                f"the processes can't be started: {error.strerror or error}; make room for them, "
                "or train on one device"
            ) from None
        try:
            while not trainer.has_ended:
                heard = trainer.hear(_LOOK_S)
                course.hear(heard.events, heard.text)
                if should_stop() and not course.is_stopping:
                    course.is_stopping = True
                    trainer.stop()
        finally:
            code, heard = trainer.end(leave_s=_LEAVE_S)
            (place.work_dir / CONFIG).unlink(missing_ok=True)
        course.hear(heard.events, heard.text)
    return _result(spec, place, course, code)


def _result(spec: JobSpec, place: Place, course: _Course, code: int) -> Result:
    match course.last:
        case Failed(kind=kind, message=message):
            if kind == "internal":
                course.say(course.tail)
            raise LocalError(message)
        case Finished(completed=completed, step=step):
            before = _told_before(spec, place, course.resumed_from)
            return Result(step, completed, before | course.summary, course.checkpoint)
    if course.is_stopping:
        raise LocalError("stopped before training had begun")
    lost = Course(
        exit_code=code,
        last=None,
        step=course.step,
        wish=Wish.GO_ON,
        is_worker_stopping=False,
        was_killed=False,
        tail=course.tail,
    )
    raise LocalError(ending_of(lost).message)


def _told_before(spec: JobSpec, place: Place, name: str | None) -> dict[str, float]:
    """Give the last values that were told until a checkpoint was written."""
    if name is None:
        return {}
    from crs_core.engine.checkpoint import load

    (point,) = (point for point in place.resume_from if point.path.name == name)
    summary: dict[str, float] = load(point, spec)["report"]["summary"]
    return summary


def _assignment(spec: JobSpec, place: Place, events: Path) -> Assignment:
    def described(point: ResumePoint) -> dict[str, object]:
        return {"path": str(point.path.absolute()), "sha256": point.sha256, "step": point.step}

    return Assignment(
        spec=spec.model_dump(mode="json"),
        folder=str(place.work_dir.absolute()),
        events=str(events),
        data=str(place.data_dir),
        download=place.download,
        resume_from=[described(point) for point in place.resume_from],
        device=place.device,
        threads=place.threads,
        supervisor=os.getpid(),
    )


def _environment(place: Place) -> dict[str, str]:
    """Give that of a trainer, who here sees the CUDA devices that the person's shell names."""
    own = inherited()
    made = launch.environment(trainer_environment(place.threads, ()))
    if place.device != "cpu":
        for name in ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"):
            made.pop(name)
            made |= {name: own[name]} if name in own else {}
    return made
