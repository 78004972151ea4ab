"""The paper's wide residual networks on CIFAR-100, and small ones that a CPU can train.

Adelman & Silberstein 2018, section 4.2 and the supplement: 75,000 steps of 128 images, momentum
0.9, rates 0.1, 0.01 from step 40,000 and 0.001 from 60,000, L2 of 0.002 on convolutions and fc,
images padded to 36, cropped, flipped and whitened. Ours differs in one thing: 5,000 of the 50,000
training images are held back, and the test accuracy is read where they are answered best. The fully
connected layer is exact throughout, as there.
"""

from typing import Any

from crs_core.presets.preset import TOPK, Preset, rule, sampled

_CIFAR_100 = {
    "name": "cifar-100",
    "augmentation": {"crop_padding": 2, "flip": True},
    "whiten": True,
}
_WRN: dict[str, Any] = {
    "model": {"name": "wrn", "depth": 28, "width": 10},
    "dataset": _CIFAR_100,
    "training": {
        "steps": 75_000,
        "batch_size": 128,
        "optimizer": {"name": "momentum", "lr": 0.1, "momentum": 0.9, "weight_decay": 0.002},
        "weight_decay_on": "weights",
        "schedule": {
            "name": "step", "milestones": [40_000, 60_000], "factor": 0.1, "unit": "steps",
        },
    },
}  # fmt: skip


def _small(depth: int, width: int, **training: Any) -> dict[str, Any]:
    """Give the same recipe in short: fewer images, fewer steps, and less L2 for fewer weights."""
    return {
        "model": {"name": "wrn", "depth": depth, "width": width},
        "dataset": _CIFAR_100 | {"train_limit": 20_000},
        "training": {
            "batch_size": 64,
            "optimizer": {"name": "momentum", "lr": 0.1, "momentum": 0.9, "weight_decay": 0.0005},
            "weight_decay_on": "weights",
            **training,
        },
    }


_WRN_10_1 = _small(10, 1, epochs=10, schedule={"name": "step", "milestones": [6, 9]})
_WRN_16_2 = _small(16, 2, epochs=20, schedule={"name": "step", "milestones": [12, 17]})

_CONVOLUTIONS = {"layers": "group*"}
"""All but the first, which reads three channels."""
_LARGE = {"layers": "group[23].*"}
"""Those with 320 and 640 filters in WRN-28-10: of the second and third group."""
_WITH_INPUT = {"layers": "*conv?"}
"""All, also the first."""

WIDE = (
    Preset(
        "wrn-exact",
        "WRN-28-10 on CIFAR-100, exact",
        "The baseline: 75,000 steps, for a GPU. The paper reports 78.0 %.",
        _WRN,
    ),
    Preset(
        "wrn-topk50",
        "WRN-28-10 on CIFAR-100, top-k 50 %",
        "Half of the channels in every convolution but the first; saves 50.0 %. The paper reports "
        "77.1 %.",
        sampled(_WRN, rule(TOPK, **_CONVOLUTIONS, forward=0.5)),
    ),
    Preset(
        "wrn-large-topk50",
        "WRN-28-10 on CIFAR-100, top-k 50 % of 320 and 640 filters",
        "Half of the channels in the convolutions with 320 and 640 filters; saves 33.9 %. The "
        "paper reports 77.5 %.",
        sampled(_WRN, rule(TOPK, **_LARGE, forward=0.5)),
    ),
    Preset(
        "wrn-input-topk50",
        "WRN-28-10 on CIFAR-100, top-k 50 %, input layer too",
        "Half of the channels in every convolution, the first with its three included; saves "
        "50.0 %. The paper reports a significant drop.",
        sampled(_WRN, rule(TOPK, **_WITH_INPUT, forward=0.5)),
    ),
    Preset(
        "wrn-topk50-backward75",
        "WRN-28-10 on CIFAR-100, top-k 50 %, backward 75 %",
        "75 % of the gradients' pairs on top of half of the channels; saves 58.3 %. The "
        "paper reports a noticeable loss.",
        sampled(_WRN, rule(TOPK, **_CONVOLUTIONS, forward=0.5, backward=0.75)),
    ),
    Preset(
        "wrn-10-1-exact",
        "WRN-10-1 on CIFAR-100, exact",
        "A small baseline for a CPU: 20,000 images, 10 epochs.",
        _WRN_10_1,
    ),
    Preset(
        "wrn-10-1-topk50",
        "WRN-10-1 on CIFAR-100, top-k 50 %",
        "Half of the channels in every convolution but the first; saves 48.8 %. For a CPU.",
        sampled(_WRN_10_1, rule(TOPK, **_CONVOLUTIONS, forward=0.5)),
    ),
    Preset(
        "wrn-16-2-exact",
        "WRN-16-2 on CIFAR-100, exact",
        "A baseline that a CPU trains in an hour or two: 20,000 images, 20 epochs.",
        _WRN_16_2,
    ),
    Preset(
        "wrn-16-2-topk50",
        "WRN-16-2 on CIFAR-100, top-k 50 %",
        "Half of the channels in every convolution but the first; saves 49.8 %. For a CPU.",
        sampled(_WRN_16_2, rule(TOPK, **_CONVOLUTIONS, forward=0.5)),
    ),
    Preset(
        "wrn-16-2-large-topk50",
        "WRN-16-2 on CIFAR-100, top-k 50 % of the larger filters",
        "Half of the channels in the second and third group; saves 33.2 %. For a CPU.",
        sampled(_WRN_16_2, rule(TOPK, **_LARGE, forward=0.5)),
    ),
    Preset(
        "wrn-16-2-input-topk50",
        "WRN-16-2 on CIFAR-100, top-k 50 %, input layer too",
        "Half of the channels in every convolution, the first included; saves 49.9 %. For a CPU.",
        sampled(_WRN_16_2, rule(TOPK, **_WITH_INPUT, forward=0.5)),
    ),
    Preset(
        "wrn-16-2-topk50-backward75",
        "WRN-16-2 on CIFAR-100, top-k 50 %, backward 75 %",
        "75 % of the gradients' pairs on top of half of the channels; saves 58.2 %. For a CPU.",
        sampled(_WRN_16_2, rule(TOPK, **_CONVOLUTIONS, forward=0.5, backward=0.75)),
    ),
)
"""Presets of wide residual networks."""
