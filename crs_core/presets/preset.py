"""What a preset is, and how its rules are written."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Preset:
    """A named spec."""

    name: str
    title: str
    description: str
    spec: dict[str, Any]
    """What `crs_core.spec.parse_any` takes; what has a default is left out."""


TOPK = {"name": "topk"}
NPS = {"name": "nps", "replacement": True, "scaled": True}
BERNOULLI = {"name": "bernoulli"}
MEPROP = {"name": "meprop"}
ADAM = {"name": "adam", "lr": 0.001}
SMALL_MLP: dict[str, Any] = {
    "model": {"name": "mlp", "hidden": [128, 128]},
    "dataset": {"name": "digits"},
    "training": {"epochs": 30, "batch_size": 25, "optimizer": ADAM},
    "report": {"every_steps": 20},
}


def sampled(base: dict[str, Any], *rules: dict[str, Any]) -> dict[str, Any]:
    """Give `base` with rules."""
    return {**base, "approximation": list(rules)}


def rule(policy: dict[str, Any], **others: Any) -> dict[str, Any]:
    """Give a rule for every layer with at least one pair, but for what is said otherwise."""
    return {"layers": "*", "policy": policy, "min_samples": 1, **others}
