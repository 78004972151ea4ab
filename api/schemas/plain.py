"""Data of any form from a client, such that both databases and every answer can hold it.

JSON as Python reads it has more: NaN and infinity, NUL and halves of surrogate pairs in text, lists
in lists in lists. A field with a type refuses these by itself; one that is a mere `dict` does not.
"""

import math
from collections.abc import Iterator
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, ValidationError
from pydantic_core import InitErrorDetails

MAX_DEPTH = 20
_T = TypeVar("_T")
_Place = tuple[str | int, ...]


def _check(value: _T) -> _T:
    """Give the value back. Raises ValidationError, which names every place at fault."""
    found: list[InitErrorDetails] = [
        {
            "type": "value_error",
            # One word: of several, as a union makes them, those after `model` would be left out.
            "loc": (".".join(map(str, place)),) if place else (),
            "input": None,
            "ctx": {"error": ValueError(why)},
        }
        for place, why in _faults(value)
    ]
    if found:
        raise ValidationError.from_exception_data("plain data", found)
    return value


def _faults(value: Any) -> Iterator[tuple[_Place, str]]:
    """Walk through all of it, without recursion: nested too deep is one of the faults."""
    waiting: list[tuple[_Place, Any]] = [((), value)]
    while waiting:
        place, inside = waiting.pop()
        if isinstance(inside, dict | list):
            if len(place) >= MAX_DEPTH:
                yield place, f"this is nested more than {MAX_DEPTH} deep; a spec is not"
                continue
            if isinstance(inside, dict):
                named = [((*place, _shown(key)), key, held) for key, held in inside.items()]
                yield from ((p, why) for p, key, _ in named for why in _faults_of_text(key))
                waiting += [(p, held) for p, _, held in reversed(named)]
            else:
                waiting += [((*place, i), held) for i, held in reversed(list(enumerate(inside)))]
        elif isinstance(inside, str):
            yield from ((place, why) for why in _faults_of_text(inside))
        elif isinstance(inside, float) and not math.isfinite(inside):
            yield place, f"this must be a finite number; got {inside}"


def _faults_of_text(text: str) -> Iterator[str]:
    if "\0" in text:
        yield f"text may not hold the character NUL; got {_shown(text)!r}"
    elif _shown(text) != text:
        yield f"this is no Unicode text: half of a surrogate pair; got '{_shown(text)}'"


def _shown(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


Plain = Annotated[_T, AfterValidator(_check)]
"""`Plain[dict[str, Any]]`: of JSON's own kinds through and through."""
