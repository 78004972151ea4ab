"""The IDX format of MNIST: a big-endian header, then one unsigned byte per value."""

import struct

import numpy as np
from numpy.typing import NDArray

from crs_core.errors import DatasetError

UNSIGNED_BYTE = 8


def parse_idx(content: bytes, shape: tuple[int, ...], *, name: str) -> NDArray[np.uint8]:
    """Give the values of an IDX file, without a copy. `name` is for the errors.

    Header: two zero bytes, the type of the values, the number of dimensions, then each dimension as
    four bytes.

    Raises DatasetError where the content is not IDX, not of bytes, or not of `shape`.
    """
    magic = bytes((0, 0, UNSIGNED_BYTE, len(shape)))
    header = len(magic) + 4 * len(shape)
    if content[:4] != magic:
        raise DatasetError(
            f"{name} begins with {content[:4].hex() or 'nothing'}, but an IDX file of bytes in "
            f"{len(shape)} dimensions begins with {magic.hex()}; put the right file there"
        )
    if len(content) < header:
        raise DatasetError(
            f"{name} ends within its header, after {len(content)} of {header} bytes; "
            "put the whole file there"
        )
    found = struct.unpack_from(f">{len(shape)}I", content, len(magic))
    if found != shape:
        raise DatasetError(
            f"{name} holds {_times(found)} values, but {_times(shape)} are needed; "
            "put the right file there"
        )
    values = np.frombuffer(content, np.uint8, offset=header)
    if values.size != np.prod(shape):
        raise DatasetError(
            f"{name} has {values.size} bytes after its header, but {_times(shape)} values need "
            f"{np.prod(shape)}; put the whole file there"
        )
    return values.reshape(shape)


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
