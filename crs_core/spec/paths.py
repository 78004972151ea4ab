"""Nested data by dotted paths, as sweeps and settings write them. Pure."""

from collections.abc import Mapping
from typing import Any


def flatten(value: Any, path: str = "") -> dict[str, Any]:
    """Give what stands at every path: `{"approximation.0.forward": 0.4, "seed": 0}`.

    A list is opened only where mappings are in it; a list of numbers is one value.
    """
    if isinstance(value, Mapping):
        items = [(str(key), inside) for key, inside in value.items()]
    elif isinstance(value, list) and any(isinstance(inside, Mapping) for inside in value):
        items = [(str(place), inside) for place, inside in enumerate(value)]
    else:
        return {path: value}
    found: dict[str, Any] = {}
    for key, inside in items:
        found |= flatten(inside, f"{path}.{key}" if path else key)
    return found
