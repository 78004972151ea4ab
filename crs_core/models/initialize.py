"""Initial weights, drawn from a generator."""

from collections.abc import Callable, Mapping
from typing import Protocol, runtime_checkable

import torch
from torch import nn

from crs_core.spec import InitialWeights


@runtime_checkable
class DrawsWeights(Protocol):
    """A network with initial weights of its own kind."""

    def draw_weights(self, generator: torch.Generator) -> None:
        """Draw them anew, in place, from `generator` alone."""


@torch.no_grad()
def initialize(
    module: nn.Module, generator: torch.Generator, *, kind: InitialWeights = "uniform"
) -> None:
    """Draw the weights and biases of all linear and convolutional layers anew, in place.

    `uniform` is torch's default: U(-b, b) with b = 1/sqrt(fan_in), the fan-in being the inputs that
    one output sees. `truncated_normal` draws weights from N(0, 0.1) cut at two standard deviations
    and makes biases 0.1: the network of TensorFlow's tutorial `mnist_deep.py`, which the paper's
    CNN is. A network with a method `draw_weights` draws its own instead. A generator of the same
    state gives the same weights, whatever else was drawn.
    """
    if isinstance(module, DrawsWeights):
        module.draw_weights(generator)
        return
    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            DRAW[kind](layer, generator)


def _uniform(layer: nn.Linear | nn.Conv2d, generator: torch.Generator) -> None:
    bound = layer.weight[0].numel() ** -0.5
    layer.weight.uniform_(-bound, bound, generator=generator)
    if layer.bias is not None:
        layer.bias.uniform_(-bound, bound, generator=generator)


def _truncated_normal(layer: nn.Linear | nn.Conv2d, generator: torch.Generator) -> None:
    nn.init.trunc_normal_(layer.weight, std=0.1, a=-0.2, b=0.2, generator=generator)
    if layer.bias is not None:
        layer.bias.fill_(0.1)


DRAW: Mapping[InitialWeights, Callable[[nn.Linear | nn.Conv2d, torch.Generator], None]] = {
    "uniform": _uniform,
    "truncated_normal": _truncated_normal,
}
"""How the weights and biases of one layer are drawn."""
