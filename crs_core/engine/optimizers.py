"""From the spec's optimizer to torch's."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

from crs_core.ops.storage import back, is_turned, storage_order
from crs_core.spec import SGD, Adam, AdamW, Momentum, Optimizer

Groups = Iterable[Parameter] | list[dict[str, Any]]
"""Parameters, or groups of them with settings of their own."""


def weights_apart(parameters: Iterable[Parameter]) -> list[dict[str, Any]]:
    """Give two groups: matrices and kernels, and what is not to decay (vectors).

    With weight decay λ on the first, plain gradient descent minimises the loss + λ/2 Σ ‖W‖² over
    all matrices and kernels W.
    """
    all_of_them = list(parameters)
    return [
        {"params": [p for p in all_of_them if p.ndim > 1]},
        {"params": [p for p in all_of_them if p.ndim <= 1], "weight_decay": 0.0},
    ]


class _ByStorage(torch.optim.Optimizer):
    """Steps over weights in the order of their storage; every number gets the same step.

    During the step a matrix that is stored column by column is seen as its transpose, and kernels
    that are stored channels last with their dimensions in that order. Without that, torch's fused
    forms on the CPU copy every such gradient, which takes several times as long as the step
    itself; and where a state is stored unlike its parameter, as it may come out of a checkpoint,
    they join the wrong numbers.
    """

    def __init__(self, *given: Any, **settings: Any) -> None:
        super().__init__(*given, **settings)
        self._orders: dict[Parameter, tuple[int, ...]] = {}
        # Hooks, not a step of our own: torch would call everybody else's hooks twice for that.
        self.register_step_pre_hook(lambda *_: self._turn())
        self.register_step_post_hook(lambda *_: self._turn_back())

    def _turn(self) -> None:
        self._orders = {
            p: order
            for group in self.param_groups
            for p in group["params"]
            if is_turned(order := storage_order(p))
        }
        for p, order in self._orders.items():
            self._permute(p, order)

    def _turn_back(self) -> None:
        for p, order in self._orders.items():
            self._permute(p, back(order))

    def _permute(self, p: Tensor, order: tuple[int, ...]) -> None:
        grad, p.grad = p.grad, None
        shape, p.data = p.shape, p.data.permute(order)
        p.grad = None if grad is None else grad.permute(order)
        state = self.state.get(p, {})
        for name, value in state.items():
            if isinstance(value, Tensor) and value.shape == shape:
                state[name] = value.permute(order)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a state; each tensor is stored as its parameter is."""
        super().load_state_dict(state_dict)
        for p, state in self.state.items():
            for name, value in state.items():
                if isinstance(value, Tensor) and value.shape == p.shape:
                    state[name] = torch.empty_like(p, dtype=value.dtype).copy_(value)


class _SGD(_ByStorage, torch.optim.SGD):
    pass


class _Adam(_ByStorage, torch.optim.Adam):
    pass


class _AdamW(_ByStorage, torch.optim.AdamW):
    pass


def build_optimizer(spec: Optimizer, parameters: Groups) -> torch.optim.Optimizer:
    """Make the optimizer, in torch's fused form: one pass over the memory of every parameter.

    On the CPU the plain form of Adam takes about ten passes, which at small batches is a large part
    of a step. Exact and approximate jobs use the same form.
    """
    match spec:
        case SGD():
            return _SGD(parameters, lr=spec.lr, weight_decay=spec.weight_decay, fused=True)
        case Momentum():
            return _SGD(
                parameters,
                lr=spec.lr,
                momentum=spec.momentum,
                nesterov=spec.nesterov and spec.momentum > 0,
                weight_decay=spec.weight_decay,
                fused=True,
            )
        case Adam() | AdamW():
            kind = _AdamW if isinstance(spec, AdamW) else _Adam
            return kind(
                parameters,
                lr=spec.lr,
                betas=(spec.beta1, spec.beta2),
                eps=spec.eps,
                weight_decay=spec.weight_decay,
                fused=True,
            )
