"""From the spec's optimizer to torch's."""

from collections.abc import Iterable
from typing import Any

import torch
from torch.nn import Parameter

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


def build_optimizer(spec: Optimizer, parameters: Groups) -> torch.optim.Optimizer:
    """Make the optimizer, in torch's fused form: one pass over the memory of every parameter.

    On the CPU the plain form of Adam takes about ten passes, which at small batches is a large part
    of a step. Exact and approximate jobs use the same form.
    """
    match spec:
        case SGD():
            return torch.optim.SGD(
                parameters, lr=spec.lr, weight_decay=spec.weight_decay, fused=True
            )
        case Momentum():
            return torch.optim.SGD(
                parameters,
                lr=spec.lr,
                momentum=spec.momentum,
                nesterov=spec.nesterov and spec.momentum > 0,
                weight_decay=spec.weight_decay,
                fused=True,
            )
        case Adam() | AdamW():
            kind = torch.optim.AdamW if isinstance(spec, AdamW) else torch.optim.Adam
            return kind(
                parameters,
                lr=spec.lr,
                betas=(spec.beta1, spec.beta2),
                eps=spec.eps,
                weight_decay=spec.weight_decay,
                fused=True,
            )
