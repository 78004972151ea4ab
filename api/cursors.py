"""Cursors of lists whose order is a position, as the queue's."""

from api.errors import ParameterError

MOST = 1 << 31


def position(cursor: str | None) -> int:
    """Read where a page begins. Raises ParameterError."""
    if cursor is None:
        return 0
    if cursor.isascii() and cursor.isdigit() and len(cursor) < 11 and int(cursor) <= MOST:
        return int(cursor)
    raise ParameterError("cursor", f"{cursor!r} is no cursor; send back `next` of the page before")


def after(place: int) -> str:
    """Write where the next page begins."""
    return str(place)
