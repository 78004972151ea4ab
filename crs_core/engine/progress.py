"""How far a training has come, beside weights and generators: plain numbers for a checkpoint."""

from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass
class Progress:
    """Counts, sums and the best so far, over all attempts of a job."""

    step: int = 0
    """Optimizer steps done. The place in the data order follows from it."""
    seconds: float = 0.0
    """Spent in training steps; evaluation and checkpoints are not counted."""
    best_validation_accuracy: float = -1.0
    best_test_accuracy: float = 0.0
    """Test accuracy where validation was at its best: the first epoch of that accuracy."""
    best_step: int = 0
    window_step: int = 0
    """The step at which training loss and accuracy were last told."""
    window_seconds: float = 0.0
    """`seconds` at that step."""
    is_epoch_told: bool = False
    """Whether they were told in this epoch."""
    summary: dict[str, float] = field(default_factory=dict)
    """The last value told of every metric."""


class Window:
    """Loss and right answers summed since last told, on the device: no waiting per step."""

    def __init__(self, device: torch.device) -> None:
        self._loss = torch.zeros((), dtype=torch.float64, device=device)
        self._right = torch.zeros((), dtype=torch.int64, device=device)

    def add(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        """Count one batch."""
        self._loss += loss.detach()
        self._right += (logits.detach().argmax(dim=1) == labels).sum()

    def loss_sum(self) -> float:
        """Give the sum of the batches' mean losses. Waits for the device."""
        return self._loss.item()

    def right(self) -> int:
        """Give how many answers were right. Waits for the device."""
        return int(self._right.item())

    def clear(self) -> None:
        """Start again from nothing."""
        self._loss.zero_()
        self._right.zero_()

    def state_dict(self) -> dict[str, Tensor]:
        """Give both sums."""
        return {"loss": self._loss, "right": self._right}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Set both sums."""
        self._loss.copy_(state["loss"])
        self._right.copy_(state["right"])
