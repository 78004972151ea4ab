"""Identifiers that sort by time: UUID version 7 (RFC 9562, 2024, method 3 of section 6.2)."""

import secrets
import time


def new_id() -> str:
    """Make a UUIDv7 as text: milliseconds, a fraction of one in 12 bits, 62 random bits."""
    ms, rest_ns = divmod(time.time_ns(), 1_000_000)
    fraction = rest_ns * 4096 // 1_000_000
    value = ms << 80 | 7 << 76 | fraction << 64 | 0b10 << 62 | secrets.randbits(62)
    h = f"{value:032x}"
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"
