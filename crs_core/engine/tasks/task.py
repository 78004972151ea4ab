"""What a task is: all that the loop and the reporter do not know of what is learned."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from crs_core.engine.ranks import Ranks
from crs_core.events import QUALITY, TaskName

Part = Literal["validation", "test"]


class Task(ABC):
    """The batches of a training, its loss, its scores, and what is carried from step to step.

    The loss of the batches is summed on the device since it was last told; nothing in a step waits
    for it. Where several ranks share a batch, each has its own shard and its own sums.
    """

    name: ClassVar[TaskName]
    notes: tuple[str, ...] = ()
    """What the reader of the results should know of the data."""

    def __init__(self, batch_size: int, device: torch.device, ranks: Ranks) -> None:
        self._ranks = ranks
        self._shard = ranks.shard(batch_size)
        self._loss_sum = torch.zeros((), dtype=torch.float64, device=device)

    @property
    def quality(self) -> str:
        """By what networks are judged: `validation_…`, `test_…` and `best_test_…` of METRICS."""
        return QUALITY[self.name]

    @abstractmethod
    def loss(self, model: nn.Module, step: int) -> Tensor:
        """Run the network on the batch of `step`, counted from 0; give what is to be minimised.

        The batch hangs on seed and step alone. It is counted in the sums. Of a shard, it is the
        mean over the shard.
        """

    @abstractmethod
    def evaluate(
        self, model: nn.Module, part: Part, precision: AbstractContextManager[object]
    ) -> dict[str, float]:
        """Score the exact network on a whole part: `loss`, and the quality by its name.

        Ranks share the part, and all get the same scores. Leaves `model` in train mode.
        """

    def loss_sum(self) -> float:
        """Give the sum of the whole batches' losses since last told. Waits for the device."""
        return self._ranks.sum(self._loss_sum * self._shard.share).item()

    def told(self, steps: int) -> dict[str, float]:
        """Give the means over the `steps` since last told, and begin anew. Waits for the device."""
        mean = self.loss_sum() / steps
        self._loss_sum.zero_()
        return {"train_loss": mean}

    def state_dict(self) -> dict[str, Any]:
        """Give the sums, and what is carried from step to step."""
        return {"loss_sum": self._loss_sum}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Set the sums, and what is carried from step to step."""
        self._loss_sum.copy_(state["loss_sum"])
