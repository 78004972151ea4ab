"""What networks that predict words have in common."""

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor, nn

State = list[tuple[Tensor, Tensor]] | None
"""What a network carries from one stretch of a text to the next; None where it carries nothing."""


class LanguageModel(nn.Module, ABC):
    """A network that reads words and gives, at each place, scores for the word that follows."""

    sums_steps: ClassVar[bool]
    """Whether the loss to be minimised is summed over the words of a sequence; else their mean."""

    @abstractmethod
    def forward(self, words: Tensor, state: State = None) -> tuple[Tensor, State]:
        """Give unnormalised scores and the state behind the last word.

        words: T x N, int64, time first. Scores: T x N x vocabulary. `state` None is the beginning
        of a text.
        """

    @abstractmethod
    def draw_weights(self, generator: torch.Generator) -> None:
        """Draw the initial weights anew, in place."""
