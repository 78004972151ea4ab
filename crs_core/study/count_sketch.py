"""Compressed matrix multiplication (Pagh, Compressed matrix multiplication, TOCT 5(3), 2013).

The product is the sum of n outer products. With hash functions f of the rows of A and g of the
columns of B to b buckets, and signs s and t, entry (i, j) goes to bucket f(i) + g(j) mod b with the
sign s(i) t(j). The sketch of an outer product is then the cyclic convolution of the sketches of its
two vectors, which the Fourier transform makes a product; only one inverse transform is needed, of
the sum:

    z = irfft( Σ_l rfft(sketch of A^(l)) · rfft(sketch of B_(l)) )
    C̃_ij = s(i) t(j) z[f(i) + g(j) mod b]

Unbiased, and with functions drawn wholly at random the mean of ‖C − C̃‖_F² is exactly
(m p − 1) ‖C‖_F² / b. With several sketches an entry is the median of theirs: less often far off,
and no longer exactly unbiased. It is made for products with few large entries, as those of sparse
matrices: every entry has the *whole* of C as its error, spread over b buckets.
"""

import torch
from torch import Tensor

from crs_core.spec import CountSketch
from crs_core.study.matrices import Matrices


def sketch(
    factors: Matrices, k: int, draws: int, method: CountSketch, generator: torch.Generator
) -> Tensor:
    """Give C̃ for each draw, D x m x p; the factors are one pair or D."""
    buckets = k * method.buckets_per_pair
    found = [_once(factors, buckets, draws, generator) for _ in range(method.repetitions)]
    if len(found) == 1:
        return found[0]
    middle: Tensor = torch.stack(found).median(dim=0).values
    return middle


def expected_square(factors: Matrices, k: int, method: CountSketch) -> Tensor | None:
    """Give the mean of ‖C − C̃‖_F² over the draws, F numbers; None for a median of sketches."""
    if method.repetitions > 1:
        return None
    c = factors.product
    square: Tensor = c.square().sum((1, 2))
    return square * (c[0].numel() - 1) / (k * method.buckets_per_pair)


def _once(factors: Matrices, buckets: int, draws: int, generator: torch.Generator) -> Tensor:
    a, b = factors.a, factors.b
    rows, row_signs = _hash(a.shape[1], buckets, draws, generator, a)
    columns, column_signs = _hash(b.shape[2], buckets, draws, generator, a)
    left = _fold(a.mT, rows, row_signs, buckets)
    right = _fold(b, columns, column_signs, buckets)
    transformed = (torch.fft.rfft(left) * torch.fft.rfft(right)).sum(1)
    z = torch.fft.irfft(transformed, n=buckets)
    at = (rows[:, :, None] + columns[:, None, :]) % buckets
    found: Tensor = z.gather(1, at.flatten(1)).view(at.shape)
    return found * (row_signs[:, :, None] * column_signs[:, None, :])


def _hash(
    size: int, buckets: int, draws: int, generator: torch.Generator, like: Tensor
) -> tuple[Tensor, Tensor]:
    """Draw a bucket and a sign for each of `size` places, D x size."""
    at = torch.randint(buckets, (draws, size), generator=generator)
    signs = torch.randint(2, (draws, size), generator=generator).mul_(2).sub_(1)
    return at.to(like.device), signs.to(like.device, like.dtype)


def _fold(vectors: Tensor, at: Tensor, signs: Tensor, buckets: int) -> Tensor:
    """Sketch each vector (F x n x size) with the functions of each draw: D x n x buckets."""
    signed = vectors * signs[:, None, :]
    folded = signed.new_zeros(*signed.shape[:2], buckets)
    return folded.scatter_add_(2, at[:, None, :].expand_as(signed), signed)
