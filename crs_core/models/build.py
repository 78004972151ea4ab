"""From the model of a spec to the network, with torch's plain modules."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from crs_core.data.facts import DatasetFacts, ImageFacts, TextFacts
from crs_core.layers import ImageShape, check_fit, cnn_shapes, mlp_shapes, wrn_shapes
from crs_core.models.dropout import Dropout
from crs_core.models.initialize import initialize
from crs_core.models.language import build_language_model
from crs_core.models.layer import make_layer
from crs_core.models.own import build_own
from crs_core.models.wrn import WideResNet
from crs_core.spec import CNNModel, MLPModel, Model, OwnModel, WRNModel


def build_network(
    model: Model, facts: DatasetFacts, *, generator: torch.Generator | None = None
) -> nn.Module:
    """Build the network of a spec for a data set; weights as `build` draws them.

    Raises SpecError where the network does not fit the data set.
    """
    check_fit(model.name, facts)
    match facts:
        case ImageFacts():
            return build(model, facts.input_shape, facts.classes, generator=generator)
        case TextFacts():
            return build_language_model(model, facts.vocabulary, generator=generator)


def build(
    model: Model,
    input_shape: ImageShape,
    classes: int,
    *,
    generator: torch.Generator | None = None,
) -> nn.Module:
    """Build the network of a spec for images of `input_shape` (channels, height, width).

    The output is N x classes, unnormalised. The weights are drawn from `generator`, by default one
    seeded with 0; torch's global generator is not touched. Layer names are those of
    `crs_core.layers`.

    Raises SpecError where the network does not fit the images.
    """
    network = (
        build_own(model, input_shape, classes)
        if isinstance(model, OwnModel)
        else NETWORKS[model.name](model, input_shape, classes)
    )
    kind = model.initial_weights if isinstance(model, MLPModel | CNNModel) else "uniform"
    initialize(network, generator or torch.Generator().manual_seed(0), kind=kind)
    return network


def mlp(model: MLPModel, image: ImageShape, classes: int) -> nn.Sequential:
    """Give the fully connected network: flatten, then fc1, ReLU, dropout, fc2, …"""
    parts: OrderedDict[str, nn.Module] = OrderedDict(flatten=nn.Flatten())
    shapes = mlp_shapes(model, image, classes)
    for i, (name, shape) in enumerate(shapes.items(), start=1):
        parts[name] = make_layer(shape)
        if i < len(shapes):
            parts[f"relu{i}"] = nn.ReLU()
            if model.dropout:
                parts[f"dropout{i}"] = Dropout(model.dropout)
    return nn.Sequential(parts)


def cnn(model: CNNModel, image: ImageShape, classes: int) -> nn.Sequential:
    """Give the convolutional network: convolution, ReLU and pooling; then fc1, dropout, fc2."""
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    shapes = cnn_shapes(model, image, classes)
    for i in range(1, len(model.channels) + 1):
        parts[f"conv{i}"] = make_layer(shapes[f"conv{i}"])
        parts[f"relu{i}"] = nn.ReLU()
        parts[f"pool{i}"] = nn.MaxPool2d(2)
    parts["flatten"] = nn.Flatten()
    parts["fc1"] = make_layer(shapes["fc1"])
    parts["relu"] = nn.ReLU()
    parts["dropout"] = Dropout(model.dropout)
    parts["fc2"] = make_layer(shapes["fc2"])
    return nn.Sequential(parts)


def wrn(model: WRNModel, image: ImageShape, classes: int) -> WideResNet:
    """Give the wide residual network."""
    return WideResNet(model, wrn_shapes(model, image, classes))


NETWORKS: Mapping[str, Callable[[Any, ImageShape, int], nn.Module]] = {
    "mlp": mlp,
    "cnn": cnn,
    "wrn": wrn,
}
"""One function per model name, without weights drawn."""
