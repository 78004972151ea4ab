"""The plain networks: shape, initial weights, and who draws random numbers."""

import pytest
import torch
from torch import nn

from crs_core.errors import SpecError
from crs_core.models import Dropout, build, initialize
from crs_core.spec import CNNModel, MLPModel, WRNModel

IMAGE, CLASSES = (2, 12, 8), 5
MODELS = [
    MLPModel(hidden=(7, 3)),
    CNNModel(channels=(3, 4), kernel_size=3, hidden=6),
    WRNModel(depth=10, width=1),
    MLPModel(hidden=(7, 3), dropout=0.1, initial_weights="truncated_normal"),
]


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.name)
def test_images_become_one_value_per_class(model):
    network = build(model, IMAGE, CLASSES)
    assert network(torch.rand(9, *IMAGE)).shape == (9, CLASSES)


def test_the_mlp_is_linear_layers_with_relu_between():
    network = build(MODELS[0], IMAGE, CLASSES).double()
    x = torch.rand(4, *IMAGE, dtype=torch.float64)
    h = x.reshape(4, -1)
    for name in ("fc1", "fc2"):
        layer = getattr(network, name)
        h = (h @ layer.weight.T + layer.bias).clamp(min=0)
    expected = h @ network.fc3.weight.T + network.fc3.bias
    torch.testing.assert_close(network(x), expected)


def test_the_cnn_pools_after_each_convolution_and_drops_before_the_last_layer():
    network = build(MODELS[1], IMAGE, CLASSES)
    kinds = [type(m).__name__ for m in network]
    assert kinds == [
        "Conv2d", "ReLU", "MaxPool2d", "Conv2d", "ReLU", "MaxPool2d",
        "Flatten", "Linear", "ReLU", "Dropout", "Linear",
    ]  # fmt: skip
    assert network.conv1.padding == (1, 1)
    assert network.dropout.p == 0.5


@pytest.mark.parametrize("model", MODELS[:2], ids=lambda m: m.name)
def test_initial_weights_are_those_that_torch_draws_by_default(model):
    ours = build(model, IMAGE, CLASSES, generator=seeded(7))
    torch.manual_seed(7)
    for name, layer in ours.named_children():
        match layer:
            case nn.Linear():
                torch_s: nn.Module = nn.Linear(layer.in_features, layer.out_features)
            case nn.Conv2d():
                torch_s = nn.Conv2d(layer.in_channels, layer.out_channels, layer.kernel_size)
            case _:
                continue
        torch.testing.assert_close(layer.weight, torch_s.weight, msg=name)
        torch.testing.assert_close(layer.bias, torch_s.bias, msg=name)


def test_weights_lie_within_one_over_the_root_of_the_fan_in():
    network = build(CNNModel(channels=(40,), kernel_size=5, hidden=30), IMAGE, CLASSES)
    bound = (2 * 5 * 5) ** -0.5
    largest = network.conv1.weight.abs().max()
    assert 0.95 * bound < largest <= bound


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.name)
def test_one_seed_gives_one_network_and_another_seed_another(model):
    def weights(seed: int) -> torch.Tensor:
        network = build(model, IMAGE, CLASSES, generator=seeded(seed))
        return torch.cat([p.detach().flatten() for p in network.parameters()])

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.name)
def test_building_and_training_leave_the_global_generator_alone(model):
    torch.manual_seed(11)
    before = torch.get_rng_state()
    network = build(model, IMAGE, CLASSES)
    for module in network.modules():
        if isinstance(module, Dropout):
            module.generator = seeded(0)
    network(torch.rand(3, *IMAGE, generator=seeded(1)))
    assert torch.equal(torch.get_rng_state(), before)


def test_initialize_draws_anew_in_place():
    network = build(MODELS[0], IMAGE, CLASSES)
    weight = network.fc1.weight
    initialize(network, seeded(3))
    again = build(MODELS[0], IMAGE, CLASSES, generator=seeded(3))
    assert network.fc1.weight is weight
    assert torch.equal(weight, again.fc1.weight)
    assert weight.requires_grad


def test_a_truncated_normal_is_that_of_the_tutorial():
    model = MLPModel(hidden=(400,), initial_weights="truncated_normal")
    network = build(model, (1, 28, 28), CLASSES, generator=seeded(3))
    weight = network.fc1.weight.detach()
    # the standard deviation of a normal cut at two of them is 0.8796 of the whole one's
    assert weight.std().item() == pytest.approx(0.08796, rel=0.01)
    assert weight.abs().max().item() <= 0.2
    assert weight.mean().abs().item() < 0.001
    assert torch.equal(network.fc2.bias, torch.full_like(network.fc2.bias, 0.1))
    again = build(model, (1, 28, 28), CLASSES, generator=seeded(3))
    assert torch.equal(weight, again.fc1.weight)


def test_dropout_of_the_fully_connected_network_stands_behind_its_hidden_layers():
    names = [
        name
        for name, _ in build(MLPModel(hidden=(7, 3), dropout=0.1), IMAGE, CLASSES).named_children()
    ]
    assert names == [
        "flatten", "fc1", "relu1", "dropout1", "fc2", "relu2", "dropout2", "fc3",
    ]  # fmt: skip


def test_a_network_that_does_not_fit_the_images_is_refused():
    with pytest.raises(SpecError, match="4 convolutions"):
        build(CNNModel(channels=(1, 1, 1, 1)), IMAGE, CLASSES)
