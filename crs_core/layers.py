"""Which layers a network has and how large their products are, without building it.

The names are those of `named_modules()` of the network that `crs_core.models.build` makes; a test
holds the two equal. Torch is not imported, so that planning a job is cheap.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import ClassVar

from crs_core.data.facts import FACTS, DatasetFacts, ImageFacts
from crs_core.errors import SpecError
from crs_core.events import TaskName
from crs_core.spec import CNNModel, JobSpec, MLPModel


@dataclass(frozen=True)
class Linear:
    """A fully connected layer, out x in, applied at `positions` places of each example."""

    kind: ClassVar[str] = "linear"

    in_features: int
    out_features: int
    positions: int = 1
    needs_input_grad: bool = True
    """False for the layer that reads the data: the gradient to them is not computed."""


@dataclass(frozen=True)
class Conv2d:
    """A convolution of images; sizes are (height, width)."""

    kind: ClassVar[str] = "conv2d"

    in_channels: int
    out_channels: int
    kernel_size: tuple[int, int]
    in_size: tuple[int, int]
    out_size: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    groups: int = 1
    needs_input_grad: bool = True
    """False for the layer that reads the data: the gradient to them is not computed."""


LayerShape = Linear | Conv2d

ImageShape = tuple[int, int, int]
"""Channels, height, width."""


def layer_shapes(spec: JobSpec) -> dict[str, LayerShape]:
    """Give the layers that can be approximated, by module name, from input to output.

    Raises SpecError where the network does not fit the data set, or its images.
    """
    facts = FACTS[spec.dataset.name]
    check_fit(spec.model.name, facts)
    assert isinstance(facts, ImageFacts)
    return SHAPES[spec.model.name](spec.model, facts.input_shape, facts.classes)


def check_fit(model: str, facts: DatasetFacts) -> None:
    """Raise SpecError where a network learns another task than the data set is for."""
    learns = LEARNS[model]
    if learns == facts.task:
        return
    networks = ", ".join(name for name, task in LEARNS.items() if task == facts.task)
    datasets = ", ".join(name for name, other in FACTS.items() if other.task == learns)
    raise SpecError.at(
        "dataset.name",
        f"{facts.name} is for {facts.task}, but {model} learns {learns}; give {facts.name} one of "
        f"the networks {networks or '(none)'}, or {model} one of the data sets "
        f"{datasets or '(none)'}",
    )


def mlp_shapes(model: MLPModel, image: ImageShape, classes: int) -> dict[str, LayerShape]:
    """Give the layers fc1, fc2, … of the fully connected network."""
    widths = (prod(image), *model.hidden, classes)
    return {
        f"fc{i}": Linear(n, o, needs_input_grad=i > 1)
        for i, (n, o) in enumerate(pairwise(widths), start=1)
    }


def cnn_shapes(model: CNNModel, image: ImageShape, classes: int) -> dict[str, LayerShape]:
    """Give the layers conv1, conv2, …, fc1, fc2; a 2 x 2 pooling follows each convolution."""
    channels, height, width = image
    most = min(height, width).bit_length() - 1
    if len(model.channels) > most:
        raise SpecError.at(
            "model.channels",
            f"{len(model.channels)} convolutions, each followed by a 2 x 2 pooling, leave nothing "
            f"of images of {height} x {width}; name at most {most}",
        )
    kernel, half = model.kernel_size, model.kernel_size // 2
    shapes: dict[str, LayerShape] = {}
    for i, filters in enumerate(model.channels, start=1):
        shapes[f"conv{i}"] = Conv2d(
            channels,
            filters,
            kernel_size=(kernel, kernel),
            in_size=(height, width),
            out_size=(height, width),
            padding=(half, half),
            needs_input_grad=i > 1,
        )
        channels, height, width = filters, height // 2, width // 2
    shapes["fc1"] = Linear(channels * height * width, model.hidden)
    shapes["fc2"] = Linear(model.hidden, classes)
    return shapes


SHAPES: Mapping[str, Callable[..., dict[str, LayerShape]]] = {
    "mlp": mlp_shapes,
    "cnn": cnn_shapes,
}
"""One function per network for images: (model, image shape, classes) -> layers."""

LEARNS: Mapping[str, TaskName] = {"mlp": "classification", "cnn": "classification"}
"""What each network learns; it fits the data sets that are for that."""
