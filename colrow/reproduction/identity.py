"""When two specs say the same training."""

import json
from collections.abc import Mapping
from typing import Any

from crs_core.spec import parse_any

_NOT_TRAINING = ("report", "resources")
"""Parts of a spec that change nothing of what is learned."""


def identity(spec: Mapping[str, Any]) -> str:
    """Give a text that is equal for specs of the same training. Raises SpecError."""
    whole = parse_any(spec).model_dump(mode="json")
    return json.dumps({k: v for k, v in whole.items() if k not in _NOT_TRAINING}, sort_keys=True)
