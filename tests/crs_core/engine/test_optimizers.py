import copy
from collections.abc import Callable, Iterable
from typing import Any

import pytest
import torch
from torch.nn import Parameter

from crs_core.engine.optimizers import build_optimizer, weights_apart
from crs_core.spec import SGD, Adam, AdamW, Momentum, Optimizer

Plain = Callable[[Iterable[Parameter]], torch.optim.Optimizer]

CASES: list[tuple[Optimizer, Plain]] = [
    (SGD(lr=0.01, weight_decay=0.1), lambda p: torch.optim.SGD(p, lr=0.01, weight_decay=0.1)),
    (
        Momentum(lr=0.01, momentum=0.7, nesterov=True),
        lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.7, nesterov=True),
    ),
    (Momentum(lr=0.01, momentum=0.0, nesterov=True), lambda p: torch.optim.SGD(p, lr=0.01)),
    (
        Adam(lr=0.1, beta1=0.8, beta2=0.95, eps=1e-3, weight_decay=0.2),
        lambda p: torch.optim.Adam(p, lr=0.1, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.2),
    ),
    (
        AdamW(lr=0.1, beta1=0.8, beta2=0.95, eps=1e-3, weight_decay=0.2),
        lambda p: torch.optim.AdamW(p, lr=0.1, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.2),
    ),
]


def by_columns(t: torch.Tensor) -> torch.Tensor:
    return t.t().contiguous().t()


@pytest.mark.parametrize("store", [torch.clone, by_columns])
@pytest.mark.parametrize(("spec", "plain"), CASES, ids=lambda c: getattr(c, "name", ""))
def test_the_steps_are_those_of_torchs_plain_optimizer(
    spec: Optimizer, plain: Plain, store: Callable[[torch.Tensor], torch.Tensor]
) -> None:
    def trained(make: Callable[..., torch.optim.Optimizer], *given: Any) -> torch.Tensor:
        generator = torch.Generator().manual_seed(1)
        weight = Parameter(store(torch.randn(3, 5, generator=generator, dtype=torch.float64)))
        target = torch.randn(3, 5, generator=generator, dtype=torch.float64)
        optimizer = make(*given, [weight])
        for _ in range(7):
            optimizer.zero_grad()
            ((weight - target) ** 4).sum().backward()
            optimizer.step()
        return weight.detach()

    torch.testing.assert_close(trained(build_optimizer, spec), trained(plain))


@pytest.mark.parametrize("spec", [case[0] for case in CASES])
@pytest.mark.parametrize("other", [False, True])
def test_a_state_is_taken_over_whatever_the_storage(spec: Optimizer, *, other: bool) -> None:
    stores = (torch.clone, by_columns)
    gradients = torch.randn(6, 3, 5, generator=torch.Generator().manual_seed(1))
    parameters = [Parameter(store(torch.ones(3, 5))) for store in stores]
    optimizers = [build_optimizer(spec, [p]) for p in parameters]

    def steps(index: int, some: torch.Tensor) -> None:
        for gradient in some:
            parameters[index].grad = stores[index](gradient)
            optimizers[index].step()

    steps(0, gradients)
    steps(1, gradients)
    torch.testing.assert_close(parameters[1], parameters[0])
    optimizers[other].load_state_dict(copy.deepcopy(optimizers[not other].state_dict()))
    steps(0, gradients[:2])
    steps(1, gradients[:2])
    torch.testing.assert_close(parameters[1], parameters[0])
    assert [p.is_contiguous() for p in parameters] == [True, False]
    for state in optimizers[other].state.values():
        kept = [value for value in state.values() if value.shape == (3, 5)]
        assert all(value.stride() == parameters[other].stride() for value in kept)


@pytest.mark.parametrize("spec", [c[0].model_copy(update={"weight_decay": 0.3}) for c in CASES])
def test_decay_on_weights_alone_leaves_vectors_as_they_are(spec: Optimizer) -> None:
    generator = torch.Generator().manual_seed(1)
    shapes = [(3, 5), (3,), (2, 3, 1, 4), (), (7,)]
    parameters = [Parameter(torch.randn(s, generator=generator)) for s in shapes]
    before = [p.detach().clone() for p in parameters]
    optimizer = build_optimizer(spec, weights_apart(parameters))
    for p in parameters:
        p.grad = torch.zeros_like(p)
    optimizer.step()
    for p, old in zip(parameters, before, strict=True):
        assert torch.equal(p, old) == (p.ndim < 2)
        assert p.ndim < 2 or p.norm() < old.norm()


def test_decay_on_weights_adds_half_the_squared_norm_of_matrices_to_the_loss() -> None:
    generator = torch.Generator().manual_seed(2)
    draw = [
        torch.randn(s, generator=generator, dtype=torch.float64) for s in ((4, 3), (4,), (5, 3))
    ]
    target = torch.randn(5, 4, generator=generator, dtype=torch.float64)

    def trained(decay: float, penalty: float) -> list[torch.Tensor]:
        weight, bias = Parameter(draw[0].clone()), Parameter(draw[1].clone())
        spec = Momentum(lr=0.05, weight_decay=decay)
        optimizer = build_optimizer(spec, weights_apart([weight, bias]))
        for _ in range(6):
            optimizer.zero_grad()
            loss = (draw[2] @ weight.T + bias - target).square().mean()
            (loss + penalty / 2 * weight.square().sum()).backward()
            optimizer.step()
        return [weight.detach(), bias.detach()]

    torch.testing.assert_close(trained(0.2, 0.0), trained(0.0, 0.2))
