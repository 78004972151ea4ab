"""Lengths of time as people write them."""

import re

from colrow.errors import ColrowError

UNITS_S = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


def seconds(text: str) -> float:
    """Read `90`, `90s`, `10m`, `1.5h`, `2d`. Raises ColrowError."""
    match = re.fullmatch(r"\s*([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*([smhd]?)\s*", text, re.ASCII)
    value = float(match[1]) * UNITS_S[match[2]] if match else 0.0
    if value <= 0:
        raise ColrowError(
            f"{text!r} is no length of time; write a number above 0 and a unit, as in 90s, 10m, "
            "1.5h or 2d"
        )
    return value
