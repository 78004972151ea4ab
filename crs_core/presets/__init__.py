"""Specs to start from: the paper's rows, and small ones that end within seconds or minutes.

The recipes for MNIST are those of Adelman & Silberstein 2018, section 4: Adam at 1e-3, batches of
50, 55,000 examples for training and 5,000 for validation. `min_samples` is 10 in the rows of its
Table 2, 1 in the others. The CNN's initial weights are those of the code that the paper names
(`mnist_deep.py` of TensorFlow's tutorials). Torch is not imported.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from crs_core.presets.beyond import BEYOND
from crs_core.presets.preset import ADAM, SMALL_MLP, TOPK, Preset, rule, sampled
from crs_core.presets.texts import TEXTS
from crs_core.presets.wrn import WIDE

__all__ = ["PRESETS", "Preset"]

_MLP: dict[str, Any] = {
    "model": {"name": "mlp"},
    "dataset": {"name": "mnist"},
    "training": {"epochs": 20, "batch_size": 50, "optimizer": ADAM},
}
_CNN: dict[str, Any] = {
    "model": {"name": "cnn", "initial_weights": "truncated_normal"},
    "dataset": {"name": "mnist"},
    "training": {"steps": 20_000, "batch_size": 50, "optimizer": ADAM},
}
_SMALL_CNN: dict[str, Any] = {
    "model": {"name": "cnn", "channels": [16, 32], "kernel_size": 3, "hidden": 64},
    "dataset": {"name": "digits"},
    "training": {"epochs": 30, "batch_size": 25, "optimizer": ADAM},
    "report": {"every_steps": 20},
}

_NPS = {"name": "nps", "replacement": True, "scaled": True}
_UNIFORM = {"name": "uniform", "scaled": True}
_BERNOULLI = {"name": "bernoulli"}
_MEPROP = {"name": "meprop"}

_ALL = (
    Preset(
        "mlp-exact",
        "MLP on MNIST, exact",
        "The baseline: 784-500-500-10, 20 epochs. The paper reports 98.16 %.",
        _MLP,
    ),
    Preset(
        "mlp-topk40",
        "MLP on MNIST, top-k 40 %",
        "The 40 % of pairs with the largest scores in every product; saves 60 % of the compute.",
        sampled(_MLP, rule(TOPK, forward=0.4)),
    ),
    Preset(
        "mlp-topk40-backward5",
        "MLP on MNIST, top-k 40 %, backward 5 %",
        "Table 2: at least 10 pairs, and 5 % of the gradients' pairs on top; saves 79.5 %. The "
        "paper reports 98.1 %.",
        sampled(_MLP, rule(TOPK, forward=0.4, backward=0.05) | {"min_samples": 10}),
    ),
    Preset(
        "mlp-nps40",
        "MLP on MNIST, norm-proportional 40 %",
        "Pairs drawn with replacement in proportion to their scores, and scaled: each product is "
        "unbiased.",
        sampled(_MLP, rule(_NPS, forward=0.4)),
    ),
    Preset(
        "mlp-bernoulli40",
        "MLP on MNIST, Bernoulli 40 %",
        "Each pair alone with a probability in proportion to its score, scaled: each product is "
        "unbiased.",
        sampled(_MLP, rule(_BERNOULLI, forward=0.4)),
    ),
    Preset(
        "mlp-uniform40",
        "MLP on MNIST, uniform 40 %",
        "Pairs drawn whatever their scores, without replacement, and scaled: each product is "
        "unbiased.",
        sampled(_MLP, rule(_UNIFORM, forward=0.4)),
    ),
    Preset(
        "mlp-meprop",
        "MLP on MNIST, meProp 30 of 500",
        "The paper's other method: exact forward, gradients from the 30 of 500 features with the "
        "largest gradient, the last layer exact; saves 54.1 %. The paper reports 98.08 %; dropout "
        "as in the code of Sun et al. 2017, which that number comes from.",
        sampled(
            {**_MLP, "model": {"name": "mlp", "dropout": 0.1}},
            rule(_MEPROP, backward=30 / 500),
            {"layers": "fc3", "policy": {"name": "exact"}},
        ),
    ),
    Preset(
        "cnn-exact",
        "CNN on MNIST, exact",
        "The baseline: two convolutions, two fully connected layers, 20,000 steps. The paper "
        "reports 99.29 %.",
        _CNN,
    ),
    Preset(
        "cnn-topk30",
        "CNN on MNIST, top-k 30 %",
        "The 30 % of pairs with the largest scores in every product; saves 66.9 %. The paper "
        "reports 99.21 %.",
        sampled(_CNN, rule(TOPK, forward=0.3)),
    ),
    Preset(
        "cnn-topk40-backward20",
        "CNN on MNIST, top-k 40 %, backward 20 %",
        "Table 2: conv1 exact, at least 10 pairs, and 20 % of the gradients' pairs on top; saves "
        "78.6 %. The paper reports 99.25 %.",
        sampled(
            _CNN,
            rule(TOPK, forward=0.4, backward=0.2) | {"min_samples": 10},
            {"layers": "conv1", "policy": {"name": "exact"}},
        ),
    ),
    Preset(
        "digits-exact",
        "MLP on Digits, exact",
        "A baseline of seconds, with data that scikit-learn brings.",
        SMALL_MLP,
    ),
    Preset(
        "digits-topk",
        "MLP on Digits, top-k 40 %",
        "The 40 % of pairs with the largest scores in every product, in seconds.",
        sampled(SMALL_MLP, rule(TOPK, forward=0.4)),
    ),
    Preset(
        "digits-nps",
        "MLP on Digits, norm-proportional 40 %",
        "Pairs drawn with replacement in proportion to their scores, and scaled; in seconds.",
        sampled(SMALL_MLP, rule(_NPS, forward=0.4)),
    ),
    Preset(
        "digits-bernoulli",
        "MLP on Digits, Bernoulli 40 %",
        "Each pair alone with a probability in proportion to its score, scaled; in seconds.",
        sampled(SMALL_MLP, rule(_BERNOULLI, forward=0.4)),
    ),
    Preset(
        "digits-meprop",
        "MLP on Digits, meProp 6 %",
        "Exact forward, gradients from the 6 % of features with the largest gradient, the last "
        "layer exact; in seconds.",
        sampled(
            SMALL_MLP,
            rule(_MEPROP, backward=0.06),
            {"layers": "fc3", "policy": {"name": "exact"}},
        ),
    ),
    Preset(
        "digits-cnn-exact",
        "CNN on Digits, exact",
        "A small convolutional baseline.",
        _SMALL_CNN,
    ),
    Preset(
        "digits-cnn-topk",
        "CNN on Digits, top-k 40 %",
        "The 40 % of channels and features with the largest scores; conv1 has one channel and so "
        "an exact forward product.",
        sampled(_SMALL_CNN, rule(TOPK, forward=0.4)),
    ),
)

PRESETS: Mapping[str, Preset] = MappingProxyType(
    {p.name: p for p in (*_ALL, *BEYOND, *WIDE, *TEXTS)}
)
"""Every preset by its name, in the order in which they are shown."""
