"""Networks of installed packages: made by their function, held to what their package said."""

import torch
from torch import nn

from crs_core.errors import SpecError
from crs_core.layers import Conv2d, ImageShape, LayerShape, Linear, own_shapes
from crs_core.own import named_function
from crs_core.spec import OwnModel


def build_own(model: OwnModel, image: ImageShape, classes: int) -> nn.Module:
    """Make the network; its initial weights are to be drawn yet.

    Torch's global generator is as it was before, whatever the package draws from it.

    Raises SpecError where the function can't be imported, gives no module, or gives other layers
    than were planned.
    """
    offer = model.offer()
    try:
        function = named_function(offer.what.build)
    except (ImportError, AttributeError, TypeError) as error:
        raise SpecError.at(
            "model",
            f"package {offer.package} names {offer.what.build!r} as what builds {model.name}, but "
            f"that can't be had ({type(error).__name__}: {error}); mend the package",
        ) from error
    with torch.random.fork_rng(devices=[]):
        made: object = function(model.parameters(), image, classes)
    if not isinstance(made, nn.Module):
        raise SpecError.at(
            "model",
            f"{offer.what.build} of package {offer.package} gives {type(made).__name__}, but a "
            "torch.nn.Module is needed; mend the package",
        )
    _check_layers(made, own_shapes(model, image, classes), offer.package)
    return made


def _check_layers(network: nn.Module, said: dict[str, LayerShape], package: str) -> None:
    """Raise SpecError where layers are not those that were planned: cost would be false."""
    there: dict[str, tuple[int, ...] | str] = {}
    for name, module in network.named_modules():
        if type(module) in (nn.Linear, nn.Conv2d):
            there[name] = tuple(module.weight.shape)
        elif isinstance(module, nn.RNNBase):
            there[name] = f"those of {type(module).__name__}, which packages can't offer"
    planned = {name: _weight_shape(shape) for name, shape in said.items()}
    odd = [
        f"{name} is said to have weights {planned.get(name, 'nowhere')}, but has "
        f"{there.get(name, 'none')}"
        for name in {**planned, **there}
        if planned.get(name) != there.get(name)
    ]
    if odd:
        raise SpecError.at(
            "model",
            f"the network of package {package} differs from its description: {'; '.join(odd[:3])}; "
            "mend the package",
        )


def _weight_shape(shape: LayerShape) -> tuple[int, ...]:
    """Give the shape of a layer's weight; the other kinds of layers are not offered."""
    assert isinstance(shape, Linear | Conv2d)
    if isinstance(shape, Linear):
        return shape.out_features, shape.in_features
    return shape.out_channels, shape.in_channels // shape.groups, *shape.kernel_size
