"""Networks of installed packages: made by their function, held to what their package said.

Cost is counted from the description, so it is compared with the network: weights, the other sizes
of convolutions, and, in one forward pass of zeros, at how many places of an example a layer works
and whether a gradient to its input is needed.
Modules that multiply and can't be described are refused. Products that a package makes by functions
alone, as `torch.matmul`, can't be seen: they stay exact, and are not counted.
"""

from collections import Counter
from math import prod

import torch
from torch import Tensor, nn

from crs_core.errors import SpecError
from crs_core.layers import Conv2d, ImageShape, LayerShape, Linear, own_shapes
from crs_core.nn import BatchedProduct
from crs_core.own import named_function
from crs_core.spec import OwnModel

OFFERED = (nn.Linear, nn.Conv2d)
"""What a package may multiply in, by exact type: a subclass may compute something else."""

REFUSED = (
    *OFFERED,
    nn.Bilinear,
    nn.Conv1d,
    nn.Conv3d,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.ConvTranspose3d,
    nn.MultiheadAttention,
    nn.RNNBase,
    nn.RNNCellBase,
    BatchedProduct,
)
"""Modules with products, which cost could not count; subclasses of all of them too."""

EXAMPLES = 2
"""In the forward pass that tells how often layers work."""


def build_own(model: OwnModel, image: ImageShape, classes: int) -> nn.Module:
    """Make the network; its initial weights are to be drawn yet.

    Torch's global generator is as it was before, whatever the package draws from it.

    Raises SpecError where the function can't be imported, gives no module, or gives other layers
    than were planned; and where the network fails on images of zeros.
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
    said = own_shapes(model, image, classes)
    _check_modules(made, offer.package)
    odd = _odd_sizes(made, said) or _odd_places(made, said, image, offer.package)
    if odd:
        raise SpecError.at(
            "model",
            f"the network of package {offer.package} differs from its description: "
            f"{'; '.join(odd[:3])}; mend the package",
        )
    return made


def _check_modules(network: nn.Module, package: str) -> None:
    """Raise SpecError where a module has products that can't be described."""
    for name, module in network.named_modules():
        if isinstance(module, REFUSED) and type(module) not in OFFERED:
            raise SpecError.at(
                "model",
                f"the network of package {package} has a module {name or '(itself)'} of type "
                f"{type(module).__name__}, whose products can't be planned; use torch.nn.Linear "
                "and torch.nn.Conv2d, not subclasses of them: mend the package",
            )


def _odd_sizes(network: nn.Module, said: dict[str, LayerShape]) -> list[str]:
    """Say in which layers weights, or strides, paddings and groups, are not those described."""
    there = {n: m for n, m in network.named_modules() if isinstance(m, OFFERED)}
    planned = {name: _weight_shape(shape) for name, shape in said.items()}
    weights = {name: tuple(module.weight.shape) for name, module in there.items()}
    odd = [
        f"{name} is said to have weights {planned.get(name, 'nowhere')}, but has "
        f"{weights.get(name, 'none')}"
        for name in {**planned, **weights}
        if planned.get(name) != weights.get(name)
    ]
    for name, module in there.items():
        shape = said.get(name)
        if isinstance(shape, Conv2d) and isinstance(module, nn.Conv2d):
            pairs = (
                ("stride", shape.stride, module.stride),
                ("padding", shape.padding, _padding(module)),
                ("groups", shape.groups, module.groups),
            )
            odd += [
                f"{name} is said to have {what} {expected}, but has {found}"
                for what, expected, found in pairs
                if expected != found
            ]
    return odd


def _odd_places(
    network: nn.Module, said: dict[str, LayerShape], image: ImageShape, package: str
) -> list[str]:
    """Say which layers work at other places of an example than those described."""
    rows: Counter[str] = Counter()
    sizes: dict[str, tuple[int, ...]] = {}
    needing: set[str] = set()

    def listen(name: str, module: nn.Module) -> torch.utils.hooks.RemovableHandle:
        def hear(_module: nn.Module, given: tuple[object, ...], out: Tensor) -> None:
            is_linear = isinstance(module, nn.Linear)
            if any(isinstance(x, Tensor) and x.requires_grad for x in given):
                needing.add(name)
            rows[name] += prod(out.shape[:-1] if is_linear else out.shape[:-3])
            sizes[name] = tuple(out.shape[-2:])

        return module.register_forward_hook(hear)

    _run(network, image, package, [listen(name, network.get_submodule(name)) for name in said])
    odd = []
    for name, shape in said.items():
        found = f"{rows[name] / EXAMPLES:g}"
        if isinstance(shape, Linear) and rows[name] != EXAMPLES * shape.positions:
            odd.append(
                f"{name} is said to be applied at {shape.positions} positions of each example, but "
                f"is at {found}"
            )
        elif isinstance(shape, Conv2d) and rows[name] != EXAMPLES:
            odd.append(f"{name} is said to see each example once, but does {found} times")
        elif isinstance(shape, Conv2d) and sizes[name] != shape.out_size:
            odd.append(f"{name} is said to give sizes {shape.out_size}, but gives {sizes[name]}")
        elif shape.needs_input_grad != (name in needing):
            odd.append(
                f"{name} is said to have needs_input_grad={shape.needs_input_grad}, but "
                + (
                    "something before it is trained, so it is True"
                    if name in needing
                    else "nothing before it is trained, so it is False"
                )
            )
    return odd


def _run(
    network: nn.Module,
    image: ImageShape,
    package: str,
    hooks: list[torch.utils.hooks.RemovableHandle],
) -> None:
    """Give the network images of zeros, and leave it in the modes in which it was."""
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        with torch.enable_grad(), torch.random.fork_rng(devices=[]):
            network(torch.zeros(EXAMPLES, *image))
    except Exception as error:
        raise SpecError.at(
            "model",
            f"the network of package {package} fails on {EXAMPLES} images of zeros, "
            f"{' x '.join(map(str, image))} ({type(error).__name__}: {error}); mend the package",
        ) from error
    finally:
        for hook in hooks:
            hook.remove()
        for module, was_training in modes.items():
            module.training = was_training


def _padding(module: nn.Conv2d) -> tuple[int, ...]:
    """Give the padding in numbers, of 'same' that before the image."""
    if module.padding == "valid":
        return (0, 0)
    if module.padding == "same":
        return tuple(
            d * (k - 1) // 2 for k, d in zip(module.kernel_size, module.dilation, strict=True)
        )
    assert not isinstance(module.padding, str)
    return module.padding


def _weight_shape(shape: LayerShape) -> tuple[int, ...]:
    """Give the shape of a layer's weight; the other kinds of layers are not offered."""
    assert isinstance(shape, Linear | Conv2d)
    if isinstance(shape, Linear):
        return shape.out_features, shape.in_features
    return shape.out_channels, shape.in_channels // shape.groups, *shape.kernel_size
