"""What a training tells of itself: points, layers, and whether it is still finite."""

import math
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils import get_total_norm

from crs_core.engine.devices import PeakMemory
from crs_core.engine.parts import Parts
from crs_core.engine.progress import Progress
from crs_core.engine.schedules import learning_rate
from crs_core.errors import DivergedError
from crs_core.events import Event, Layers, Points, is_better
from crs_core.spec import JobSpec


class Reporter:
    """Counts the steps of a job, measures, and tells. It holds the progress."""

    def __init__(self, spec: JobSpec, parts: Parts, tell: Callable[[Event], None]) -> None:
        self.progress = Progress()
        self.clipped_norm: Tensor | None = None
        """Of the whole gradient at the last step before clipping, where clipping measured it."""
        self._spec = spec
        self._parts = parts
        self._ranks = parts.ranks
        self._tell = tell
        self._memory = PeakMemory(parts.device)
        self._clock = 0.0
        self._before_probe = 0.0

    def count(self) -> None:
        """Count one optimizer step."""
        self.progress.step += 1

    def is_probed(self, step: int) -> bool:
        """Whether `step`, counted from 1, measures the errors of the approximate products."""
        every = self._spec.report.probe_every_steps or self._parts.length.steps_per_epoch
        return step == 1 or step % every == 0

    def tell_what_is_due(self) -> bool:
        """Tell what is due after the last step; whether validation was better than ever before."""
        step, length = self.progress.step, self._parts.length
        is_epoch_end = step == length.steps or step % length.steps_per_epoch == 0
        is_best = False
        if is_epoch_end or step % self._spec.report.every_steps == 0:
            self.stop_clock()
            values = self._measures()
            if is_epoch_end:
                found, is_best = self._evaluate()
                values |= found
            self._tell_points(values)
            self.start_clock()
        if is_epoch_end or self.is_probed(step):
            self._tell(Layers(step=step, rows=self._parts.ledger.rows(step)))
        return is_best

    def start_clock(self) -> None:
        """Count the time from now on as training."""
        self._clock = time.perf_counter()

    def stop_clock(self) -> None:
        """Add the time since `start_clock` to the seconds of training; the device is waited for."""
        if self._parts.device.type == "cuda":
            torch.cuda.synchronize(self._parts.device)
        self.progress.seconds += time.perf_counter() - self._clock

    def begin_probe(self) -> None:
        """Say that the step to come also measures errors."""
        self.stop_clock()
        self._before_probe = self.progress.seconds
        self.start_clock()

    def end_probe(self) -> None:
        """Say that it is done. What it took for exact products is no time of training.

        The first step of all has none before it, and counts as it was; so do all where each one
        measures errors.
        """
        self.stop_clock()
        before = self.progress.step - 1
        if before and self._spec.report.probe_every_steps != 1:
            self.progress.seconds = self._before_probe * (1 + 1 / before)
        self.start_clock()

    def check_window(self) -> None:
        """Raise DivergedError if a loss since the last telling was not finite."""
        self._check_finite("training loss", self._parts.task.loss_sum())

    def state_dict(self) -> dict[str, Any]:
        """Give the progress."""
        return asdict(self.progress)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Set the progress."""
        self.progress = Progress(**state)

    def _measures(self) -> dict[str, float]:
        """Give what is known without evaluation."""
        progress, parts = self.progress, self._parts
        step = progress.step
        values = self._means() if self._is_window_due() else {}
        if step % parts.length.steps_per_epoch == 0:
            progress.is_epoch_told = False
        return values | {
            "learning_rate": learning_rate(self._spec.training, step - 1, parts.length),
            "gradient_norm": self._gradient_norm(),
            "seconds": progress.seconds,
            "sampling_seconds": parts.ledger.sampling_seconds(),
            "compute_reduction": parts.ledger.reduction(step),
            "macs": float(parts.ledger.performed_macs(step)),
            "peak_memory_bytes": float(self._ranks.max(self._memory.peak_bytes())),
        }

    def _is_window_due(self) -> bool:
        """Whether training loss is told: regularly, and at an epoch's end unless just told before.

        A mean over two or three batches would stand out of the curve for no reason.
        """
        progress, every = self.progress, self._spec.report.every_steps
        is_long = 2 * (progress.step - progress.window_step) >= every
        return progress.step % every == 0 or is_long or not progress.is_epoch_told

    def _means(self) -> dict[str, float]:
        """Give the task's means and the speed over the steps since they were last told."""
        progress = self.progress
        steps = progress.step - progress.window_step
        values = self._parts.task.told(steps) | {
            "steps_per_s": steps / max(progress.seconds - progress.window_seconds, 1e-9),
        }
        progress.window_step, progress.window_seconds = progress.step, progress.seconds
        progress.is_epoch_told = True
        return values

    def _gradient_norm(self) -> float:
        """Give the norm of the whole gradient at the last step, before clipping."""
        if self.clipped_norm is not None:
            return self.clipped_norm.item()
        grads = [p.grad for p in self._parts.model.parameters() if p.grad is not None]
        return get_total_norm(grads).item()

    def _evaluate(self) -> tuple[dict[str, float], bool]:
        """Score validation, and the test part where it is better than before, or at the end."""
        parts, progress, q = self._parts, self.progress, self._parts.task.quality
        with self._memory.not_counted():
            found = parts.task.evaluate(parts.model, "validation", parts.precision())
            is_best = is_better(f"validation_{q}", found[q], progress.best_validation)
            values = {f"validation_{name}": value for name, value in found.items()}
            values["planned_compute_reduction"] = parts.cost.reduction
            if is_best or progress.step == parts.length.steps:
                test = parts.task.evaluate(parts.model, "test", parts.precision())
                values |= {f"test_{name}": value for name, value in test.items()}
                if is_best:
                    progress.best_validation = found[q]
                    progress.best_test = test[q]
                    progress.best_step = progress.step
        values[f"best_test_{q}"] = progress.best_test
        return values, is_best

    def _tell_points(self, values: dict[str, float]) -> None:
        step = self.progress.step
        self.progress.summary |= values
        epoch = step / self._parts.length.steps_per_epoch
        self._tell(Points(step=step, epoch=epoch, values=values))
        self._check_finite("training loss", values.get("train_loss", 0.0))
        self._check_finite("validation loss", values.get("validation_loss", 0.0))

    def _check_finite(self, what: str, value: float) -> None:
        if math.isfinite(value):
            return
        training = self._spec.training
        advice = [f"a smaller `training.optimizer.lr` (now {training.optimizer.lr:g})"]
        if training.clip_norm is None:
            advice.append("`training.clip_norm: 1.0`")
        if self._spec.approximation:
            advice.append("larger ratios, or a policy that does not scale (topk)")
        if training.precision == "bf16":
            advice.append("`training.precision: fp32`")
        raise DivergedError(
            f"the {what} is {value} at step {self.progress.step}: training has diverged. "
            f"Try {', or '.join(advice)}"
        )
