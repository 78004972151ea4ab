"""The learning rate of a step, as a function of the step alone."""

import math

from crs_core.rules import TrainingLength
from crs_core.spec import Constant, Cosine, Exponential, Linear, Schedule, StepDecay, Training


def learning_rate(training: Training, step: int, length: TrainingLength) -> float:
    """Give the learning rate of `step`, counted from 0."""
    share = rate_share(
        training.schedule, step, total_steps=length.steps, steps_per_epoch=length.steps_per_epoch
    )
    return training.optimizer.lr * share


def rate_share(schedule: Schedule, step: int, *, total_steps: int, steps_per_epoch: int) -> float:
    """Give the share of the optimizer's `lr` that holds for `step`, counted from 0.

    Epochs are counted by how many are complete: with milestone 3, the first step after three epochs
    is the first with the smaller rate, and likewise with milestone 3 in steps the first after three
    steps. `exponential` with `after` = a decays for the first time after epoch a (after the first,
    when a is 0). A warm-up of w steps starts at 1/w and reaches 1 at its last step; then cosine and
    linear fall so that `final_share` would be met one step after the last.
    """
    complete = step // steps_per_epoch
    match schedule:
        case Constant():
            return 1.0
        case StepDecay(milestones=milestones, factor=factor, unit=unit):
            reached = step if unit == "steps" else complete
            return float(factor ** sum(m <= reached for m in milestones))
        case Exponential(decay=decay, after=after):
            return float(decay ** max(0, complete + 1 - max(after, 1)))
        case Cosine(warmup_steps=warmup, final_share=final):
            if step < warmup:
                return (step + 1) / warmup
            fall = (1 + math.cos(math.pi * _progress(step, warmup, total_steps))) / 2
            return final + (1 - final) * fall
        case Linear(warmup_steps=warmup, final_share=final):
            if step < warmup:
                return (step + 1) / warmup
            return final + (1 - final) * (1 - _progress(step, warmup, total_steps))


def _progress(step: int, warmup: int, total_steps: int) -> float:
    return (step - warmup) / max(1, total_steps - warmup)
