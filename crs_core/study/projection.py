"""Random projection: A R Rᵀ B, with R a random n x k matrix (Sarlos 2006 and the works it cites).

R has independent entries of mean 0 and variance 1/k, so that E[R Rᵀ] is the identity and the result
is unbiased. On average ‖C − C̃‖_F² is exactly

    normal entries   (‖A‖_F² ‖B‖_F² + ‖A B‖_F²) / k
    signs            (‖A‖_F² ‖B‖_F² + ‖A B‖_F² − 2 Σ_i |A^(i)|² |B_(i)|²) / k

It looks at no entry of A and B, so there is no bad case, and no good one either.
"""

import torch
from torch import Tensor

from crs_core.spec import RandomProjection
from crs_core.study.matrices import Matrices


def project(
    factors: Matrices, k: int, draws: int, method: RandomProjection, generator: torch.Generator
) -> Tensor:
    """Give C̃ for each draw, D x m x p; the factors are one pair or D."""
    a, b = factors.a, factors.b
    size = (draws, a.shape[2], k)
    if method.entries == "normal":
        r = torch.randn(size, generator=generator, dtype=a.dtype).to(a.device)
    else:
        r = torch.randint(2, size, generator=generator).to(a.device, a.dtype).mul_(2).sub_(1)
    return (a @ r) @ (r.mT @ b) / k


def expected_square(factors: Matrices, k: int, method: RandomProjection) -> Tensor:
    """Give the mean of ‖C − C̃‖_F² over the draws, F numbers."""
    square = factors.norms.square() + factors.product.square().sum((1, 2))
    if method.entries == "sign":
        square = square - 2 * factors.scores.square().sum(1)
    return square / k
