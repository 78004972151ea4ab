"""What the paper does not have: later policies and options, and a network of today.

No number of the paper stands against these; what is asked is ours, and is said to be so.
"""

from typing import Any

from colrow.reproduction import mnist
from colrow.reproduction.parts import Experiment, NoLoss, Order, Recipe, Rules, Setting
from crs_core.presets import PRESETS


def _mlp(series: str, ratio: float, policy: dict[str, Any], **more: Any) -> Setting:
    rule = {"layers": "*", "policy": policy, "forward": ratio, "min_samples": 1, **more}
    return Setting(mnist.MLP, f"{series} {100 * ratio:g} %", (rule,), quick_seeds=1)


_TOPK10 = mnist.sampled(mnist.MLP, "topk", 0.1)
_BERNOULLI10 = mnist.sampled(mnist.MLP, "bernoulli", 0.1)
_WTA = _mlp("winner takes all", 0.1, {"name": "wta"})
_EXPLORING = _mlp("topk with a tenth explored,", 0.1, {"name": "topk", "exploration": 0.1})
_KEPT = _mlp("topk by norms kept for 10 steps,", 0.1, {"name": "topk", "refresh_every": 10})
_ENDING = _mlp(
    "topk, exact for the last tenth,", 0.1, {"name": "topk"}, schedule={"exact_last": 0.1}
)
_COVERAGE = _mlp("topk for 90 % of the score, at most", 0.4, {"name": "topk", "coverage": 0.9})

BEYOND = Experiment(
    "beyond",
    "Beyond the paper: other policies and options, the MLP",
    "Each option at 10 % of the pairs, where there is something to lose: winner takes all (Liu et "
    "al. 2023), a tenth of the pairs drawn from all so that none starves, norms of the weights "
    "kept for ten steps, the last tenth of the training exact; and an adaptive budget that keeps "
    "as few pairs as hold 90 % of the score. 20 epochs on MNIST, three seeds, about two minutes a "
    "job on one core; what Figure 1c has is shared with it.",
    (
        mnist.MLP_EXACT, _TOPK10, _BERNOULLI10, _WTA, _EXPLORING, _KEPT, _ENDING,
        mnist.MLP_TOPK40, _COVERAGE,
    ),
    (
        Order("winner takes all does better than bernoulli", (_WTA,), (_BERNOULLI10,)),
        Order("exploring does better than topk alone", (_EXPLORING,), (_TOPK10,)),
        NoLoss("norms kept for ten steps lose nothing", _KEPT, _TOPK10, mnist.MARGIN),
        Order("ending exact does better than topk throughout", (_ENDING,), (_TOPK10,)),
        NoLoss("an adaptive budget loses nothing", _COVERAGE, mnist.MLP_TOPK40, mnist.MARGIN),
    ),
    priority=2,
    of_paper=False,
)  # fmt: skip

_GPT = Recipe(
    "small transformer on pydoc",
    full=PRESETS["gpt-pydoc-exact"].spec,
    quick={
        "model": {
            "name": "gpt", "width": 24, "depth": 1, "heads": 2, "sequence_length": 16,
        },
        "dataset": {"name": "pydoc", "train_limit": 8_000},
        "training": {
            "epochs": 2,
            "batch_size": 16,
            "optimizer": {"name": "adamw", "lr": 0.003},
            "clip_norm": 1.0,
        },
        "report": {"every_steps": 10},
    },
    metric="best_test_perplexity",
)  # fmt: skip


def _half(series: str, layers: str) -> Setting:
    rules: Rules = (
        {"layers": layers, "policy": {"name": "topk"}, "forward": 0.5, "min_samples": 1},
    )
    return Setting(_GPT, series, rules, quick_seeds=1)


_GPT_EXACT = Setting(_GPT, "exact", quick_seeds=1)
_GPT_ALL = _half("topk 50 % of all linear layers", "*")
_GPT_BLOCKS = _half("topk 50 % of the blocks' linear layers", "block*")
_GPT_OUTPUT = _half("topk 50 % of the output layer", "output")
PERCENT = 0.01

GPT = Experiment(
    "gpt",
    "Beyond the paper: a small transformer",
    "The method is not tied to the networks of 2018. Two blocks of width 128 on the manual of "
    "Python's interpreter, 12 epochs, three seeds, a few minutes a job on one core; attention "
    "itself is exact.",
    (_GPT_EXACT, _GPT_OUTPUT, _GPT_BLOCKS, _GPT_ALL),
    (
        NoLoss("half of the output layer's pairs lose nothing", _GPT_OUTPUT, _GPT_EXACT, PERCENT),
        NoLoss("half of the blocks' pairs lose nothing", _GPT_BLOCKS, _GPT_EXACT, PERCENT),
        NoLoss("half of all pairs lose nothing", _GPT_ALL, _GPT_EXACT, PERCENT),
    ),
    figure="curves",
    priority=3,
    of_paper=False,
)
