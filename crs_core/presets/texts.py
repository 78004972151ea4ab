"""Presets of language modelling: the paper's LSTM on PTB, and sizes that train on a CPU.

The recipe of the paper (Adelman & Silberstein 2018, section 4.3): SGD at 1.0, gradients clipped at
5, batches of 20, 39 epochs; the rate is multiplied by 0.8 after each epoch from the 6th on, and by
0.74 from the 29th on where products are sampled (`lstm-late-…`; with an exact twin, so that what
sampling does is not mixed up with what the schedule does). The transformers are ours.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, get_args

from crs_core.presets.preset import Preset
from crs_core.spec import Gate

Rules = list[dict[str, Any]]


@dataclass(frozen=True)
class _Family:
    """A network on a text, from which a preset is made for each way to sample it."""

    name: str
    title: str
    size: str
    """What it is and how long it takes, in a few words."""
    spec: dict[str, Any]

    def preset(self, name: str, title: str, description: str, rules: Rules) -> Preset:
        spec = {**self.spec, "approximation": rules} if rules else self.spec
        return Preset(
            f"{self.name}-{name}", f"{self.title}, {title}", f"{description} {self.size}", spec
        )


def _half(layers: str, **more: Any) -> Rules:
    return [{"layers": layers, "policy": {"name": "topk"}, "forward": 0.5, "min_samples": 1} | more]


def _exact_and_all(family: _Family) -> Iterator[Preset]:
    yield family.preset("exact", "exact", "The baseline.", [])
    yield family.preset(
        "all50", "everything 50 %", "Half of the pairs in every layer; saves 50 %.", _half("*")
    )


def _of_late(family: _Family) -> Iterator[Preset]:
    """The paper's two rows: the output matrix, and everything."""
    yield from _exact_and_all(family)
    yield family.preset(
        "output50",
        "output matrix 50 %",
        "Half of the pairs of the output layer alone, which the paper samples.",
        _half("output"),
    )


def _of_any(family: _Family) -> Iterator[Preset]:
    """What every network for texts is sampled by."""
    yield from _of_late(family)
    yield family.preset(
        "output50-backward75",
        "output matrix 50 %, backward 75 %",
        "Of the gradients' own pairs three quarters: the paper reports that this loses much.",
        _half("output", backward=0.75),
    )


def _of_lstm(family: _Family) -> Iterator[Preset]:
    """What the paper reports in a sentence: gates sampled one by one, and all of them."""
    yield from _of_any(family)
    yield family.preset(
        "gates50",
        "all gates 50 %",
        "Half of the pairs of the product of all four gates, the output layer exact.",
        _half("lstm*"),
    )
    for gate in get_args(Gate):
        yield family.preset(
            f"{gate}-gate50",
            f"{gate} gate 50 %",
            f"Half of the pairs of the {gate} gate's product in every recurrent layer.",
            _half("lstm*", gates=[gate]),
        )


def _of_gpt(family: _Family) -> Iterator[Preset]:
    """The same, and attention sampled as well, with an exact twin: its products are layers then."""
    yield from _of_any(family)
    model = {**family.spec["model"], "sampled_attention": True}
    yield from _exact_and_all(
        replace(
            family,
            name=f"{family.name}-attention",
            title=f"{family.title} with its attention as layers",
            spec={**family.spec, "model": model},
        )
    )


def _decay(decay: float, after: int) -> dict[str, Any]:
    return {"name": "exponential", "decay": decay, "after": after}


def _lstm(epochs: int, schedule: dict[str, Any], dataset: str, **model: Any) -> dict[str, Any]:
    return {
        "model": {"name": "lstm", **model},
        "dataset": {"name": dataset},
        "training": {
            "epochs": epochs,
            "batch_size": 20,
            "optimizer": {"name": "sgd", "lr": 1.0},
            "schedule": schedule,
            "clip_norm": 5.0,
        },
    }


def _gpt(epochs: int, dataset: str, batch_size: int, **model: Any) -> dict[str, Any]:
    return {
        "model": {"name": "gpt", **model},
        "dataset": {"name": dataset},
        "training": {
            "epochs": epochs,
            "batch_size": batch_size,
            "optimizer": {"name": "adamw", "lr": 0.001},
            "schedule": {"name": "cosine", "warmup_steps": 100, "final_share": 0.1},
            "clip_norm": 1.0,
        },
    }


_FAMILIES = (
    (
        _of_lstm,
        _Family(
            "lstm",
            "LSTM on PTB",
            "2 x 650, 39 epochs. The paper reports 83.5 exact, 83.6 with half of the output "
            "matrix (24.5 % saved), 89.8 with half of everything.",
            _lstm(39, _decay(0.8, 6), "ptb"),
        ),
    ),
    (
        _of_late,
        _Family(
            "lstm-late",
            "LSTM on PTB, late decay",
            "2 x 650, 39 epochs, with the schedule that the paper takes where it samples.",
            _lstm(39, _decay(0.74, 29), "ptb"),
        ),
    ),
    (
        _of_lstm,
        _Family(
            "lstm-small",
            "small LSTM on PTB",
            "2 x 200, 5 epochs, about half an hour on a CPU.",
            _lstm(5, _decay(0.5, 3), "ptb", hidden=200, sequence_length=20, dropout=0.1),
        ),
    ),
    (
        _of_lstm,
        _Family(
            "lstm-pydoc",
            "small LSTM on pydoc",
            "2 x 128, 12 epochs, minutes on a CPU.",
            _lstm(12, _decay(0.7, 6), "pydoc", hidden=128, sequence_length=20, dropout=0.3),
        ),
    ),
    (
        _of_gpt,
        _Family(
            "gpt-small",
            "small transformer on PTB",
            "3 blocks of width 192, 3 epochs, about half an hour on a CPU.",
            _gpt(3, "ptb", 16, width=192, depth=3, heads=6, sequence_length=64),
        ),
    ),
    (
        _of_gpt,
        _Family(
            "gpt-pydoc",
            "small transformer on pydoc",
            "2 blocks of width 128, 12 epochs, minutes on a CPU.",
            _gpt(12, "pydoc", 16, width=128, depth=2, heads=4, sequence_length=32),
        ),
    ),
)

TEXTS: tuple[Preset, ...] = tuple(
    preset for presets_of, family in _FAMILIES for preset in presets_of(family)
)
"""All presets of language modelling."""
