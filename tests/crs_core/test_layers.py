"""Layer shapes against the networks that torch really runs."""

import math

import pytest
import torch
from torch import nn

from crs_core.data import facts as facts_module
from crs_core.data.facts import FACTS, FileFacts, TextFacts, TextFiles
from crs_core.errors import SpecError
from crs_core.layers import LEARNS, SHAPES, TEXT_SHAPES, Conv2d, LayerShape, Linear, layer_shapes
from crs_core.models import build
from crs_core.spec import JobSpec, parse_spec

SPECS = [
    ("mnist", {"name": "mlp"}),
    ("digits", {"name": "mlp", "hidden": [7]}),
    ("digits", {"name": "mlp", "hidden": [11, 3, 5]}),
    ("mnist", {"name": "cnn"}),
    ("fashion-mnist", {"name": "cnn", "channels": [3, 5, 2, 4], "hidden": 9}),
    ("digits", {"name": "cnn", "channels": [6], "kernel_size": 3, "hidden": 13}),
    ("digits", {"name": "cnn", "channels": [2, 3, 4], "kernel_size": 11, "dropout": 0.0}),
    ("digits", {"name": "wrn", "depth": 10, "width": 1}),
    ("cifar-10", {"name": "wrn", "depth": 16, "width": 2}),
    ("mnist", {"name": "wrn", "depth": 16, "width": 1, "shortcut": "conv"}),
    ("cifar-100", {"name": "wrn", "depth": 10, "width": 3, "shortcut": "conv"}),
]


def make_spec(dataset: str, model: dict) -> JobSpec:
    return parse_spec({"model": model, "dataset": {"name": dataset}, "training": {"epochs": 1}})


def seen_shapes(spec: JobSpec) -> dict[str, LayerShape]:
    """Read every layer's shape from its module, and from the tensors that pass through it."""
    facts = FACTS[spec.dataset.name]
    network = build(spec.model, facts.input_shape, facts.classes)
    seen: dict[str, LayerShape] = {}

    def look(name: str, module: nn.Module, x: torch.Tensor, y: torch.Tensor) -> None:
        needs_input_grad = x.requires_grad
        match module:
            case nn.Linear():
                seen[name] = Linear(
                    module.in_features,
                    module.out_features,
                    math.prod(y.shape[1:-1]),
                    needs_input_grad,
                )
            case nn.Conv2d():
                seen[name] = Conv2d(
                    module.in_channels,
                    module.out_channels,
                    module.kernel_size,
                    in_size=tuple(x.shape[2:]),
                    out_size=tuple(y.shape[2:]),
                    stride=module.stride,
                    padding=module.padding,
                    groups=module.groups,
                    needs_input_grad=needs_input_grad,
                )

    for name, module in network.named_modules():
        module.register_forward_hook(
            lambda m, x, y, name=name: look(name, m, x[0], y),
        )
    network(torch.zeros(2, *facts.input_shape))
    return seen


@pytest.mark.parametrize(("dataset", "model"), SPECS)
def test_layers_are_those_of_the_network(dataset, model):
    spec = make_spec(dataset, model)
    shapes = layer_shapes(spec)
    assert shapes == seen_shapes(spec)
    assert list(shapes) == list(seen_shapes(spec))


def test_the_paper_s_networks():
    mlp = layer_shapes(make_spec("mnist", {"name": "mlp"}))
    assert [(s.in_features, s.out_features) for s in mlp.values()] == [
        (784, 500),
        (500, 500),
        (500, 10),
    ]
    cnn = layer_shapes(make_spec("mnist", {"name": "cnn"}))
    assert list(cnn) == ["conv1", "conv2", "fc1", "fc2"]
    assert cnn["fc1"] == Linear(3136, 1024)


def test_the_paper_s_wide_residual_network():
    wrn = layer_shapes(make_spec("cifar-100", {"name": "wrn"}))
    assert list(wrn)[:3] == ["conv1", "group1.block1.conv1", "group1.block1.conv2"]
    assert len(wrn) == 1 + 3 * 8 + 1
    for group, filters, size in ((1, 160, 32), (2, 320, 16), (3, 640, 8)):
        layers = [s for n, s in wrn.items() if n.startswith(f"group{group}.")]
        assert [s.out_channels for s in layers] == [filters] * 8
        assert {s.out_size for s in layers} == {(size, size)}
    assert wrn["fc"] == Linear(640, 100)


@pytest.mark.parametrize(("dataset", "channels", "most"), [("digits", 4, 3), ("mnist", 5, 4)])
def test_more_poolings_than_the_image_has_halves_are_refused(dataset, channels, most):
    with pytest.raises(SpecError) as caught:
        layer_shapes(make_spec(dataset, {"name": "cnn", "channels": [2] * channels}))
    (error,) = caught.value.errors
    assert error.loc == "model.channels"
    assert f"{channels} convolutions" in error.msg
    assert f"at most {most}" in error.msg
    layer_shapes(make_spec(dataset, {"name": "cnn", "channels": [2] * most}))


def test_a_network_that_learns_another_task_than_the_data_set_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = FileFacts("words.txt", 1, "")
    text = TextFacts(
        name="mnist",
        title="",
        vocabulary=7,
        train=50,
        validation=20,
        test=30,
        origin=TextFiles(file, file, file),
        source="",
        license="",
    )
    monkeypatch.setitem(facts_module.FACTS, "mnist", text)
    with pytest.raises(SpecError) as caught:
        layer_shapes(make_spec("mnist", {"name": "mlp"}))
    (error,) = caught.value.errors
    assert error.loc == "dataset.name"
    assert error.msg.startswith(
        "mnist is for language-modelling, but mlp learns classification; give mnist one of the "
        "networks "
    )
    assert ", or mlp one of the data sets digits, fashion-mnist" in error.msg


def test_what_each_network_learns_is_known() -> None:
    assert LEARNS.keys() == SHAPES.keys() | TEXT_SHAPES.keys()
