"""The paper's wide residual network on CIFAR-100, and a small one that a CPU trains.

Section 4.1: half of the channels in all convolutions but the first, or in those with 320 and 640
filters alone; and, in a sentence each, the input layer sampled and the gradients sampled further.
"""

from typing import Any

from colrow.reproduction.parts import Experiment, NoLoss, Number, Order, Recipe, Setting
from crs_core.presets import PRESETS

_SMALL: dict[str, Any] = {
    "model": {"name": "wrn", "depth": 10, "width": 1},
    "dataset": {"name": "digits", "train_limit": 300},
    "training": {
        "epochs": 2,
        "batch_size": 50,
        "optimizer": {"name": "momentum", "lr": 0.05, "momentum": 0.9},
    },
    "report": {"every_steps": 2},
}
WRN = Recipe("WRN-28-10 on CIFAR-100", full=PRESETS["wrn-exact"].spec, quick=_SMALL)
SMALL_WRN = Recipe("WRN-10-1 on CIFAR-100", full=PRESETS["wrn-10-1-exact"].spec, quick=_SMALL)
_PRESETS = {
    "topk 50 %": "wrn-topk50",
    "topk 50 % of the larger filters": "wrn-large-topk50",
    "topk 50 %, input layer too": "wrn-input-topk50",
    "topk 50 %, backward 75 %": "wrn-topk50-backward75",
}


def _settings(recipe: Recipe, seeds: int, quick_seeds: int) -> dict[str, Setting]:
    found = {"exact": Setting(recipe, "exact", seeds=seeds, quick_seeds=quick_seeds)}
    for name, preset in _PRESETS.items():
        rules = PRESETS[preset].spec["approximation"]
        found[name] = Setting(recipe, name, rules, seeds=seeds, quick_seeds=quick_seeds)
    return found


_FULL = _settings(WRN, 1, 2)
_RELATIONS = _settings(SMALL_WRN, 3, 2)
_HALF, _LARGER, _INPUT, _BACKWARD = _PRESETS
POINT = 0.01

FIGURE2C = Experiment(
    "figure2c",
    "Figure 2c: WRN-28-10 on CIFAR-100, at full length",
    "For a GPU. The paper: 78.0 % exact, 77.1 % with half of the channels, 77.5 % with half of "
    "those of the larger convolutions.",
    tuple(_FULL.values()),
    (
        Number("exact reaches 78.0 %", _FULL["exact"], 0.78, 0.005),
        Number("half of the channels reach 77.1 %", _FULL[_HALF], 0.771, 0.005),
        Number("half of the larger convolutions' reach 77.5 %", _FULL[_LARGER], 0.775, 0.005),
    ),
    figure="curves",
    priority=-20,
    needs_gpu=True,
)

WRN_RELATIONS = Experiment(
    "wrn-relations",
    "The wide residual network's relations, in a size for a CPU",
    "Not the paper's network: WRN-10-1 on 20,000 images of CIFAR-100, 10 epochs. Its accuracies "
    "are far below the paper's; what is judged is which setting is better than which. The larger "
    "filters are those of the second and third group.",
    tuple(_RELATIONS.values()),
    (
        NoLoss(
            "half of the channels lose about a point at most",
            _RELATIONS[_HALF],
            _RELATIONS["exact"],
            POINT,
        ),
        NoLoss(
            "half of the larger filters lose less than half a point",
            _RELATIONS[_LARGER],
            _RELATIONS["exact"],
            POINT / 2,
        ),
        Order(
            "sampling the larger filters alone is better than sampling all",
            (_RELATIONS[_LARGER],),
            (_RELATIONS[_HALF],),
        ),
        Order(
            "sampling the input layer loses much",
            (_RELATIONS[_HALF],),
            (_RELATIONS[_INPUT],),
        ),
        Order(
            "sampling the gradients further loses noticeably",
            (_RELATIONS[_HALF],),
            (_RELATIONS[_BACKWARD],),
        ),
    ),
    figure="curves",
    priority=4,
)
