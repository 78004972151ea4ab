"""The wide residual network against a plain reference, its initial weights, and its twins."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from crs_core.convert import approximate, crs_layers
from crs_core.errors import SpecError
from crs_core.layers import wrn_shapes
from crs_core.models import build
from crs_core.spec import Rule, WRNModel, parse_spec

IMAGE, CLASSES = (2, 12, 8), 5
MODELS = [
    WRNModel(depth=10, width=1),
    WRNModel(depth=16, width=3, leakiness=0.0),
    WRNModel(depth=10, width=2, shortcut="conv", leakiness=0.25),
]


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def shaken(model: WRNModel) -> nn.Module:
    """Build a network in float64 whose normalisation is not the identity it begins as."""
    network = build(model, IMAGE, CLASSES, generator=seeded(2)).double()
    draw = seeded(3)
    for name, value in [*network.named_parameters(), *network.named_buffers()]:
        if "bn" in name and value.dtype == torch.float64:
            value.data.uniform_(0.5, 1.5, generator=draw)
    return network


def reference(network: nn.Module, model: WRNModel, x: Tensor, *, training: bool) -> Tensor:
    """The formulas of the cited code, written out over the state dict."""
    state = dict(network.named_parameters()) | dict(network.named_buffers())

    def act(x: Tensor, bn: str) -> Tensor:
        if training:
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
        else:
            mean, var = state[f"{bn}.running_mean"], state[f"{bn}.running_var"]
        scale = state[f"{bn}.weight"] / (var + 0.001).sqrt()
        y = (x - mean[:, None, None]) * scale[:, None, None] + state[f"{bn}.bias"][:, None, None]
        return torch.where(y > 0, y, y * model.leakiness)

    def conv(x: Tensor, name: str, stride: int) -> Tensor:
        weight = state[f"{name}.weight"]
        return functional.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2)

    x = conv(x, "conv1", 1)
    for group in (1, 2, 3):
        for i in range(1, (model.depth - 4) // 6 + 1):
            name = f"group{group}.block{i}"
            stride = 2 if group > 1 and i == 1 else 1
            activated = act(x, f"{name}.bn1")
            if f"{name}.shortcut.weight" in state:
                around = conv(activated, f"{name}.shortcut", stride)
            else:
                around = activated if (group, i) == (1, 1) else x
                n, c, h, w = around.shape
                around = around.reshape(n, c, h // stride, stride, w // stride, stride)
                around = around.mean((3, 5))
                filters = state[f"{name}.conv1.weight"].shape[0]
                half = torch.zeros(n, (filters - c) // 2, *around.shape[2:], dtype=x.dtype)
                around = torch.cat([half, around, half], dim=1)
            y = conv(activated, f"{name}.conv1", stride)
            x = around + conv(act(y, f"{name}.bn2"), f"{name}.conv2", 1)
    return act(x, "bn").mean((2, 3)) @ state["fc.weight"].T + state["fc.bias"]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("model", MODELS, ids=str)
def test_it_computes_what_the_cited_code_does(model, training):
    network = shaken(model)
    x = torch.randn(6, *IMAGE, generator=seeded(5), dtype=torch.float64)
    expected = reference(network, model, x, training=training)
    torch.testing.assert_close(network.train(training)(x), expected)


def test_gradients_are_those_of_the_reference():
    """Nothing that autograd needs again is overwritten by the steps in place."""
    model = MODELS[1]
    network = shaken(model)
    x = torch.randn(4, *IMAGE, generator=seeded(5), dtype=torch.float64)
    weights = list(network.parameters())
    ours = torch.autograd.grad(network(x).square().sum(), weights)
    theirs = torch.autograd.grad(
        reference(network, model, x, training=True).square().sum(), weights
    )
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other)


def test_initial_weights_are_of_he_by_fan_out():
    network = build(WRNModel(depth=10, width=4), IMAGE, 100, generator=seeded(1))
    for name, layer in network.named_modules():
        if isinstance(layer, nn.Conv2d):
            std = (2 / (9 * layer.out_channels)) ** 0.5
            count = layer.weight.numel()
            assert layer.bias is None
            # The standard error of a standard deviation is std / sqrt(2 count).
            assert abs(layer.weight.std() - std) < 4 * std / (2 * count) ** 0.5, name
    bound = (3 / 256) ** 0.5
    assert 0.99 * bound < network.fc.weight.abs().max() <= bound
    assert not network.fc.bias.any()


def test_running_statistics_are_part_of_the_state():
    network = build(MODELS[0], IMAGE, CLASSES)
    before = {n: v.clone() for n, v in network.state_dict().items()}
    network(torch.rand(7, *IMAGE, generator=seeded(1)))
    after = network.state_dict()
    changed = {n.rpartition(".")[2] for n in after if not torch.equal(before[n], after[n])}
    assert changed == {"running_mean", "running_var", "num_batches_tracked"}


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_every_product_has_a_twin_and_normalisation_stays_exact(model):
    network = build(model, IMAGE, CLASSES)
    names, keys = set(wrn_shapes(model, IMAGE, CLASSES)), list(network.state_dict())
    approximate(network, [Rule(policy="topk", forward=0.5, min_samples=1)])
    assert set(crs_layers(network)) == names
    assert list(network.state_dict()) == keys
    kinds = {type(m) for n, m in network.named_modules() if n.rpartition(".")[2].startswith("bn")}
    assert kinds == {nn.BatchNorm2d}


def test_half_the_channels_train():
    network = build(WRNModel(depth=10, width=1), (1, 8, 8), 3, generator=seeded(1))
    approximate(network, [Rule(layers="group*", policy="topk", forward=0.5, min_samples=1)])
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    y = torch.arange(30) % 3
    x = torch.randn(30, 1, 8, 8, generator=seeded(2)) + y[:, None, None, None]
    losses = []
    for _ in range(15):
        loss = functional.cross_entropy(network(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize(("depth", "near"), [(27, "22 or 28"), (29, "28 or 34"), (12, "10 or 16")])
def test_a_depth_without_whole_blocks_is_refused(depth, near):
    with pytest.raises(SpecError) as caught:
        parse_spec(
            {
                "model": {"name": "wrn", "depth": depth},
                "dataset": {"name": "digits"},
                "training": {"steps": 1},
            }
        )
    (error,) = caught.value.errors
    assert error.loc == "model.depth"
    assert error.msg == (
        f"depth must be 6 n + 4 for n blocks in each of the three groups; got {depth}, so give "
        f"{near}"
    )


@pytest.mark.parametrize("size", [(10, 8), (8, 10), (7, 7)])
def test_images_that_cannot_be_halved_twice_are_refused(size):
    with pytest.raises(SpecError) as caught:
        wrn_shapes(MODELS[0], (1, *size), CLASSES)
    assert f"the images have {size[0]} x {size[1]}: choose another" in str(caught.value)
