"""Small studies as specs."""

from typing import Any

from crs_core.spec import StudySpec, parse_any

SMALL: dict[str, Any] = {
    "kind": "matmul_error",
    "operation": {"name": "matmul", "m": 9, "n": 20, "p": 6},
    "method": {"name": "nps", "replacement": True, "scaled": True},
    "ratios": [0.1, 0.5, 1.0],
    "draws": 200,
    "seed": 3,
}
CONVOLUTION: dict[str, Any] = SMALL | {
    "operation": {
        "name": "conv2d", "batch": 2, "channels": 10, "image_size": 6, "filters": 5,
        "kernel_size": 3, "padding": 1,
    },
    "distribution": {"name": "normal", "mean": 1.0},
    "distribution_b": {"name": "normal"},
}  # fmt: skip


def study(base: dict[str, Any] = SMALL, **changes: Any) -> StudySpec:
    found = parse_any(base | changes)
    assert isinstance(found, StudySpec)
    return found
