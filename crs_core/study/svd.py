"""Truncated SVD: A replaced by the nearest matrix of rank k, A_k = U_k S_k V_kᵀ, then A_k B.

Nothing is random; with k = min(m, n) the product is exact. The nearest matrix to A need not give
the nearest product to A B. Used on weights that do not change, the factorization is done once; in
training it is due at every product (section 3 of the paper, 2018), and it is counted so here.
"""

import torch
from torch import Tensor

from crs_core.errors import ShapeError
from crs_core.spec import TruncatedSVD
from crs_core.study.matrices import Matrices


def truncate(
    factors: Matrices,
    k: int,
    draws: int,  # noqa: ARG001
    method: TruncatedSVD,  # noqa: ARG001
    generator: torch.Generator,  # noqa: ARG001
) -> Tensor:
    """Give A_k B, F x m x p. Raises ShapeError for a matrix without rows or columns."""
    a, b = factors.a, factors.b
    if 0 in a.shape[1:]:
        raise ShapeError(
            f"a is {a.shape[1]} x {a.shape[2]}: a matrix without rows or columns has no singular "
            "values; give at least one of each"
        )
    u, s, vh = torch.linalg.svd(a, full_matrices=False)
    found: Tensor = u[..., :k] @ (s[..., :k, None] * (vh[..., :k, :] @ b))
    return found


def no_formula(factors: Matrices, k: int, method: TruncatedSVD) -> None:
    """Say that there is no mean over draws: one result is all there is."""
