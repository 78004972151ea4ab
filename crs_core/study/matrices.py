"""The pairs of a matrix product, column i of A with row i of B."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from crs_core.errors import ShapeError


@dataclass(frozen=True)
class Matrices:
    """Factors A (F x m x n) and B (F x n x p): F = 1, or a pair of matrices for each draw."""

    a: Tensor
    b: Tensor

    def __post_init__(self) -> None:
        """Raise ShapeError where the two do not fit."""
        if self.a.dim() != 3 or self.b.dim() != 3 or len(self.a) != len(self.b):
            raise ShapeError(
                f"a has shape {tuple(self.a.shape)} and b {tuple(self.b.shape)}; both must be "
                "stacks of equally many matrices"
            )
        if self.a.shape[2] != self.b.shape[1]:
            raise ShapeError(
                f"a has {self.a.shape[2]} columns but b has {self.b.shape[1]} rows; a @ b needs "
                "them equal"
            )

    @cached_property
    def scores(self) -> Tensor:
        """Give |A^(i)| |B_(i)| (Eq. 3), F x n."""
        # A sum of squares: torch's CPU norm across the rows takes several times as long.
        return (self.a.square().sum(1) * self.b.square().sum(2)).sqrt_()

    @cached_property
    def own_norms(self) -> Tensor:
        """Give ‖A^(i) ⊗ B_(i)‖_F, F x n: of an outer product that is its score."""
        return self.scores

    @cached_property
    def norms(self) -> Tensor:
        """Give ‖A‖_F ‖B‖_F, F numbers: what errors are relative to."""
        norms: Tensor = torch.linalg.matrix_norm(self.a)
        norms_b: Tensor = torch.linalg.matrix_norm(self.b)
        return norms * norms_b

    @cached_property
    def product(self) -> Tensor:
        """Give what `exact` gives, computed once."""
        return self.exact()

    def exact(self) -> Tensor:
        """Give A B, F x m x p."""
        return self.a @ self.b

    def weighted(self, weights: Tensor) -> Tensor:
        """Give Σ_i w_i A^(i) ⊗ B_(i) for each row of the weights (D x n); F is 1 or D."""
        b = self.b[0] if len(self.b) == 1 else self.b
        return (self.a * weights[:, None, :]) @ b

    def kept(self, indices: Tensor, scales: Tensor) -> Tensor:
        """Give Ã D B̃ as one would compute it, from the kept pairs of the first factors alone."""
        return (self.a[0].index_select(1, indices) * scales) @ self.b[0].index_select(0, indices)
