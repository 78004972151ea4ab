"""Figures 1a and 1b: the error of single products of random matrices, every variant.

Section 3.2: 100 x 100 matrices, 1000 draws for each ratio. The text names the distribution of
Figure 1b, N(0, 1), and not that of Figure 1a; N(1, 1) is our assumption. One matrix of each is the
case of its third observation.
"""

from colrow.reproduction.mnist import VARIANTS
from colrow.reproduction.parts import Experiment, NoLoss, Order, Recipe, Setting
from crs_core.presets import PRESETS


def _recipe(name: str, preset: str) -> Recipe:
    full = {part: v for part, v in PRESETS[preset].spec.items() if part != "method"}
    small = {
        "operation": {"name": "matmul", "m": 20, "n": 20, "p": 20},
        "ratios": [0.1, 0.3, 0.5, 0.8],
        "draws": 50,
        "spectral_draws": 5,
    }
    return Recipe(name, full, {**full, **small}, metric="frobenius_error")


def _settings(recipe: Recipe, quick_seeds: int) -> dict[str, Setting]:
    return {
        variant: Setting(recipe, variant, changes={"method": policy}, quick_seeds=quick_seeds)
        for variant, policy in VARIANTS.items()
    }


def _order(settings: dict[str, Setting], better: str, worse: str) -> Order:
    return Order(f"{better} errs less than {worse}", (settings[better],), (settings[worse],))


_WITHOUT_REPLACEMENT = tuple((kind, f"{kind} replacement") for kind in ("nps", "uniform"))
_WITHOUT_SCALING = tuple(
    (name, f"{name} scaled")
    for name in ("nps", "nps replacement", "uniform", "uniform replacement")
)

_ONE_A = _settings(_recipe("N(1, 1) x N(1, 1)", "figure1a-topk"), 1)
_ONE_B = _settings(_recipe("N(0, 1) x N(0, 1)", "figure1b-topk"), 2)
_MIXED = _settings(_recipe("N(0, 1) x N(1, 1)", "figure1-mixed-topk"), 1)

FIGURE1A = Experiment(
    "figure1a",
    "Figure 1a: error of a product of matrices N(1, 1)",
    "The distribution is our assumption. Errors are averaged over the ratios, seed by seed.",
    tuple(_ONE_A.values()),
    tuple(
        _order(_ONE_A, f"{kind} scaled", f"{kind} replacement scaled")
        for kind in ("nps", "uniform")
    ),
    figure="errors",
    priority=20,
)


def _observations(settings: dict[str, Setting]) -> tuple[NoLoss | Order, ...]:
    return (
        *(_order(settings, *pair) for pair in _WITHOUT_REPLACEMENT),
        *(_order(settings, *pair) for pair in _WITHOUT_SCALING),
        NoLoss("topk errs like nps, at most 5 % more", settings["topk"], settings["nps"], 0.05),
    )


FIGURE1B = Experiment(
    "figure1b",
    "Figure 1b: error of a product of matrices N(0, 1)",
    "Errors are averaged over the ratios, seed by seed.",
    tuple(_ONE_B.values()),
    _observations(_ONE_B),
    figure="errors",
    priority=20,
)
FIGURE1_MIXED = Experiment(
    "figure1-mixed",
    "Section 3.2: one matrix N(0, 1), one N(1, 1)",
    "The paper's third observation is of matrices of which one or both have zero mean.",
    tuple(_MIXED.values()),
    _observations(_MIXED),
    figure="errors",
    priority=20,
)
