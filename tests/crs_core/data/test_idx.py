"""The IDX format, byte by byte."""

import numpy as np
import pytest

from crs_core.data.idx import parse_idx
from crs_core.errors import DatasetError

CONTENT = bytes.fromhex("000008020000000200000003") + bytes([1, 2, 3, 4, 5, 6])


def test_values_come_in_the_order_of_the_file():
    values = parse_idx(CONTENT, (2, 3), name="x")
    np.testing.assert_array_equal(values, [[1, 2, 3], [4, 5, 6]])
    assert values.dtype == np.uint8


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"\x1f\x8b\x08\x00" + CONTENT,
            "x begins with 1f8b0800, but an IDX file of bytes in 2 dimensions begins with "
            "00000802; put the right file there",
        ),
        (CONTENT.replace(b"\x08\x02", b"\x0d\x02"), "x begins with 00000d02, but"),
        (CONTENT.replace(b"\x08\x02", b"\x08\x03"), "x begins with 00000803, but"),
        (b"", "x begins with nothing, but"),
        (
            CONTENT[:9],
            "x ends within its header, after 9 of 12 bytes; put the whole file there",
        ),
        (
            CONTENT[:7] + b"\x04" + CONTENT[8:],
            "x holds 4 x 3 values, but 2 x 3 are needed; put the right file there",
        ),
        (
            CONTENT[:-1],
            "x has 5 bytes after its header, but 2 x 3 values need 6; put the whole file there",
        ),
        (CONTENT + b"\0", "x has 7 bytes after its header, but 2 x 3 values need 6"),
    ],
)
def test_what_is_not_such_a_file_is_refused(content, message):
    with pytest.raises(DatasetError) as caught:
        parse_idx(content, (2, 3), name="x")
    assert str(caught.value).startswith(message)
