"""From a layer's shape to torch's module."""

from torch import nn

from crs_core.layers import Conv2d, LayerShape, Linear


def make_layer(shape: LayerShape, *, bias: bool = True) -> nn.Module:
    """Make a layer with memory for its weights, whose values are to be drawn yet."""
    # Made on `meta`, a layer has no weights to draw; torch would draw from its global generator.
    match shape:
        case Linear():
            layer: nn.Module = nn.Linear(
                shape.in_features, shape.out_features, bias=bias, device="meta"
            )
        case Conv2d():
            layer = nn.Conv2d(
                shape.in_channels,
                shape.out_channels,
                shape.kernel_size,
                stride=shape.stride,
                padding=shape.padding,
                groups=shape.groups,
                bias=bias,
                device="meta",
            )
    return layer.to_empty(device="cpu")
