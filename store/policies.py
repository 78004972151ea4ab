"""What policy a spec has in a word: for lists, comparisons and exports alike. Pure."""

from collections.abc import Mapping
from typing import Any

from crs_core.spec import facets


def policy_of(spec: Mapping[str, Any]) -> str:
    """Name the policy or method, `mixed` where there are several sampled ones."""
    names = facets(spec).policies
    return names[0] if len(names) == 1 else "mixed"
