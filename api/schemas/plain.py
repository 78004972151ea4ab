"""Data of any form from a client, such that both databases and every answer can hold it.

JSON as Python reads it has more: NaN and infinity, NUL and halves of surrogate pairs in text, lists
in lists in lists. A field with a type refuses these by itself; one that is a mere `dict` does not.
"""

import math
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, ValidationError
from pydantic_core import InitErrorDetails

MAX_DEPTH = 20
MOST_FAULTS = 100
"""Places at fault that are looked for: each costs, and a megabyte holds hundreds of thousands."""
_T = TypeVar("_T")
_Place = tuple[str | int, ...]
_END: Any = object()


def _check(value: _T) -> _T:
    """Give the value back. Raises ValidationError, which names the places at fault."""
    found: list[InitErrorDetails] = [
        {
            "type": "value_error",
            # One word: of several, as a union makes them, those after `model` would be left out.
            "loc": (".".join(map(str, place)),) if place else (),
            "input": None,
            "ctx": {"error": ValueError(why)},
        }
        for place, why in islice(_faults(value), MOST_FAULTS)
    ]
    if found:
        raise ValidationError.from_exception_data("plain data", found)
    return value


def _faults(value: Any) -> Iterator[tuple[_Place, str]]:
    """Walk through all of it, without recursion: nested too deep is one of the faults."""
    waiting: list[Iterator[tuple[_Place, Any]]] = [iter([((), value)])]
    while waiting:
        place, inside = next(waiting[-1], ((), _END))
        if inside is _END:
            waiting.pop()
        elif isinstance(inside, dict | list):
            if len(place) >= MAX_DEPTH:
                yield place, f"this is nested more than {MAX_DEPTH} deep; a spec is not"
                continue
            if isinstance(inside, dict):
                for key in inside:
                    yield from (((*place, _shown(key)), why) for why in _faults_of_text(key))
                waiting.append(_below(place, ((_shown(k), held) for k, held in inside.items())))
            else:
                waiting.append(_below(place, enumerate(inside)))
        elif isinstance(inside, str):
            yield from ((place, why) for why in _faults_of_text(inside))
        elif isinstance(inside, float) and not math.isfinite(inside):
            yield place, f"this must be a finite number; got {inside}"


def _below(place: _Place, items: Iterable[tuple[str | int, Any]]) -> Iterator[tuple[_Place, Any]]:
    return (((*place, name), held) for name, held in items)


def _faults_of_text(text: str) -> Iterator[str]:
    if "\0" in text:
        yield f"text may not hold the character NUL; got {_shown(text)!r}"
    elif _shown(text) != text:
        yield f"this is no Unicode text: half of a surrogate pair; got '{_shown(text)}'"


def _shown(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


Plain = Annotated[_T, AfterValidator(_check)]
"""`Plain[dict[str, Any]]`: of JSON's own kinds through and through."""
