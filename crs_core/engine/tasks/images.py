"""Classification of images: batches in a new order each epoch, cross entropy, accuracy."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from crs_core.data.augment import augmented, whitened
from crs_core.data.facts import ImageFacts
from crs_core.data.load import Data, pixels
from crs_core.engine.randomness import Randomness
from crs_core.engine.ranks import ALONE, Ranks
from crs_core.engine.tasks.task import Part, Task
from crs_core.rules import TrainingLength
from crs_core.shards import Shard
from crs_core.spec import Dataset

EVALUATION_BATCH = 500
"""Examples at a time. Larger ones gain nothing on a CPU (their activations leave the cache)."""


@dataclass(frozen=True)
class Examples:
    """Images and labels in the device's memory."""

    x: Tensor
    y: Tensor


class Preparation:
    """From images as they lie in memory to what the network reads."""

    def __init__(self, dataset: Dataset, facts: ImageFacts, randomness: Randomness) -> None:
        self._facts = facts
        self._whiten = dataset.whiten
        self._augmentation = dataset.augmentation
        self._generator = randomness.generator("augmentation") if dataset.augmentation else None

    def plain(self, images: Tensor) -> Tensor:
        """Prepare images for evaluation."""
        images = pixels(images, self._facts)
        return whitened(images, pixel_max=self._facts.pixel_max) if self._whiten else images

    def random(self, images: Tensor, shard: Shard) -> Tensor:
        """Prepare a shard of a batch for training."""
        if self._augmentation is not None and self._generator is not None:
            images = augmented(images, self._augmentation, self._generator, shard=shard)
        return self.plain(images)


class ImageTask(Task):
    """Name what is on an image. The loss is the mean of a batch."""

    name = "classification"

    def __init__(
        self,
        data: Data,
        preparation: Preparation,
        *,
        batch_size: int,
        length: TrainingLength,
        randomness: Randomness,
        device: torch.device,
        ranks: Ranks = ALONE,
    ) -> None:
        super().__init__(batch_size, device, ranks)
        self.notes = data.notes
        self._preparation = preparation
        self._train = Examples(data.train_x.to(device), data.train_y.to(device))
        self._parts: dict[Part, Examples] = {
            "validation": Examples(data.validation_x.to(device), data.validation_y.to(device)),
            "test": Examples(data.test_x.to(device), data.test_y.to(device)),
        }
        self._batch_size = batch_size
        self._length = length
        self._randomness = randomness
        self._device = device
        self._right = torch.zeros((), dtype=torch.int64, device=device)
        self._epoch = -1
        self._order = torch.empty(0, 0, dtype=torch.int64)
        """The examples of the epoch's batches, a row per batch: of our shards."""

    def loss(self, model: nn.Module, step: int) -> Tensor:
        """Give the mean cross entropy of the batch."""
        epoch, at = divmod(step, self._length.steps_per_epoch)
        if epoch != self._epoch:
            self._epoch, self._order = epoch, self._draw_order(epoch)
        chosen = self._order[at]
        x, y = self._train.x.index_select(0, chosen), self._train.y.index_select(0, chosen)
        logits = model(self._preparation.random(x, self._shard))
        loss = functional.cross_entropy(logits, y)
        self._loss_sum += loss.detach()
        self._right += (logits.detach().argmax(dim=1) == y).sum()
        return loss

    def evaluate(
        self, model: nn.Module, part: Part, precision: AbstractContextManager[object]
    ) -> dict[str, float]:
        """Give mean loss and share of right answers."""
        return evaluate(
            model,
            self._parts[part],
            precision,
            prepare=self._preparation.plain,
            ranks=self._ranks,
        )

    def told(self, steps: int) -> dict[str, float]:
        """Give mean loss and accuracy."""
        accuracy = self._ranks.sum(self._right).item() / (steps * self._batch_size)
        self._right.zero_()
        return super().told(steps) | {"train_accuracy": accuracy}

    def state_dict(self) -> dict[str, Any]:
        """Give both sums."""
        return super().state_dict() | {"right": self._right}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Set both sums."""
        super().load_state_dict(state)
        self._right.copy_(state["right"])

    def _draw_order(self, epoch: int) -> Tensor:
        """Draw the order of an epoch; it hangs on seed and epoch alone."""
        steps, batch = self._length.steps_per_epoch, self._batch_size
        generator = self._randomness.once(f"order/epoch-{epoch}")
        order = torch.randperm(self._length.train, generator=generator)
        batches = order[: steps * batch].view(steps, batch)
        return batches[:, self._shard.begin : self._shard.end].to(self._device)


def evaluate(
    model: nn.Module,
    examples: Examples,
    precision: AbstractContextManager[object],
    *,
    prepare: Callable[[Tensor], Tensor] = lambda images: images,
    ranks: Ranks = ALONE,
) -> dict[str, float]:
    """Give mean loss and accuracy of `model` in eval mode, in big batches; leave it in train.

    Each rank takes its share of the examples.
    """
    x, y = examples.x, examples.y
    shard = ranks.shard(len(y))
    model.eval()
    loss = torch.zeros((), dtype=torch.float64, device=x.device)
    right = torch.zeros((), dtype=torch.int64, device=x.device)
    with torch.no_grad(), precision:
        for begin in range(shard.begin, shard.end, EVALUATION_BATCH):
            end = min(begin + EVALUATION_BATCH, shard.end)
            images, labels = x[begin:end], y[begin:end]
            logits = model(prepare(images))
            loss += functional.cross_entropy(logits, labels, reduction="sum")
            right += (logits.argmax(dim=1) == labels).sum()
    model.train()
    return {
        "loss": ranks.sum(loss).item() / len(y),
        "accuracy": ranks.sum(right).item() / len(y),
    }
