"""Networks of packages are held to their description, so that cost is that of what is trained."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from crs_core.errors import SpecError
from crs_core.layers import Conv2d, Linear
from crs_core.models import own
from crs_core.nn import BatchedProduct
from crs_core.spec import OwnModel, parse_spec

pytestmark = pytest.mark.usefixtures("example")

IMAGE = (2, 9, 7)
CONV = Conv2d(
    2, 4, (3, 2), (9, 7), (5, 6), stride=(2, 1), padding=(1, 0), groups=2, needs_input_grad=False
)
DESCRIPTION = {"conv": CONV, "mix": Linear(6, 3, positions=20), "out": Linear(60, 5)}


class Plain(nn.Module):
    """conv, 4 x 5 rows through mix, out; `repeat` uses of mix, and a module beside them."""

    def __init__(self, *, repeat: int = 1, beside: nn.Module | None = None, **conv: Any) -> None:
        super().__init__()
        sizes = {"stride": (2, 1), "padding": (1, 0), "groups": 2} | conv
        self.conv = nn.Conv2d(2, 4, (3, 2), **sizes)
        self.norm = nn.BatchNorm2d(4)
        self.mix = nn.Linear(6, 3)
        self.out = nn.Linear(60, 5)
        self.repeat = repeat
        self.beside = beside

    def forward(self, x: Tensor) -> Tensor:
        h = self.norm(self.conv(x))
        return self.out(torch.stack([self.mix(h) for _ in range(self.repeat)]).mean(0).flatten(1))


class Folded(Plain):
    """One convolution sees each image twice, as two examples."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(torch.cat([x, x])).unflatten(0, (2, -1)).mean(0)


class ByHand(Plain):
    """The last layer's weights are used, not the layer."""

    def forward(self, x: Tensor) -> Tensor:
        h = self.mix(self.norm(self.conv(x))).flatten(1)
        return h @ self.out.weight.T + self.out.bias


class OwnLinear(nn.Linear):
    """A subclass, which may do anything."""


@pytest.fixture
def build(monkeypatch):
    """Build a network as if the example package had described it so."""

    def made(network: nn.Module, **changes: Any) -> nn.Module:
        model = parse_spec(
            {
                "model": {"name": "residual-mlp"},
                "dataset": {"name": "tumours"},
                "training": {"epochs": 1},
            }
        ).model
        assert isinstance(model, OwnModel)
        said = DESCRIPTION | {
            name: replace(DESCRIPTION[name], **fields) for name, fields in changes.items()
        }
        monkeypatch.setattr(own, "own_shapes", lambda *_: said)
        monkeypatch.setattr(own, "named_function", lambda _: lambda *_given: network)
        return own.build_own(model, IMAGE, 5)

    return made


@pytest.fixture
def refusal(build):
    """Give the words with which a network is refused."""

    def said(network: nn.Module, **changes: Any) -> str:
        with pytest.raises(SpecError) as caught:
            build(network, **changes)
        return str(caught.value)

    return said


def test_a_network_as_described_is_taken_as_it_was(build):
    network = Plain()
    network.norm.eval()
    modes = [module.training for module in network.modules()]
    state = torch.get_rng_state()
    assert build(network) is network
    assert [module.training for module in network.modules()] == modes
    assert network.norm.num_batches_tracked == 0
    assert not any(module._forward_hooks for module in network.modules())
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    "beside",
    [
        nn.Conv1d(2, 3, 1), nn.Conv3d(2, 3, 1), nn.ConvTranspose1d(2, 3, 1),
        nn.ConvTranspose2d(2, 3, 1), nn.ConvTranspose3d(2, 3, 1), nn.MultiheadAttention(6, 2),
        nn.Bilinear(2, 3, 4), nn.LSTM(3, 4), nn.GRU(3, 4), nn.RNN(3, 4), nn.LSTMCell(3, 4),
        OwnLinear(3, 4), BatchedProduct(),
    ],
    ids=lambda m: type(m).__name__,
)  # fmt: skip
def test_modules_whose_products_are_not_counted_are_refused(refusal, beside):
    assert refusal(Plain(beside=beside)) == (
        "model: the network of package colrow-example 1.0 has a module beside of type "
        f"{type(beside).__name__}, whose products can't be planned; use torch.nn.Linear and "
        "torch.nn.Conv2d, not subclasses of them: mend the package"
    )


def test_a_network_that_is_such_a_module_is_refused(refusal):
    assert "has a module (itself) of type GRU" in refusal(nn.GRU(3, 4))


@pytest.mark.parametrize(
    ("there", "said", "words"),
    [
        ({"stride": (1, 1)}, {}, "conv is said to have stride (2, 1), but has (1, 1)"),
        ({}, {"padding": (0, 0)}, "conv is said to have padding (0, 0), but has (1, 0)"),
        ({"padding": "valid"}, {}, "conv is said to have padding (1, 0), but has (0, 0)"),
        ({}, {"in_channels": 1, "groups": 1}, "conv is said to have groups 1, but has 2"),
        ({}, {"out_size": (9, 7)}, "conv is said to give sizes (9, 7), but gives (5, 6)"),
    ],
)
def test_convolutions_that_differ_in_more_than_weights_are_refused(refusal, there, said, words):
    assert f"differs from its description: {words}; mend" in refusal(Plain(**there), conv=said)


def test_padding_in_words_is_compared_in_numbers(build):
    class Same(nn.Module):
        def __init__(self, padding: str) -> None:
            super().__init__()
            self.conv = nn.Conv2d(2, 4, (3, 5), padding=padding, dilation=(2, 1))

    assert (
        own._odd_sizes(Same("same"), {"conv": Conv2d(2, 4, (3, 5), (9, 7), (9, 7), padding=(2, 2))})
        == []
    )
    assert own._odd_sizes(Same("valid"), {"conv": Conv2d(2, 4, (3, 5), (9, 7), (5, 3))}) == []


def test_a_linear_layer_at_other_positions_than_described_is_refused(refusal):
    start = "mix is said to be applied at"
    assert f"{start} 7 positions of each example, but is at 20;" in refusal(
        Plain(), mix={"positions": 7}
    )
    assert f"{start} 20 positions of each example, but is at 60;" in refusal(Plain(repeat=3))


def test_a_gradient_that_is_counted_must_be_computed_and_the_other_way_round(refusal):
    assert "conv is said to have needs_input_grad=True, but nothing before it is trained" in (
        refusal(Plain(), conv={"needs_input_grad": True})
    )
    assert "mix is said to have needs_input_grad=False, but something before it is trained" in (
        refusal(Plain(), mix={"needs_input_grad": False})
    )


def test_a_layer_that_sees_examples_more_than_once_or_never_is_refused(refusal):
    said = refusal(Folded())
    assert "conv is said to see each example once, but does 2 times" in said
    assert "out is said to be applied at 1 positions of each example, but is at 2" in said
    assert "out is said to be applied at 1 positions of each example, but is at 0" in refusal(
        ByHand()
    )


def test_a_network_that_fails_on_images_is_told(refusal):
    class Failing(Plain):
        def forward(self, x: Tensor) -> Tensor:
            raise KeyError("odd")

    network = Failing()
    assert refusal(network) == (
        "model: the network of package colrow-example 1.0 fails on 2 images of zeros, 2 x 9 x 7 "
        "(KeyError: 'odd'); mend the package"
    )
    assert network.training
    assert not any(module._forward_hooks for module in network.modules())
