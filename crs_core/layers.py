"""Which layers a network has and how large their products are, without building it.

The names are those of `named_modules()` of the network that `crs_core.models.build` makes; a test
holds the two equal. Torch is not imported, so that planning a job is cheap.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import ClassVar

from crs_core.data.facts import FACTS, DatasetFacts, ImageFacts, TextFacts
from crs_core.errors import SpecError
from crs_core.events import TaskName
from crs_core.spec import CNNModel, GPTModel, JobSpec, LSTMModel, MLPModel, WRNModel


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


@dataclass(frozen=True)
class LSTM:
    """A recurrent layer: one product of [x, h] with the weights of all four gates at each step."""

    kind: ClassVar[str] = "lstm"

    in_features: int
    hidden: int
    steps: int
    needs_input_grad: bool = True


@dataclass(frozen=True)
class Batched:
    """`count` products A B per example, A of rows x inner and B of inner x columns, by heads."""

    kind: ClassVar[str] = "batched"

    count: int
    rows: int
    inner: int
    columns: int
    needs_input_grad: bool = True


LayerShape = Linear | Conv2d | LSTM | Batched

ImageShape = tuple[int, int, int]
"""Channels, height, width."""


def layer_shapes(spec: JobSpec) -> dict[str, LayerShape]:
    """Give the layers that can be approximated, by module name, from input to output.

    Raises SpecError where the network does not fit the data set, or its images.
    """
    facts = FACTS[spec.dataset.name]
    check_fit(spec.model.name, facts)
    match facts:
        case ImageFacts():
            return SHAPES[spec.model.name](spec.model, facts.input_shape, facts.classes)
        case TextFacts():
            return TEXT_SHAPES[spec.model.name](spec.model, facts.vocabulary)


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


def wrn_shapes(model: WRNModel, image: ImageShape, classes: int) -> dict[str, LayerShape]:
    """Give conv1, then conv1 and conv2 of every block of three groups, then fc.

    The first block of the second and third group halves height and width. With `shortcut: conv` a
    block whose channels or size change has a layer `shortcut` before its two others.
    """
    channels, height, width = image
    if height % 4 or width % 4:
        raise SpecError.at(
            "model.name",
            f"wrn halves height and width twice, so both must be multiples of 4; the images have "
            f"{height} x {width}: choose another network or data set",
        )
    size = (height, width)
    shapes: dict[str, LayerShape] = {"conv1": _same_size(channels, 16, size, needs_grad=False)}
    channels = 16
    for group, filters in enumerate((16 * model.width, 32 * model.width, 64 * model.width), 1):
        for i in range(1, (model.depth - 4) // 6 + 1):
            name = f"group{group}.block{i}"
            stride = 2 if group > 1 and i == 1 else 1
            smaller = (size[0] // stride, size[1] // stride)
            if model.shortcut == "conv" and (channels != filters or stride > 1):
                shapes[f"{name}.shortcut"] = Conv2d(
                    channels, filters, (1, 1), size, smaller, stride=(stride, stride)
                )
            shapes[f"{name}.conv1"] = Conv2d(
                channels, filters, (3, 3), size, smaller, stride=(stride, stride), padding=(1, 1)
            )
            shapes[f"{name}.conv2"] = _same_size(filters, filters, smaller)
            channels, size = filters, smaller
    shapes["fc"] = Linear(channels, classes)
    return shapes


def _same_size(
    channels: int, filters: int, size: tuple[int, int], *, needs_grad: bool = True
) -> Conv2d:
    """Give a 3 x 3 convolution that keeps height and width."""
    return Conv2d(
        channels, filters, (3, 3), size, size, padding=(1, 1), needs_input_grad=needs_grad
    )


def lstm_shapes(model: LSTMModel, vocabulary: int) -> dict[str, LayerShape]:
    """Give the layers lstm1, lstm2, … and output. The embedding multiplies nothing."""
    n, steps = model.hidden, model.sequence_length
    shapes: dict[str, LayerShape] = {
        f"lstm{i}": LSTM(n, n, steps) for i in range(1, model.layers + 1)
    }
    return shapes | {"output": Linear(n, vocabulary, steps)}


def gpt_shapes(model: GPTModel, vocabulary: int) -> dict[str, LayerShape]:
    """Give the layers of block1, block2, … and output.

    The products of attention are layers only where they can be sampled. They are counted whole,
    though the words to come are masked.
    """
    n, t, heads = model.width, model.sequence_length, model.heads
    shapes: dict[str, LayerShape] = {}
    for i in range(1, model.depth + 1):
        block: dict[str, LayerShape] = {"attention.qkv": Linear(n, 3 * n, t)}
        if model.sampled_attention:
            block["attention.scores"] = Batched(heads, t, n // heads, t)
            block["attention.mix"] = Batched(heads, t, t, n // heads)
        block["attention.out"] = Linear(n, n, t)
        block["up"] = Linear(n, 4 * n, t)
        block["down"] = Linear(4 * n, n, t)
        shapes |= {f"block{i}.{name}": shape for name, shape in block.items()}
    return shapes | {"output": Linear(n, vocabulary, t)}


SHAPES: Mapping[str, Callable[..., dict[str, LayerShape]]] = {
    "mlp": mlp_shapes,
    "cnn": cnn_shapes,
    "wrn": wrn_shapes,
}
"""One function per network for images: (model, image shape, classes) -> layers."""

TEXT_SHAPES: Mapping[str, Callable[..., dict[str, LayerShape]]] = {
    "lstm": lstm_shapes,
    "gpt": gpt_shapes,
}
"""One function per network for texts: (model, vocabulary) -> layers."""

LEARNS: Mapping[str, TaskName] = {
    **dict.fromkeys(SHAPES, "classification"),
    **dict.fromkeys(TEXT_SHAPES, "language-modelling"),
}
"""What each network learns; it fits the data sets that are for that."""
