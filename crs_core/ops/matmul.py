"""An approximate matrix product A B, and its two approximate gradients."""

import torch
from torch import Tensor

from crs_core.errors import ShapeError
from crs_core.ops.choice import Generators, setting
from crs_core.ops.linear import linear
from crs_core.ops.memory import Memory
from crs_core.ops.meter import Meter
from crs_core.spec import Policy


def crs_matmul(
    a: Tensor,
    b: Tensor,
    *,
    policy: Policy | str,
    ratio: float,
    backward_ratio: float = 1.0,
    min_samples: int = 1,
    generator: torch.Generator | Generators | None = None,
    meter: Meter | None = None,
    memory: Memory | None = None,
) -> Tensor:
    """Give A B, m x n times n x p, from a sample of its n column-row pairs (Eq. 1, 2018).

    Exact (bit for bit `a @ b`) where k = min(n, max(min_samples, round(ratio n))) is n in each
    product. The gradients dA = dC Bᵀ and dB = Aᵀ dC run over the same kept pairs, and
    `backward_ratio` samples their own pairs (columns of dC, rows of dC) on top;
    `crs_core.ops.linear` has the formulas, with X = A, W = Bᵀ. In a meter and in `Generators` dA
    is grad_input and dB grad_weight. Can be differentiated once.

    Raises ShapeError, RatioError, SpecError.
    """
    how = setting(policy, ratio, backward_ratio, min_samples, generator, meter, memory)
    if a.dim() != 2 or b.dim() != 2:
        raise ShapeError(
            f"a has shape {tuple(a.shape)} and b has shape {tuple(b.shape)}; both must be matrices"
        )
    if a.shape[1] != b.shape[0]:
        raise ShapeError(
            f"a has {a.shape[1]} columns but b has {b.shape[0]} rows; a @ b needs them equal"
        )
    return linear(a, b.t(), None, how)
