"""Where a page of a list ended, packed into one word that goes out and comes back."""

import base64
import binascii
import json
import math
from typing import Any

from store.errors import BadQuery
from store.text import clean

MAX_INTEGER = (1 << 63) - 1
"""The largest that both databases hold."""


def encode_cursor(parts: list[Any]) -> str:
    """Pack where a page ended into one word."""
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, *, length: int) -> list[Any]:
    """Unpack what `encode_cursor` made. Raises BadQuery."""
    try:
        parts = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        parts = None
    if not isinstance(parts, list) or len(parts) != length or not all(map(_is_kept, parts)):
        raise BadQuery(f"{cursor[:80]!r} is no cursor; use `next` of the page before, unchanged")
    return parts


def decode_key(cursor: str) -> int:
    """Unpack the cursor of a list that is in the order of one key. Raises BadQuery."""
    (key,) = decode_cursor(cursor, length=1)
    if not isinstance(key, int):
        raise BadQuery("the cursor was made for another list; start anew without one")
    return key


def _is_kept(part: Any) -> bool:
    """Whether a database can hold it: the inside of a cursor comes from outside like the rest."""
    match part:
        case None:
            return True
        case str():
            return clean(part) == part
        case bool():
            return False
        case int():
            return -MAX_INTEGER <= part <= MAX_INTEGER
        case float():
            return math.isfinite(part)
    return False
