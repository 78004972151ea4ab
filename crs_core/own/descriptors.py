"""What a package says of a network or a data set of its own."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

_FUNCTION = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


@dataclass(frozen=True, kw_only=True)
class Network:
    """A network that classifies images."""

    title: str
    """What it is, in a sentence."""
    parameters: type[BaseModel]
    """Its parameters with their defaults, as a subclass of `crs_core.spec.Part`."""
    layers: Callable[[Any, tuple[int, int, int], int], Mapping[str, object]]
    """Gives the layers that can be approximated: (parameters, image shape, classes) -> shapes.

    Each name is that of a module (`block1.fc`), each shape a `Linear` or `Conv2d` of
    `crs_core.layers`, from input to output. May raise SpecError where the images do not fit.
    """
    build: str
    """The function that makes it, as text, `package.module:function`.

    It takes what `layers` takes and gives a torch module, exact, from N C H W to N x classes. Its
    linear layers and convolutions are those of `layers`. Initial weights are drawn by us as torch
    does, unless it has a method `draw_weights(generator)`.
    """

    def __post_init__(self) -> None:
        kind: object = self.parameters
        if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
            raise ValueError(
                f"parameters must be a class derived of crs_core.spec.Part; got {kind!r}"
            )
        if kind.model_config.get("extra") != "forbid":
            raise ValueError(
                f"{kind.__name__} must refuse fields that it does not know; derive it of "
                "crs_core.spec.Part"
            )
        if "name" in kind.model_fields:
            raise ValueError(f"{kind.__name__} has a field `name`, which is the network's own name")
        kind.model_json_schema()  # the form is made of it; what has none fails here
        if not callable(self.layers):
            raise ValueError(f"layers must be a function; got {self.layers!r}")
        _check_function("build", self.build)


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """Images with labels. Anything with one shape can be an image: 30 numbers are 1 x 1 x 30."""

    title: str
    input_shape: tuple[int, int, int]
    """Channels, height, width."""
    classes: int
    train: int
    """Training examples, those for validation included."""
    validation: int
    """How many of `train`, the last, are held back if the spec does not say."""
    test: int
    load: str
    """The function that reads it, as text, `package.module:function`.

    It takes the data set's own folder (a path, or None) and gives four arrays: images and labels
    for training, images and labels for testing. Images are N C H W, float32, or bytes, which are
    divided by 255; labels are whole numbers from 0.
    """
    files: tuple[str, ...] = ()
    """Files that must lie in the data set's own folder; none if the package brings all."""
    source: str
    license: str

    def __post_init__(self) -> None:
        counts = {"classes": self.classes, "validation": self.validation, "test": self.test}
        for name, value in counts.items():
            if not (isinstance(value, int) and value >= 1):
                raise ValueError(f"{name} must be a whole number above 0; got {value!r}")
        if not (isinstance(self.train, int) and self.train > self.validation):
            raise ValueError(
                f"train counts those for validation too, so it must be above {self.validation}; "
                f"got {self.train!r}"
            )
        shape: tuple[object, ...] = self.input_shape
        if len(shape) != 3 or not all(isinstance(n, int) and n >= 1 for n in shape):
            raise ValueError(f"input_shape must be channels, height and width; got {shape!r}")
        _check_function("load", self.load)


def _check_function(field: str, text: object) -> None:
    if not (isinstance(text, str) and _FUNCTION.fullmatch(text)):
        raise ValueError(f"{field} must be text like 'package.module:function'; got {text!r}")
