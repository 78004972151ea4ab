"""Initial weights, drawn from a generator."""

from typing import Protocol, runtime_checkable

import torch
from torch import nn


@runtime_checkable
class DrawsWeights(Protocol):
    """A network with initial weights of its own kind."""

    def draw_weights(self, generator: torch.Generator) -> None:
        """Draw them anew, in place, from `generator` alone."""


@torch.no_grad()
def initialize(module: nn.Module, generator: torch.Generator) -> None:
    """Draw the weights and biases of all linear and convolutional layers anew, in place.

    Torch's default: U(-b, b) with b = 1/sqrt(fan_in), the fan-in being the inputs that one output
    sees. A network with a method `draw_weights` draws its own instead. A generator of the same
    state gives the same weights, whatever else was drawn.
    """
    if isinstance(module, DrawsWeights):
        module.draw_weights(generator)
        return
    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            bound = layer.weight[0].numel() ** -0.5
            layer.weight.uniform_(-bound, bound, generator=generator)
            if layer.bias is not None:
                layer.bias.uniform_(-bound, bound, generator=generator)
