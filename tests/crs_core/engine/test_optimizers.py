from collections.abc import Callable, Iterable
from typing import Any

import pytest
import torch
from torch.nn import Parameter

from crs_core.engine.optimizers import build_optimizer
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


@pytest.mark.parametrize(("spec", "plain"), CASES, ids=lambda c: getattr(c, "name", ""))
def test_the_steps_are_those_of_torchs_plain_optimizer(spec: Optimizer, plain: Plain) -> None:
    def trained(make: Callable[..., torch.optim.Optimizer], *given: Any) -> torch.Tensor:
        generator = torch.Generator().manual_seed(1)
        weight = Parameter(torch.randn(3, 5, generator=generator, dtype=torch.float64))
        target = torch.randn(3, 5, generator=generator, dtype=torch.float64)
        optimizer = make(*given, [weight])
        for _ in range(7):
            optimizer.zero_grad()
            ((weight - target) ** 4).sum().backward()
            optimizer.step()
        return weight.detach()

    torch.testing.assert_close(trained(build_optimizer, spec), trained(plain))
