"""The training loop.

After optimizer step n, in this order: what is due at n is told (points, layers, evaluation at an
epoch's end), then a checkpoint is written if one is due, then `should_stop` is asked. So a
checkpoint of step n knows all that was told up to n, and training goes on from it as if it had
never ended.

Nothing in a step waits for the device. Sums are read when they are told, so a loss that is no
longer finite is found at the next telling, evaluation or checkpoint; none is saved of it.

A checkpoint that cannot be written (a full disk, a folder that became read-only) costs no training
at first: that is told, and the next one is tried when it is due. Training ends over it when there
was none for too long, or at its end, after some patience.

On several devices this runs once for each (`crs_core.engine.ranks`). All do the same in the same
order, and whatever hangs on the clock or on a signal is agreed on, once a step: otherwise one would
wait for the others forever.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

from torch.nn.utils import clip_grad_norm_

from crs_core.engine.checkpoint import Saved, newest_usable, save
from crs_core.engine.devices import computing_on, memory_explained, open_device, versions
from crs_core.engine.parts import Parts, assemble
from crs_core.engine.place import Place, Result, ResumePoint
from crs_core.engine.ranks import joined, local_rank
from crs_core.engine.reporting import Reporter
from crs_core.engine.schedules import learning_rate
from crs_core.errors import DiskError
from crs_core.events import CheckpointSaved, Event, Finished, Noted, Started
from crs_core.shards import shards
from crs_core.spec import JobSpec
from crs_core.surroundings import environment, revision

ADVICE = (
    "Make room (or mend the permissions), then start the job again; it goes on from its last "
    "checkpoint"
)
WITHOUT_S, WITHOUT_TIMES = 600.0, 10
"""So long, and so many times the time between two, training goes on without a new checkpoint."""
LAST_S, AGAIN_S = 60.0, 1.0
"""So long the last checkpoint is tried, and so long lies between two tries."""


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

    `on_event` hears Started first, then Points, Layers and CheckpointSaved as they come, Finished
    last.
    `should_stop` is asked at every step; once true, a checkpoint is written and training ends with
    `completed=False`. Threads and determinism of torch are set for the while and put back.

    With `resources.devices` above 1 this is called in as many processes, started by torchrun. All
    of them hear Started, so that each knows that it has begun; the rest the first one alone.

    On the CPU, with the same threads, versions and kind of machine, a training that was stopped or
    killed and goes on from a checkpoint is the same bit for bit; metrics of time and memory
    excepted.

    Raises SpecError, DatasetError, DivergedError, DeviceError (OutOfMemoryError), DiskError, and
    RankLostError where another rank has ended; `failed(error)` turns them into the event that tells
    them.
    """
    with joined(spec.resources.devices, place.device) as ranks:
        device = open_device(place.device, local_rank(ranks))
        with (
            computing_on(device, place.threads),
            memory_explained(device, spec.training.batch_size),
        ):
            loop = _Loop(spec, place, assemble(spec, place, device, ranks), on_event)
            loop.begin()
            return loop.go(should_stop)


class _Loop:
    """One attempt at a job."""

    def __init__(
        self, spec: JobSpec, place: Place, parts: Parts, on_event: Callable[[Event], None]
    ) -> None:
        self.spec = spec
        self.place = place
        self.parts = parts
        self.ranks = parts.ranks
        self.begun = on_event
        self.tell = on_event if self.ranks.is_first else _unheard
        self.reporter = Reporter(spec, parts, self.tell)
        self.weights = list(parts.model.parameters())
        self.saved: CheckpointSaved | None = None
        self.saved_step = -1
        self.saved_at = self.whole_at = time.monotonic()
        """When one was last due, and when one was last written."""
        self.is_disk_well = True
        self.is_stopping = False
        self.surroundings = versions(parts.device) | {
            "device": parts.device.type,
            "threads": str(place.threads),
        }

    def begin(self) -> None:
        """Go on from the newest checkpoint that can be used, and tell that training starts."""
        try:
            self.place.work_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DiskError(
                f"the folder {self.place.work_dir} cannot be made: {error.strerror or error}"
            ) from error
        device, length = self.parts.device, self.parts.length
        point, state, notes = newest_usable(self.place.resume_from, self.spec, self.ranks)
        if point and state:
            self.parts.load_state_dict(state["parts"], state.get("others", []))
            self.reporter.load_state_dict(state["report"])
            notes += _differences(point, state["surroundings"], self.surroundings)
        self.begun(
            Started(
                step=self.reporter.progress.step,
                total_steps=length.steps,
                steps_per_epoch=length.steps_per_epoch,
                device=str(device),
                threads=self.place.threads,
                versions=versions(device) | revision(),
                environment=environment(),
                resumed_from=point.path.name if point else None,
                notes=(*self.parts.task.notes, *self._sharing(), *notes),
            )
        )

    def _sharing(self) -> tuple[str, ...]:
        """Note how a batch is shared, if it is."""
        count, batch = self.ranks.count, self.spec.training.batch_size
        if count == 1:
            return ()
        sizes = sorted({shard.size for shard in shards(batch, count)}, reverse=True)
        sampling = ", and samples on its own" if self.spec.approximation else ""
        return (
            f"{count} devices train together: each takes {' or '.join(map(str, sizes))} of the "
            f"{batch} examples of a batch{sampling}",
        )

    def go(self, should_stop: Callable[[], bool]) -> Result:
        """Train to the end, or until asked to stop."""
        reporter, progress, total = self.reporter, self.reporter.progress, self.parts.length.steps
        reporter.start_clock()
        while progress.step < total:
            is_time = time.monotonic() - self.saved_at >= self.spec.report.checkpoint_every_s
            is_to_stop, is_time = self.ranks.any(should_stop(), is_time)
            if is_to_stop:
                break
            self._step()
            is_better = reporter.tell_what_is_due()
            if is_better or is_time or progress.step == total:
                reporter.stop_clock()
                self._save()
                reporter.start_clock()
        reporter.stop_clock()
        return self._finish(completed=progress.step == total)

    def _step(self) -> None:
        parts, reporter, training = self.parts, self.reporter, self.spec.training
        step = reporter.progress.step
        rate = learning_rate(training, step, parts.length)
        for group in parts.optimizer.param_groups:
            group["lr"] = rate
        parts.ratios.set(step)
        is_probed = reporter.is_probed(step + 1)
        if is_probed:
            reporter.begin_probe()
            parts.ledger.probe(is_on=True)
        parts.optimizer.zero_grad()
        with parts.precision():
            loss = parts.task.loss(parts.network, step)
        loss.backward(parts.weight)  # type: ignore[no-untyped-call]
        if training.clip_norm is not None:
            reporter.clipped_norm = clip_grad_norm_(self.weights, training.clip_norm)
        parts.optimizer.step()
        reporter.count()
        if is_probed:
            parts.ledger.probe(is_on=False)
            reporter.end_probe()

    def _save(self) -> None:
        """Have the first rank write a checkpoint; the others give it what is theirs."""
        self.reporter.check_window()
        progress, parts = self.reporter.progress, self.parts
        others = self.ranks.of_others(parts.own_state()) if self.ranks.count > 1 else []
        self.saved_step, self.saved_at = progress.step, time.monotonic()
        if not self.ranks.is_first:
            return
        state = {
            "parts": parts.state_dict(),
            "others": others,
            "report": self.reporter.state_dict(),
            "surroundings": self.surroundings,
        }
        try:
            written = self._written(state)
        except DiskError as error:
            self._bear(error)
            return
        self.saved_at = self.whole_at = time.monotonic()
        self.is_disk_well = True
        self.saved = CheckpointSaved(
            step=progress.step,
            name=written.name,
            size_bytes=written.size_bytes,
            sha256=written.sha256,
            best=progress.step == progress.best_step,
        )
        self.tell(self.saved)

    def _written(self, state: Mapping[str, Any]) -> Saved:
        """Write it; what training was all about is tried for a while. Raises DiskError."""
        folder, step, end_s = self.place.work_dir, self.saved_step, time.monotonic() + LAST_S
        while True:
            try:
                return save(folder, step, self.spec, state)
            except DiskError as error:
                if step < self.parts.length.steps or time.monotonic() >= end_s:
                    raise
                self._tell_of(f"{error}, and it is the last one: that is tried for {LAST_S:g} s")
                time.sleep(AGAIN_S)

    def _bear(self, error: DiskError) -> None:
        """Go on without the checkpoint. Raises DiskError where that would risk too much."""
        if self.is_stopping:
            self._tell_of(f"{error}; so what came after the checkpoint before it is lost")
            return
        patience_s = max(WITHOUT_S, WITHOUT_TIMES * self.spec.report.checkpoint_every_s)
        is_last = self.saved_step == self.parts.length.steps
        if is_last or time.monotonic() - self.whole_at >= patience_s:
            raise DiskError(f"{error}. {ADVICE}") from error
        self._tell_of(f"{error}. Training goes on, and the next one is tried when it is due")

    def _tell_of(self, text: str) -> None:
        """Tell once of each time that the disk is not well; and always at the end."""
        if self.is_disk_well or self.is_stopping:
            self.tell(Noted(text=text))
        self.is_disk_well = False

    def _finish(self, *, completed: bool) -> Result:
        """End; where training was stopped, with a checkpoint (at its end one was just written)."""
        progress = self.reporter.progress
        self.is_stopping = not completed
        if not completed and progress.step not in (0, self.saved_step):
            self._save()
        self.tell(Finished(completed=completed, step=progress.step))
        return Result(
            step=progress.step,
            completed=completed,
            summary=dict(progress.summary),
            checkpoint=self.saved,
        )


def _differences(
    point: ResumePoint, there: dict[str, str], here: dict[str, str]
) -> tuple[str, ...]:
    """Note what differs from where the checkpoint was written, since the last bits may then too."""
    differing = [
        f"{name} {there.get(name, 'none')} there, {here.get(name, 'none')} here"
        for name in sorted(there.keys() | here.keys())
        if there.get(name) != here.get(name)
    ]
    if not differing:
        return ()
    return (
        f"{point.path.name} was written elsewhere ({'; '.join(differing)}): training goes on, "
        "but its last bits may differ",
    )
