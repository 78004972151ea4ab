"""What policy a spec has in a word: for lists, comparisons and exports alike. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from crs_core.spec import facets


def policy_of(spec: Mapping[str, Any]) -> str:
    """Name the policy or method, `mixed` where there are several sampled ones."""
    return in_a_word(facets(spec).policies)


def in_a_word(names: Sequence[str]) -> str:
    """Name the only one, or say that there are several."""
    return names[0] if len(names) == 1 else "mixed"
