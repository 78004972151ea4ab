"""Presets that end within seconds: small networks on the digits that scikit-learn brings."""

from typing import Any

from crs_core.presets.preset import (
    ADAM,
    BERNOULLI,
    MEPROP,
    NPS,
    SMALL_MLP,
    TOPK,
    Preset,
    rule,
    sampled,
)

_SMALL_CNN: dict[str, Any] = {
    "model": {"name": "cnn", "channels": [16, 32], "kernel_size": 3, "hidden": 64},
    "dataset": {"name": "digits"},
    "training": {"epochs": 30, "batch_size": 25, "optimizer": ADAM},
    "report": {"every_steps": 20},
}

DIGITS = (
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
        sampled(SMALL_MLP, rule(NPS, forward=0.4)),
    ),
    Preset(
        "digits-bernoulli",
        "MLP on Digits, Bernoulli 40 %",
        "Each pair alone with a probability in proportion to its score, scaled; in seconds.",
        sampled(SMALL_MLP, rule(BERNOULLI, forward=0.4)),
    ),
    Preset(
        "digits-meprop",
        "MLP on Digits, meProp 6 %",
        "Exact forward, gradients from the 6 % of features with the largest gradient, the last "
        "layer exact; in seconds.",
        sampled(
            SMALL_MLP,
            rule(MEPROP, backward=0.06),
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
"""In the order in which they are shown."""
