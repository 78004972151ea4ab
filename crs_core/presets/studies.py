"""Presets of studies: the paper's Figures 1a and 1b, what it dismisses, Eq. 7 beside Eq. 8.

A study has one method, so each figure has a preset for each method of interest: on the page further
methods are set beside it, and `colrow/examples/` has the figures whole.
"""

from collections.abc import Iterator
from typing import Any

from crs_core.presets.preset import NPS, TOPK, Preset

_CENTRED: dict[str, Any] = {"name": "normal"}
_SHIFTED: dict[str, Any] = {"name": "normal", "mean": 1.0}
_POSITIVE: dict[str, Any] = {"name": "uniform"}
_SERIAL: dict[str, Any] = {"threads": 1}
"""On one thread, so that the times of methods can be set side by side."""


def _product(a: dict[str, Any], b: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "matmul_error", "distribution": a, "distribution_b": b}


_FIGURES = (
    ("figure1a", "Figure 1a", "N(1, 1)", _product(_SHIFTED, _SHIFTED)),
    ("figure1b", "Figure 1b", "N(0, 1)", _product(_CENTRED, _CENTRED)),
    ("figure1-mixed", "Section 3.2", "N(0, 1) by N(1, 1)", _product(_CENTRED, _SHIFTED)),
)
_POLICIES = (
    ("topk", TOPK, "top-k", "The pairs with the largest product of norms."),
    (
        "plain-nps",
        {"name": "nps"},
        "norm-proportional, not replaced nor scaled",
        "Pairs drawn in proportion to their norms, each once and as they are.",
    ),
    (
        "nps",
        NPS,
        "norm-proportional",
        "Pairs drawn with replacement and scaled, beside the bound and the exact expectation.",
    ),
)


def _figures() -> Iterator[Preset]:
    for name, figure, entries, base in _FIGURES:
        for method, policy, words, says in _POLICIES:
            yield Preset(
                f"{name}-{method}",
                f"{figure}, {words}",
                f"Error of sampled products of 100 x 100 matrices, {entries}, 1000 draws. {says}",
                {**base, "method": policy},
            )


ALTERNATIVES: dict[str, Any] = {
    "kind": "matmul_error",
    "distribution": _CENTRED,
    "ratios": [k / 10 for k in range(1, 11)],
    "draws": 100,
    "resources": _SERIAL,
}
"""The study of what section 3 dismisses, but for its method."""
_OTHERS = (
    ("projection", {"name": "random_projection"}, "random projection", "A R Rᵀ B."),
    ("svd", {"name": "svd"}, "truncated SVD", "A of low rank; the factorization counts."),
    ("sketch", {"name": "count_sketch"}, "count sketch", "A sketch of the product, by FFT."),
)


def _others() -> Iterator[Preset]:
    for name, method, words, says in _OTHERS:
        yield Preset(
            f"alternative-{name}",
            f"Section 3, {words}",
            f"What the paper dismisses by argument: error and cost at 100 x 100, N(0, 1). {says}",
            {**ALTERNATIVES, "method": method},
        )
    yield Preset(
        "alternative-walk",
        "Section 3, random walk",
        "What the paper dismisses by argument: error and cost at 100 x 100, uniform(0, 1); entries "
        "below 0 are refused.",
        {**ALTERNATIVES, "distribution": _POSITIVE, "method": {"name": "random_walk"}},
    )


CONVOLUTION: dict[str, Any] = {
    "kind": "matmul_error",
    "operation": {
        "name": "conv2d",
        "batch": 2,
        "channels": 32,
        "image_size": 12,
        "filters": 16,
        "kernel_size": 3,
        "padding": 1,
    },
    "distribution": _CENTRED,
    "distribution_b": _CENTRED,
    "ratios": [k / 8 for k in range(1, 9)],
    "draws": 250,
    "spectral_draws": 50,
    "resources": _SERIAL,
}
"""The study of a convolution's channels, but for its method and score."""


def _channels() -> Iterator[Preset]:
    for name, policy, words in (("topk", TOPK, "top-k"), ("nps", NPS, "norm-proportional")):
        yield Preset(
            f"convolution-{name}",
            f"Convolution, {words} by Eq. 8",
            "Channels of a convolution chosen by norms, the cheap scores that the paper trains by.",
            {**CONVOLUTION, "method": policy},
        )
        yield Preset(
            f"convolution-{name}-optimal",
            f"Convolution, {words} by Eq. 7",
            "Channels of a convolution chosen by the optimal scores, too expensive to train with.",
            {**CONVOLUTION, "method": policy, "score": "optimal"},
        )


STUDIES: tuple[Preset, ...] = (*_figures(), *_others(), *_channels())
"""In the order in which they are shown."""
