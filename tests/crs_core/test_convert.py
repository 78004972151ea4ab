"""approximate() swaps layers by rule, in place."""

import copy
from typing import Any

import pytest
import torch
from torch import nn

from crs_core.convert import SWAPS, approximate, crs_layers
from crs_core.errors import SpecError
from crs_core.nn import BatchedProduct, CRSConv2d, CRSLinear
from crs_core.spec import Policy, Rule


def rule(layers: str = "*", policy: str = "topk", **more: Any) -> Rule:
    return Rule.model_validate({"layers": layers, "policy": policy, **more})


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 3, padding="same", padding_mode="reflect")
        self.body = nn.Sequential(nn.Conv2d(4, 6, 3, stride=2, groups=2, bias=False), nn.ReLU())
        self.fc = nn.Linear(54, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(self.body(self.conv1(x)).flatten(1))  # type: ignore[no-any-return]


def test_each_layer_is_swapped_for_its_twin_with_its_parameters() -> None:
    model = Net()
    before = dict(model.named_parameters())
    result = approximate(model, [rule(forward=0.4, backward=0.2, min_samples=3)])
    assert result is model
    assert {n: type(m) for n, m in crs_layers(model).items()} == {
        "conv1": CRSConv2d,
        "body.0": CRSConv2d,
        "fc": CRSLinear,
    }
    after = dict(model.named_parameters())
    assert list(after) == list(before)
    assert all(after[n] is before[n] for n in before)
    for layer in crs_layers(model).values():
        assert (layer.policy, layer.ratio) == (Policy(name="topk"), 0.4)
        assert (layer.backward_ratio, layer.min_samples) == (0.2, 3)


def test_twins_keep_the_settings_of_their_layers() -> None:
    exact, model = Net(), Net()
    model.load_state_dict(exact.state_dict())
    approximate(model, [rule(forward=0.5, min_samples=1)])
    x = torch.randn(2, 1, 8, 8)
    assert torch.equal(model.eval()(x), exact(x))
    assert not torch.equal(model.train()(x), exact(x))
    every = approximate(copy.deepcopy(exact), [rule()])
    assert torch.equal(every(x), exact(x))


def test_the_last_rule_that_matches_holds_whole() -> None:
    model = Net()
    approximate(
        model,
        [
            rule("*", forward=0.4, backward=0.3, min_samples=2),
            rule("body.*", "uniform", forward=0.7),
            rule("conv1", "exact"),
        ],
    )
    layers = crs_layers(model)
    assert list(layers) == ["body.0", "fc"]
    assert type(model.conv1) is nn.Conv2d
    body = layers["body.0"]
    assert (body.policy.name, body.ratio, body.backward_ratio, body.min_samples) == (
        "uniform", 0.7, 1.0, 10,
    )  # fmt: skip
    assert layers["fc"].ratio == 0.4


def test_no_rules_change_nothing() -> None:
    model = Net()
    assert approximate(model, []) is model
    assert not crs_layers(model)


def test_training_and_evaluation_mode_are_kept() -> None:
    model = approximate(Net().eval(), [rule()])
    assert not any(m.training for m in model.modules())


def test_no_random_number_is_drawn() -> None:
    model, state = Net(), torch.get_rng_state()
    approximate(model, [rule(forward=0.5)])
    assert torch.equal(torch.get_rng_state(), state)


def test_a_layer_in_two_places_has_one_twin() -> None:
    shared = nn.Linear(4, 4)
    model = nn.Sequential(shared, nn.ReLU(), shared)
    approximate(model, [rule(forward=0.5)])
    assert isinstance(model[0], CRSLinear)
    assert model[0] is model[2]


def test_a_single_layer_gives_its_twin() -> None:
    layer = nn.Linear(4, 3)
    twin = approximate(layer, [rule(forward=0.5)])
    assert isinstance(twin, CRSLinear)
    assert twin.weight is layer.weight


def test_a_subclass_is_left_alone() -> None:
    class Other(nn.Linear):
        """May compute something else."""

    model = nn.Sequential(Other(4, 3), nn.Linear(3, 2))
    approximate(model, [rule(forward=0.5)])
    assert type(model[0]) is Other
    assert set(SWAPS) == {nn.Linear, nn.Conv2d, nn.LSTM, BatchedProduct}


def test_other_types_and_devices_are_kept() -> None:
    model = approximate(nn.Sequential(nn.Linear(4, 3, dtype=torch.float64)), [rule(forward=0.5)])
    assert model(torch.zeros(2, 4, dtype=torch.float64)).dtype == torch.float64


@pytest.mark.parametrize(
    ("rules", "loc"),
    [
        ([rule("fc9")], "approximation.0.layers"),
        ([rule(), rule("lstm*")], "approximation.1.layers"),
    ],
)
def test_a_rule_that_matches_no_layer_is_told_with_the_layers_there_are(
    rules: list[Rule], loc: str
) -> None:
    model = Net()
    with pytest.raises(SpecError) as caught:
        approximate(model, rules)
    assert loc in str(caught.value)
    assert "matches no layer; there are: conv1, body.0, fc" in str(caught.value)
    assert not crs_layers(model)


def test_an_approximate_network_learns() -> None:
    torch.manual_seed(0)
    x, y = torch.randn(64, 20), torch.randint(3, (64,))
    for policy in ("topk", "nps", "uniform", "bernoulli"):
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(20, 40), nn.ReLU(), nn.Linear(40, 3))
        model = approximate(net, [rule(policy=policy, forward=0.5, backward=0.5)])
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        for _ in range(150):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
        accuracy = (model.eval()(x).argmax(1) == y).float().mean()
        assert accuracy > 0.8, policy
