"""Initial weights, drawn from a generator."""

import torch
from torch import nn


@torch.no_grad()
def initialize(module: nn.Module, generator: torch.Generator) -> None:
    """Draw the weights and biases of all linear and convolutional layers anew, in place.

    Torch's default: U(-b, b) with b = 1/sqrt(fan_in), the fan-in being the inputs that one output
    sees. A generator of the same state gives the same weights, whatever else was drawn.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            bound = layer.weight[0].numel() ** -0.5
            layer.weight.uniform_(-bound, bound, generator=generator)
            if layer.bias is not None:
                layer.bias.uniform_(-bound, bound, generator=generator)
