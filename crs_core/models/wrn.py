"""Wide ResNet for small images.

Zagoruyko & Komodakis, "Wide Residual Networks", 2016, in the form of the code that Adelman &
Silberstein 2018 cite (tensorflow/models, research/resnet): batch normalisation and leaky ReLU
before each 3 x 3 convolution, a sum around every two of them. Where channels or size change, the
shortcut averages and fills up with zero channels, half before and half after: it has no weights,
and no products to approximate. Only the very first block activates before the shortcut leaves.

With `shortcut: conv` a 1 x 1 convolution stands there, as in Zagoruyko & Komodakis, and reads the
activated input.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from crs_core.layers import LayerShape
from crs_core.models.layer import make_layer
from crs_core.spec import WRNModel

EPSILON = 1e-3
"""Of the cited code's batch normalisation; its running averages move by a tenth, as torch's do."""


class WideResNet(nn.Module):
    """conv1, then group1 to group3 of residual blocks, then the mean over places and fc."""

    def __init__(self, model: WRNModel, shapes: Mapping[str, LayerShape]) -> None:
        super().__init__()
        self.leakiness = model.leakiness
        self.conv1 = make_layer(shapes["conv1"], bias=False)
        for group in (1, 2, 3):
            blocks = nn.Sequential()
            for i in range(1, (model.depth - 4) // 6 + 1):
                name = f"group{group}.block{i}"
                layers = {
                    n.removeprefix(f"{name}."): make_layer(s, bias=False)
                    for n, s in shapes.items()
                    if n.startswith(f"{name}.")
                }
                is_first = (group, i) == (1, 1)
                blocks.add_module(f"block{i}", Block(layers, model.leakiness, is_first=is_first))
            self.add_module(f"group{group}", blocks)
        fc = make_layer(shapes["fc"])
        assert isinstance(fc, nn.Linear)
        self.bn = nn.BatchNorm2d(fc.in_features, eps=EPSILON)
        self.fc = fc

    def forward(self, x: Tensor) -> Tensor:
        """Give one value per class."""
        x = self.conv1(x)
        for name in ("group1", "group2", "group3"):
            x = self.get_submodule(name)(x)
        x = _activate(self.bn(x), self.leakiness)
        y: Tensor = self.fc(x.mean(dim=(2, 3)))
        return y

    @torch.no_grad()
    def draw_weights(self, generator: torch.Generator) -> None:
        """Draw as the cited code does: convolutions after He et al. 2015, by fan-out; fc uniform.

        N(0, 2/(k k K)) for a k x k convolution with K filters; U(±sqrt(3/in)) for fc, whose bias is
        zero.
        """
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                fan_out = layer.weight[:, 0].numel()
                layer.weight.normal_(0, (2 / fan_out) ** 0.5, generator=generator)
            elif isinstance(layer, nn.Linear):
                bound = (3 / layer.in_features) ** 0.5
                layer.weight.uniform_(-bound, bound, generator=generator)
                layer.bias.zero_()


class Block(nn.Module):
    """Two convolutions and what goes around them."""

    def __init__(
        self, layers: Mapping[str, nn.Module], leakiness: float, *, is_first: bool
    ) -> None:
        super().__init__()
        first, second = layers["conv1"], layers["conv2"]
        assert isinstance(first, nn.Conv2d)
        self.leakiness = leakiness
        self.stride = first.stride[0]
        self.new_channels = first.out_channels - first.in_channels
        self.bn1 = nn.BatchNorm2d(first.in_channels, eps=EPSILON)
        self.shortcut = layers.get("shortcut")
        self.conv1 = first
        self.bn2 = nn.BatchNorm2d(first.out_channels, eps=EPSILON)
        self.conv2 = second
        self.is_activated_before = is_first or self.shortcut is not None

    def forward(self, x: Tensor) -> Tensor:
        """Give the input plus what the convolutions make of it."""
        activated = _activate(self.bn1(x), self.leakiness)
        around = self._around(activated if self.is_activated_before else x)
        y: Tensor = self.conv2(_activate(self.bn2(self.conv1(activated)), self.leakiness))
        return y.add_(around)

    def _around(self, x: Tensor) -> Tensor:
        if self.shortcut is not None:
            y: Tensor = self.shortcut(x)
            return y
        if self.stride > 1:
            x = functional.avg_pool2d(x, self.stride)
        if self.new_channels:
            before = self.new_channels // 2
            x = functional.pad(x, (0, 0, 0, 0, before, self.new_channels - before))
        return x


def _activate(x: Tensor, leakiness: float) -> Tensor:
    # In place: batch normalisation, which made x, needs only its own input again.
    return functional.leaky_relu(x, leakiness, inplace=True)
