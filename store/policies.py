"""What policy and ratio a spec has in a word: for lists, filters and comparisons alike. Pure.

Rules that leave layers exact do not count beside a sampled one: `topk` on fc1 and fc2, and exact on
the rest, is `topk`.
"""

from collections.abc import Mapping
from typing import Any


def names_of(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """Name the sampled policies, each once, in the order of the rules; `exact` without any."""
    return tuple(dict.fromkeys(rule["policy"]["name"] for rule in _sampled(spec))) or ("exact",)


def policy_of(spec: Mapping[str, Any]) -> str:
    """Name the policy, `mixed` where there are several sampled ones."""
    names = names_of(spec)
    return names[0] if len(names) == 1 else "mixed"


def ratio_of(spec: Mapping[str, Any]) -> float | None:
    """Give the forward ratio: 1 when exact, None where sampled rules differ in it."""
    ratios = {rule["forward"] for rule in _sampled(spec)} or {1.0}
    return ratios.pop() if len(ratios) == 1 else None


def _sampled(spec: Mapping[str, Any]) -> list[Any]:
    return [rule for rule in spec["approximation"] if rule["policy"]["name"] != "exact"]
