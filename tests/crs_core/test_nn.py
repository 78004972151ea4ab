"""The modules are torch's modules that sample while they train."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from crs_core.errors import RatioError, SpecError
from crs_core.nn import CRSConv2d, CRSLinear
from crs_core.ops import Generators, Meter, crs_conv2d, crs_linear
from crs_core.spec import Policy
from tests.crs_core.reference import generators

TOPK: dict[str, Any] = {"policy": "topk", "ratio": 0.5, "min_samples": 1}
LARGE = (1024, 1100)  # large enough to be stored column by column

Make = Callable[..., CRSLinear | CRSConv2d]


def linear(**sampling: Any) -> CRSLinear:
    return CRSLinear(7, 3, **(TOPK | sampling))


def conv(**sampling: Any) -> CRSConv2d:
    return CRSConv2d(4, 6, 3, padding=1, **(TOPK | sampling))


MODULES = [(linear, nn.Linear(7, 3), (5, 7)), (conv, nn.Conv2d(4, 6, 3, padding=1), (2, 4, 5, 5))]
CONVOLUTIONS: list[dict[str, Any]] = [
    {"padding": mode_padding, "padding_mode": mode, "stride": stride}
    for mode in ("zeros", "reflect", "replicate", "circular")
    for mode_padding, stride in ((1, 2), ((2, 1), 1), ("same", 1), ("valid", 2))
] + [{"groups": 2, "dilation": 2}, {"bias": False}]


@pytest.mark.parametrize(("make", "exact", "shape"), MODULES)
def test_state_dicts_go_both_ways(make: Make, exact: nn.Module, shape: tuple[int, ...]) -> None:
    twin = make()
    assert list(twin.state_dict()) == list(exact.state_dict())
    twin.load_state_dict(exact.state_dict())
    x = torch.randn(shape)
    assert torch.equal(twin.eval()(x), exact(x))
    copy.deepcopy(exact).load_state_dict(twin.state_dict())


@pytest.mark.parametrize("arguments", CONVOLUTIONS, ids=str)
def test_a_convolution_takes_torchs_own_arguments(arguments: dict[str, Any]) -> None:
    exact = nn.Conv2d(4, 6, 3, **arguments)
    twin = CRSConv2d(4, 6, 3, **arguments, **TOPK)
    twin.load_state_dict(exact.state_dict())
    x = torch.randn(2, 4, 9, 9)
    assert torch.equal(twin.eval()(x), exact(x))
    twin.train()
    twin.ratio = 1.0
    assert torch.equal(twin(x), exact(x))
    twin.ratio = 0.5
    wanted = crs_conv2d(
        x, twin.weight, twin.bias, twin.stride, twin.padding, twin.dilation, twin.groups,
        padding_mode=twin.padding_mode, **TOPK,
    )  # fmt: skip
    assert torch.equal(twin(x), wanted)
    assert not torch.equal(twin(x), exact(x))


def test_a_linear_layer_is_one_call_of_the_operation() -> None:
    twin = CRSLinear(7, 3, policy="nps", ratio=0.5, backward_ratio=0.4, min_samples=1)
    x = torch.randn(5, 7)
    twin.generator = generators(1)
    y = twin(x)
    wanted = crs_linear(
        x, twin.weight, twin.bias, policy="nps", ratio=0.5, backward_ratio=0.4, min_samples=1,
        generator=generators(1),
    )  # fmt: skip
    assert torch.equal(y, wanted)


@pytest.mark.parametrize(("make", "exact", "shape"), MODULES)
def test_evaluation_is_exact_and_counts_nothing(
    make: Make, exact: nn.Module, shape: tuple[int, ...]
) -> None:
    twin = make(ratio=0.01).eval()
    twin.meter = Meter()
    twin.load_state_dict(exact.state_dict())
    x = torch.randn(shape)
    assert torch.equal(twin(x), exact(x))
    assert twin.meter.exact_macs == 0
    twin.train()(x)
    assert twin.meter.exact_macs > 0


@pytest.mark.parametrize(("make", "exact", "shape"), MODULES)
def test_weights_are_drawn_as_torch_draws_them(
    make: Make, exact: nn.Module, shape: tuple[int, ...]
) -> None:
    torch.manual_seed(3)
    fresh = copy.deepcopy(exact)
    fresh.reset_parameters()  # type: ignore[operator]
    torch.manual_seed(3)
    for mine, wanted in zip(make().parameters(), fresh.parameters(), strict=True):
        assert torch.equal(mine, wanted)


@pytest.mark.parametrize(("make", "exact", "shape"), MODULES)
@pytest.mark.parametrize("through", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_module_can_be_copied_and_pickled_with_its_generators(
    make: Make, exact: nn.Module, shape: tuple[int, ...], through: Callable[[nn.Module], nn.Module]
) -> None:
    twin = make(policy="uniform", backward_ratio=0.5)
    twin.generator = generators(4)
    twin.meter = Meter()
    x = torch.randn(shape)
    twin(x)
    other = through(twin)
    assert isinstance(other.generator, Generators)
    assert torch.equal(twin(x), other(x))
    assert repr(twin) == repr(other)


def test_the_line_that_stands_for_a_module_says_how_it_samples() -> None:
    line = repr(conv(policy=Policy(name="nps", replacement=True, scaled=True)))
    assert line.startswith("CRSConv2d(4, 6, kernel_size=(3, 3)")
    assert "policy=nps, replacement=True, scaled=True, ratio=0.5, backward_ratio=1.0" in line
    assert "in_features=7, out_features=3, bias=True, policy=topk" in repr(linear())


def test_ten_samples_are_the_least_unless_asked() -> None:
    layer = CRSLinear(20, 3, policy="topk", ratio=0.01)
    layer.meter = Meter()
    layer(torch.randn(5, 20))
    assert layer.meter.rows("fc", layer.policy, 0.01, 1.0)[0].kept == 10


@pytest.mark.parametrize(
    ("sampling", "error", "text"),
    [
        ({"ratio": 0.0}, RatioError, "got 0.0"),
        ({"backward_ratio": 1.01}, RatioError, "got 1.01"),
        ({"min_samples": 0}, RatioError, "at least 1; got 0"),
        ({"policy": "best"}, SpecError, "'best' is not known"),
    ],
)
@pytest.mark.parametrize("make", [linear, conv])
def test_bad_sampling_is_told_when_the_module_is_made(
    make: Make, sampling: dict[str, Any], error: type[Exception], text: str
) -> None:
    with pytest.raises(error) as caught:
        make(**sampling)
    assert text in str(caught.value)


def test_a_large_weight_is_stored_column_by_column_where_it_is_sampled() -> None:
    sampled = CRSLinear(*LARGE, policy="topk", ratio=0.3)
    assert sampled.weight.shape == (1100, 1024)
    assert sampled.weight.t().is_contiguous()
    assert CRSLinear(*LARGE, policy="topk", ratio=1.0).weight.is_contiguous()
    assert CRSLinear(*LARGE, policy="exact", ratio=1.0).weight.is_contiguous()
    assert linear().weight.is_contiguous()


def test_storage_changes_no_number() -> None:
    exact = nn.Linear(*LARGE)
    twin = CRSLinear(*LARGE, policy="topk", ratio=0.3)
    twin.load_state_dict(exact.state_dict())
    assert twin.weight.t().is_contiguous()
    x = torch.randn(4, LARGE[0])
    y = twin(x)
    wanted = crs_linear(x, exact.weight, exact.bias, policy="topk", ratio=0.3)
    torch.testing.assert_close(y, wanted)
    dy = torch.randn_like(y)
    (mine,), (other,) = (
        torch.autograd.grad(y, twin.weight, dy),
        torch.autograd.grad(wanted, exact.weight, dy),
    )
    torch.testing.assert_close(mine, other)
    assert torch.equal(twin.eval()(x), exact(x))


@pytest.mark.parametrize("fused", [False, True])
def test_adam_does_the_same_in_either_storage_also_after_loading_its_state(fused: bool) -> None:
    # torch's fused Adam on the CPU walks parameter and state by memory, without looking at strides.
    # In float64, since Adam's step of a gradient near 0 is that of its last bits.
    twin = CRSLinear(*LARGE, dtype=torch.float64, policy="uniform", ratio=0.5)
    plain = nn.Linear(*LARGE, dtype=torch.float64)
    plain.load_state_dict(twin.state_dict())
    x = torch.randn(4, LARGE[0], dtype=torch.float64)

    def adam(layer: nn.Module) -> torch.optim.Adam:
        return torch.optim.Adam(layer.parameters(), fused=fused)

    def step(optimizer: torch.optim.Optimizer) -> None:
        twin.zero_grad()
        twin.generator = generators(2)
        twin(x).square().sum().backward()
        optimizer.step()

    def plain_step(optimizer: torch.optim.Optimizer) -> None:
        plain.zero_grad()
        y = crs_linear(
            x, plain.weight, plain.bias, policy="uniform", ratio=0.5, generator=generators(2)
        )
        y.square().sum().backward()
        optimizer.step()

    first, plain_first = adam(twin), adam(plain)
    step(first)
    plain_step(plain_first)
    second, plain_second = adam(twin), adam(plain)
    second.load_state_dict(pickle.loads(pickle.dumps(first.state_dict())))
    plain_second.load_state_dict(plain_first.state_dict())
    step(second)
    plain_step(plain_second)
    torch.testing.assert_close(twin.weight, plain.weight)
