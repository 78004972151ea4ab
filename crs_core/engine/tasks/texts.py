"""Language modelling: predict the next word; perplexity is e to the mean loss of a word.

Batches. The training words are cut into as many rows as a batch holds, the words left over sit out;
a step takes the next T words of every row and the words that follow them. So rows are read in
order, epoch by epoch alike, and a network that has a state carries it over from step to step; it
begins anew with each epoch. Ranks share the rows: each reads some of them, always the same.

Evaluation runs over a whole part, all its words but the first predicted exactly once, whatever the
batch size of training. The part is cut into ROWS rows of successive words (fewer words in the last)
that are read T words at a time, the state carried over; only at the beginning of a row is there
none. A network without state sees no further back than its window: a word is predicted from those
before it in the same window of T, the first from one word alone, which gives a higher perplexity
than windows that overlap would.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from math import exp, inf
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from crs_core.data.texts import Text
from crs_core.engine.ranks import ALONE, Ranks
from crs_core.engine.tasks.task import Part, Task
from crs_core.models.words import LanguageModel, State
from crs_core.rules import TrainingLength

ROWS = 20
"""Of the part that is evaluated, read side by side; the paper's batch size."""
_NO_WORD = -100


class TextTask(Task):
    """Predict the next word.

    What is minimised is the mean over the batch of the loss summed over a sequence (`sums_steps`),
    or its mean over all words. What is told is the mean of a word, always.
    """

    name = "language-modelling"

    def __init__(
        self,
        text: Text,
        *,
        batch_size: int,
        sequence_length: int,
        sums_steps: bool,
        length: TrainingLength,
        device: torch.device,
        ranks: Ranks = ALONE,
    ) -> None:
        super().__init__(batch_size, device, ranks)
        in_row = len(text.train) // batch_size
        # Time first: a step is then a slice.
        rows = text.train[: in_row * batch_size].view(batch_size, in_row)
        ours = rows[self._shard.begin : self._shard.end]
        self._rows = ours.t().contiguous().to(device)
        self._parts: dict[Part, Tensor] = {
            "validation": text.validation.to(device),
            "test": text.test.to(device),
        }
        self._sequence = sequence_length
        self._sums_steps = sums_steps
        self._steps_per_epoch = length.steps_per_epoch
        self._device = device
        self._state: State = None

    def loss(self, model: nn.Module, step: int) -> Tensor:
        """Give the loss of the next words of every row."""
        at = step % self._steps_per_epoch
        begin, end = at * self._sequence, (at + 1) * self._sequence
        words, following = self._rows[begin:end], self._rows[begin + 1 : end + 1]
        scores, state = model(words, self._state if at else None)
        self._state = _cut_off(state)
        loss = functional.cross_entropy(scores.flatten(0, 1), following.flatten())
        self._loss_sum += loss.detach()
        return loss * self._sequence if self._sums_steps else loss

    def evaluate(
        self, model: nn.Module, part: Part, precision: AbstractContextManager[object]
    ) -> dict[str, float]:
        """Give mean loss of a word and perplexity over the whole part."""
        assert isinstance(model, LanguageModel)
        loss = word_loss(model, self._parts[part], self._sequence, precision, ranks=self._ranks)
        return {"loss": loss, "perplexity": perplexity(loss)}

    def state_dict(self) -> dict[str, Any]:
        """Give the sum, and the state of the network behind the last step."""
        state = None if self._state is None else [list(pair) for pair in self._state]
        return super().state_dict() | {"state": state}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Set the sum, and the state of the network behind the last step."""
        super().load_state_dict(state)
        pairs = state["state"]
        self._state = pairs and [(h.to(self._device), c.to(self._device)) for h, c in pairs]


def word_loss(
    model: LanguageModel,
    words: Tensor,
    sequence: int,
    precision: AbstractContextManager[object],
    *,
    ranks: Ranks = ALONE,
) -> float:
    """Give the mean loss of every word but the first, by `model` in eval mode; leave it in train.

    The head of this file says how the words are cut. Each rank takes its share of the rows.
    """
    targets = len(words) - 1
    rows = min(ROWS, targets)
    in_row = -(-targets // rows)
    missing = rows * in_row - targets
    read = functional.pad(words[:-1], (0, missing)).view(rows, in_row)
    follow = functional.pad(words[1:], (0, missing), value=_NO_WORD).view(rows, in_row)
    shard = ranks.shard(rows)
    read, follow = read[shard.begin : shard.end].t(), follow[shard.begin : shard.end].t()
    model.eval()
    total = torch.zeros((), dtype=torch.float64, device=words.device)
    state: State = None
    with torch.no_grad(), precision:
        for begin in range(0, in_row if shard.size else 0, sequence):
            scores, state = model(read[begin : begin + sequence], state)
            total += functional.cross_entropy(
                scores.flatten(0, 1),
                follow[begin : begin + sequence].flatten(),
                ignore_index=_NO_WORD,
                reduction="sum",
            )
    model.train()
    return ranks.sum(total).item() / targets


def perplexity(loss: float) -> float:
    """Give e to the mean loss of a word; infinite where that is too large a number."""
    try:
        return exp(loss)
    except OverflowError:
        return inf


def _cut_off(state: State) -> State:
    """Let gradients end here: they reach back one sequence."""
    return None if state is None else [(h.detach(), c.detach()) for h, c in state]
