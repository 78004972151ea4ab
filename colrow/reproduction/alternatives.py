"""What the paper dismisses by argument alone, measured: section 3, and Eq. 7 beside Eq. 8.

Section 3 names random walks, random projections, sketches by FFT and truncated SVD, and sets three
demands: any input, fewer operations than the product itself, and ease on common hardware. So each
is shown with its error and with its cost, in multiply-accumulates and in measured time.
"""

from typing import Any

from colrow.reproduction.mnist import VARIANTS
from colrow.reproduction.parts import Cost, Experiment, NoLoss, Order, Recipe, Setting
from crs_core.presets import PRESETS

_METHODS: dict[str, Any] = {
    "topk": VARIANTS["topk"],
    "nps replacement scaled": VARIANTS["nps replacement scaled"],
    "random projection": {"name": "random_projection"},
    "random projection, signs": {"name": "random_projection", "entries": "sign"},
    "truncated SVD": {"name": "svd"},
    "count sketch": {"name": "count_sketch"},
    "count sketch, median of 3": {"name": "count_sketch", "repetitions": 3},
}
_WALK: dict[str, Any] = {"random walk": {"name": "random_walk"}}


def _of_preset(name: str) -> dict[str, Any]:
    return {part: v for part, v in PRESETS[name].spec.items() if part != "method"}


def _matrices(name: str, distribution: dict[str, Any]) -> Recipe:
    full = {**_of_preset("alternative-svd"), "distribution": distribution}
    small = {
        "operation": {"name": "matmul", "m": 20, "n": 20, "p": 20},
        "ratios": [0.1, 0.3, 0.5, 0.8],
        "draws": 20,
        "spectral_draws": 5,
    }
    return Recipe(name, full, {**full, **small}, metric="frobenius_error")


def _settings(recipe: Recipe, methods: dict[str, Any]) -> dict[str, Setting]:
    return {
        name: Setting(recipe, name, changes={"method": method}, quick_seeds=1)
        for name, method in methods.items()
    }


_CENTRED = _settings(_matrices("N(0, 1)", {"name": "normal"}), _METHODS)
_POSITIVE = _settings(_matrices("uniform(0, 1)", {"name": "uniform"}), {**_METHODS, **_WALK})

ALTERNATIVES = Experiment(
    "alternatives",
    "Section 3: what the paper dismisses, measured",
    "100 x 100 matrices, 100 draws for each share of pairs, three seeds; all of it takes a few "
    "minutes on one core. The paper demands fewer operations than the product itself, for any "
    "input, and gives no numbers; cost is judged at half of the pairs, with all that a method "
    "needs beforehand (the projection, the factorization, the transforms). A random walk is "
    "refused for entries below 0, as the paper says, so it stands beside the others for "
    "uniform(0, 1) alone.",
    (*_CENTRED.values(), *_POSITIVE.values()),
    (
        Cost("sampling pairs costs less than the product", _CENTRED["topk"], saves=True),
        Cost(
            "random projection costs about what the product does",
            _CENTRED["random projection"],
            saves=False,
        ),
        Cost("truncated SVD costs more than the product", _CENTRED["truncated SVD"], saves=False),
        Order(
            "a sketch by FFT is not effective for dense matrices: it errs more than topk, N(0, 1)",
            (_CENTRED["topk"],),
            (_CENTRED["count sketch"],),
        ),
        Order(
            "a sketch by FFT is not effective for dense matrices: the same for uniform(0, 1)",
            (_POSITIVE["topk"],),
            (_POSITIVE["count sketch"],),
        ),
    ),
    figure="costs",
    priority=15,
)


def _images(name: str, mean: float) -> Recipe:
    full = {**_of_preset("convolution-topk"), "distribution": {"name": "normal", "mean": mean}}
    small = {
        "operation": {**full["operation"], "channels": 8, "image_size": 6, "filters": 4},
        "ratios": [0.25, 0.5, 0.75],
        "draws": 20,
        "spectral_draws": 5,
    }
    return Recipe(name, full, {**full, **small}, metric="frobenius_error")


_CLOSE = ("nps replacement scaled", "uniform replacement scaled")
"""They differ by less than they spread; three seeds don't tell which is better."""
_SCORED = ("topk", "nps", "nps replacement scaled", "bernoulli")


def _channels(recipe: Recipe) -> dict[str, Setting]:
    found: dict[str, Setting] = {}
    changes: dict[str, Any]
    for name in (*_SCORED, "uniform", "uniform replacement scaled"):
        changes = {"method": VARIANTS[name]}
        seeds = 10 if name in _CLOSE else 3
        found[name] = Setting(recipe, name, changes=changes, seeds=seeds, quick_seeds=1)
    for name in _SCORED:
        changes = {"method": VARIANTS[name], "score": "optimal"}
        series = f"{name}, Eq. 7"
        found[series] = Setting(recipe, series, changes=changes, quick_seeds=1)
    return found


_IMAGES = {
    name: _channels(_images(name, mean))
    for name, mean in (("images N(0, 1)", 0), ("images N(1, 1)", 1))
}


def _asked(name: str, found: dict[str, Setting]) -> list[NoLoss | Order]:
    """Give what the paper says of channels."""
    norms, uniform = found["nps replacement scaled"], found["uniform replacement scaled"]
    better = f"Eq. 8 does better than uniform, with replacement and scaled, {name}"
    return [
        Order(better, (norms,), (uniform,)),
        *(
            NoLoss(
                f"{policy}: Eq. 8 errs at most 5 % more than Eq. 7, {name}",
                found[policy],
                found[f"{policy}, Eq. 7"],
                0.05,
            )
            for policy in ("topk", "nps replacement scaled")
        ),
    ]


CONVOLUTION = Experiment(
    "convolution",
    "Section 4: the cheap scores of Eq. 8 beside the optimal ones of Eq. 7",
    "Channels of a convolution: 32 of 12 x 12, 16 filters of 3 x 3, kernels N(0, 1), 250 draws for "
    "each share of channels, three seeds, and ten of what is close; minutes on one core. Without a "
    "note the scores are the norms of Eq. 8. The paper keeps those, since Eq. 7 is too expensive "
    "to train with, expects little from leaving it out, and asks whether they do better than "
    "uniform sampling.",
    tuple(setting for found in _IMAGES.values() for setting in found.values()),
    tuple(claim for name, found in _IMAGES.items() for claim in _asked(name, found)),
    figure="errors",
    priority=15,
)
