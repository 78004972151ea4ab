"""The order in which a tensor lies in memory, whatever the order of its dimensions.

A matrix may be stored column by column, images and kernels with the channels of one place together.
"""

from torch import Tensor


def storage_order(t: Tensor) -> tuple[int, ...]:
    """Give the dimensions of t in the order of its storage; the last one lies together.

    A tensor that is not dense in any order has the order of its dimensions.
    """
    plain = tuple(range(t.dim()))
    if t.is_contiguous():
        return plain
    order = tuple(sorted(plain, key=lambda dim: (-t.stride()[dim], dim)))
    return order if t.permute(order).is_contiguous() else plain


def is_turned(order: tuple[int, ...]) -> bool:
    """Whether that is another order than that of the dimensions."""
    return order != tuple(range(len(order)))


def back(order: tuple[int, ...]) -> tuple[int, ...]:
    """Give the permutation that undoes the one to `order`."""
    return tuple(order.index(dim) for dim in range(len(order)))
