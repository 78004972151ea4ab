"""Presets of the paper's MLP and CNN on MNIST: its Tables 1 and 2, Figures 1c, 2a and 2b.

The recipes are those of Adelman & Silberstein 2018, section 4: Adam at 1e-3, batches of 50, 55,000
examples for training and 5,000 for validation. `min_samples` is 10 in the rows of its Table 2, 1 in
the others. The CNN's initial weights are those of the code that the paper names (`mnist_deep.py` of
TensorFlow's tutorials).
"""

from collections.abc import Iterator
from typing import Any

from crs_core.presets.preset import ADAM, BERNOULLI, MEPROP, NPS, TOPK, Preset, rule, sampled

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
_DROPOUT: dict[str, Any] = {**_MLP, "model": {"name": "mlp", "dropout": 0.1}}
_UNIFORM = {"name": "uniform", "scaled": True}

_ROWS = (
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
        sampled(_MLP, rule(NPS, forward=0.4)),
    ),
    Preset(
        "mlp-bernoulli40",
        "MLP on MNIST, Bernoulli 40 %",
        "Each pair alone with a probability in proportion to its score, scaled: each product is "
        "unbiased.",
        sampled(_MLP, rule(BERNOULLI, forward=0.4)),
    ),
    Preset(
        "mlp-uniform40",
        "MLP on MNIST, uniform 40 %",
        "Pairs drawn whatever their scores, without replacement, and scaled: each product is "
        "unbiased.",
        sampled(_MLP, rule(_UNIFORM, forward=0.4)),
    ),
    Preset(
        "mlp-dropout-exact",
        "MLP on MNIST, exact, dropout 10 %",
        "The baseline beside meProp, with dropout as in the code of Sun et al. 2017. The paper "
        "reports 98.01 %.",
        _DROPOUT,
    ),
    Preset(
        "mlp-meprop",
        "MLP on MNIST, meProp 30 of 500",
        "The paper's other method: exact forward, gradients from the 30 of 500 features with the "
        "largest gradient, the last layer exact; saves 54.1 %. The paper reports 98.08 %; dropout "
        "as in the code of Sun et al. 2017, which that number comes from.",
        sampled(
            _DROPOUT,
            rule(MEPROP, backward=30 / 500),
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
)

_LOW = (
    ("topk", TOPK, "top-k", "The largest scores"),
    (
        "plain-nps", {"name": "nps"}, "norm-proportional, not replaced nor scaled",
        "Pairs drawn in proportion to their scores, each once and as they are",
    ),
    ("nps", NPS, "norm-proportional", "Drawn with replacement, and scaled"),
    (
        "plain-uniform", {"name": "uniform"}, "uniform, not replaced nor scaled",
        "Pairs drawn whatever their scores, each once and as they are",
    ),
    ("bernoulli", BERNOULLI, "Bernoulli", "Each pair by a coin of its own, and scaled"),
)  # fmt: skip
"""Five policies at low ratios, where the paper sees them differ."""


def _low(
    network: str, title: str, figure: str, base: dict[str, Any], topk: tuple[int, ...]
) -> Iterator[Preset]:
    for name, policy, words, says in _LOW:
        for percent in topk if name == "topk" else (10,):
            yield Preset(
                f"{network}-{name}{percent}",
                f"{title} on MNIST, {words} {percent} %",
                f"{figure} of the paper. {says}: {percent} % of the pairs in every product.",
                sampled(base, rule(policy, forward=percent / 100)),
            )


MNIST = (
    *_ROWS,
    *_low("mlp", "MLP", "Figure 1c", _MLP, (10, 20, 30)),
    Preset(
        "cnn-topk20",
        "CNN on MNIST, top-k 20 %",
        "Figure 2b: the accuracy of 30 %, says the paper, reached more slowly.",
        sampled(_CNN, rule(TOPK, forward=0.2)),
    ),
    *_low("cnn", "CNN", "Figure 2a", _CNN, (10,)),
)
"""In the order in which they are shown."""
