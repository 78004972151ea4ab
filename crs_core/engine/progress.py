"""How far a training has come, beside weights and generators: plain numbers for a checkpoint."""

from dataclasses import dataclass, field


@dataclass
class Progress:
    """Counts, sums and the best so far, over all attempts of a job."""

    step: int = 0
    """Optimizer steps done. The place in the data order follows from it."""
    seconds: float = 0.0
    """Spent in training steps. Evaluation and checkpoints are not counted, and a step that also
    measured errors counts as long as the mean of the steps before it."""
    best_validation: float | None = None
    """The best so far of what the task is judged by; None before the first evaluation."""
    best_test: float = 0.0
    """The same on the test part, where validation was at its best: the first such step."""
    best_step: int = 0
    window_step: int = 0
    """The step at which the means over training batches were last told."""
    window_seconds: float = 0.0
    """`seconds` at that step."""
    is_epoch_told: bool = False
    """Whether they were told in this epoch."""
    summary: dict[str, float] = field(default_factory=dict)
    """The last value told of every metric."""
