"""Random walks (Cohen & Lewis, Approximating matrix multiplication for pattern recognition, 1999).

A walk starts at row i of A, goes to pair l with the probability a_il w_l / W_i, and from there to
column j with b_lj / w_l, where w_l is the sum of row l of B and W_i = Σ_l a_il w_l that of row i of
A B. It ends at j with the probability (A B)_ij / W_i, so with w walks from each row

    C̃_ij = W_i · (walks from i that ended at j) / w

is unbiased, and the mean of ‖C − C̃‖_F² is exactly (Σ_i W_i² − ‖C‖_F²) / w. Probabilities cannot be
negative: no entry of A or B may be.
"""

import torch
from torch import Tensor

from crs_core.errors import ShapeError
from crs_core.spec import RandomWalk
from crs_core.study.matrices import Matrices


def walk(
    factors: Matrices, k: int, draws: int, method: RandomWalk, generator: torch.Generator
) -> Tensor:
    """Give C̃ for each draw, D x m x p; the factors are one pair or D.

    Raises ShapeError for a negative entry.
    """
    a, b = factors.a, factors.b
    for name, matrix in (("a", a), ("b", b)):
        if bool((matrix < 0).any()):
            raise ShapeError(
                f"{name} has a negative entry ({float(matrix.min()):g}); a random walk needs "
                "matrices without any: choose another method, or other entries"
            )
    m, n, p, walks = a.shape[1], a.shape[2], b.shape[2], k * method.walks_per_pair
    weights = b.sum(2)
    steps = a * weights[:, None, :]
    row_sums = steps.sum(2)
    first = torch.arange(len(a), device=a.device).expand(draws)
    rows = (first[:, None] * m + torch.arange(m, device=a.device))[..., None]
    pairs = _step(steps, rows.expand(draws, m, walks), generator)
    columns = _step(b, first[:, None, None] * n + pairs, generator)
    # Every (draw, row) counts its own walks.
    own = torch.arange(draws * m, device=a.device).view(draws, m, 1) * p
    counts = torch.bincount((own + columns).flatten(), minlength=draws * m * p)
    return counts.view(draws, m, p).to(a.dtype) * (row_sums[:, :, None] / walks)


def expected_square(factors: Matrices, k: int, method: RandomWalk) -> Tensor:
    """Give the mean of ‖C − C̃‖_F² over the draws, F numbers."""
    c = factors.product
    spread = c.sum(2).square().sum(1) - c.square().sum((1, 2))
    return spread / (k * method.walks_per_pair)


def _step(chances: Tensor, rows: Tensor, generator: torch.Generator) -> Tensor:
    """Draw a column in proportion to the entries of a row, for each of `rows`.

    `chances` is F x r x c, `rows` counts through all F · r of its rows. All rows are searched as
    one rising sequence, row r between r and r + 1. A row of zeros gives some column, of no weight.
    """
    size = chances.shape[2]
    sums = chances.flatten(0, 1).cumsum(1)
    sums = (sums / sums[:, -1:]).nan_to_num_(1.0)
    rising = (sums + torch.arange(len(sums), device=sums.device)[:, None]).flatten()
    u = torch.rand(rows.shape, generator=generator, dtype=torch.float64).to(rows.device)
    # right=True steps over columns of chance 0, whose sum is that of their neighbour.
    found = torch.searchsorted(rising, u + rows, right=True)
    return (found - rows * size).clamp_(0, size - 1)
