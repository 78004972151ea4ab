"""Small jobs on digits and on a text, and what it takes to compare two trainings of one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from crs_core.engine import Result, ResumePoint
from crs_core.events import CheckpointSaved, Event
from crs_core.spec import JobSpec, parse_spec

TIMES = {"seconds", "sampling_seconds", "steps_per_s", "peak_memory_bytes"}
"""Metrics that two equal trainings need not agree in."""

MLP: dict[str, Any] = {
    "model": {"name": "mlp", "hidden": [24, 20]},
    "dataset": {"name": "digits", "train_limit": 210, "validation": 60},
    "training": {"steps": 23, "batch_size": 25, "optimizer": {"name": "adam", "lr": 0.003}},
    "report": {"every_steps": 3, "probe_every_steps": 5},
    "seed": 3,
}

CNN: dict[str, Any] = {
    "model": {"name": "cnn", "channels": [4, 6], "kernel_size": 3, "hidden": 20, "dropout": 0.3},
    "dataset": {"name": "digits", "train_limit": 130, "validation": 60},
    "training": {"epochs": 3, "batch_size": 20, "optimizer": {"name": "momentum", "lr": 0.05}},
    "report": {"every_steps": 4},
    "seed": 5,
}


WRN: dict[str, Any] = {
    "model": {"name": "wrn", "depth": 10, "width": 1},
    "dataset": {
        "name": "digits",
        "train_limit": 60,
        "validation": 40,
        "augmentation": {"crop_padding": 2, "flip": True},
        "whiten": True,
    },
    "training": {
        "steps": 13,
        "batch_size": 15,
        "optimizer": {"name": "momentum", "lr": 0.05, "weight_decay": 0.002},
        "schedule": {"name": "step", "milestones": [5, 9], "factor": 0.5, "unit": "steps"},
        "weight_decay_on": "weights",
    },
    "report": {"every_steps": 3},
    "seed": 4,
}

LSTM: dict[str, Any] = {
    "model": {"name": "lstm", "hidden": 12, "layers": 2, "sequence_length": 6, "dropout": 0.2},
    "dataset": {"name": "pydoc", "train_limit": 400},
    "training": {
        "epochs": 2, "batch_size": 5, "optimizer": {"name": "sgd", "lr": 0.5}, "clip_norm": 5.0,
    },
    "report": {"every_steps": 5},
    "seed": 2,
}  # fmt: skip

GPT: dict[str, Any] = {
    "model": {"name": "gpt", "width": 12, "depth": 2, "heads": 3, "sequence_length": 7},
    "dataset": {"name": "pydoc", "train_limit": 400},
    "training": {"epochs": 2, "batch_size": 5, "optimizer": {"name": "adam", "lr": 0.003}},
    "report": {"every_steps": 5},
    "seed": 4,
}


def rule(policy: str, **others: Any) -> dict[str, Any]:
    return {"policy": policy, "forward": 0.7, "backward": 0.6, "min_samples": 2, **others}


NPS = {"name": "nps", "replacement": True, "scaled": True}

JOBS: dict[str, dict[str, Any]] = {
    "mlp exact": MLP,
    "mlp topk": {**MLP, "approximation": [rule("topk")]},
    "mlp nps": {**MLP, "approximation": [rule("topk") | {"policy": NPS}]},
    "mlp bernoulli": {**MLP, "approximation": [rule("bernoulli")]},
    "mlp meprop": {
        **MLP,
        "approximation": [
            {"policy": "meprop", "backward": 0.3, "min_samples": 2},
            {"layers": "fc3", "policy": "exact"},
        ],
    },
    "mlp scheduled": {
        **MLP,
        "approximation": [
            rule("topk", schedule={"shape": "cosine", "exact_first_steps": 4, "exact_last": 0.2})
        ],
    },
    "mlp kept scores": {
        **MLP,
        "approximation": [
            rule("wta") | {"policy": {"name": "wta", "refresh_every": 3, "exploration": 0.1}},
            {"layers": "fc3", "policy": "exact"},
        ],
    },
    "mlp adaptive": {
        **MLP,
        "approximation": [rule("topk") | {"policy": {"name": "topk", "coverage": 0.8}}],
    },
    "cnn topk and bernoulli": {
        **CNN,
        "approximation": [
            rule("topk"),
            rule("bernoulli", layers="fc*"),
            {"layers": "conv1", "policy": "exact"},
        ],
    },
    "wrn augmented": {**WRN, "approximation": [rule("topk", layers="group*")]},
    "lstm exact": LSTM,
    "lstm tied, bernoulli": {
        **LSTM,
        "model": {**LSTM["model"], "tied": True},
        "approximation": [rule("bernoulli"), rule("topk", layers="lstm2", gates=["cell"])],
    },
    "gpt nps and attention": {
        **GPT,
        "model": {**GPT["model"], "sampled_attention": True},
        "approximation": [rule("topk") | {"policy": NPS}],
    },
}


def spec_of(base: dict[str, Any], **parts: Any) -> JobSpec:
    """Give `base` as a spec; dictionaries among `parts` are merged into theirs."""
    merged = {
        **base,
        **{k: {**base.get(k, {}), **v} if isinstance(v, dict) else v for k, v in parts.items()},
    }
    return parse_spec(merged)


class Heard:
    """A listener that keeps what it hears."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    def of(self, kind: str) -> list[Any]:
        return [e for e in self.events if e.type == kind]

    def last(self, kind: str) -> Any:
        return self.of(kind)[-1]

    def curves(self) -> dict[tuple[int, str], float]:
        """Every value told that is not a matter of time, by step and metric."""
        return {
            (p.step, name): value
            for p in self.of("points")
            for name, value in p.values.items()
            if name not in TIMES
        }


def after(steps: int) -> Callable[[], bool]:
    """Ask to stop once `steps` more steps are done."""
    asked = iter(range(steps + 1))
    return lambda: next(asked) == steps


def point(folder: Path, saved: CheckpointSaved) -> ResumePoint:
    return ResumePoint(folder / saved.name, saved.sha256, saved.step)


def content(folder: Path, saved: CheckpointSaved | None) -> dict[str, Any]:
    assert saved is not None
    state = torch.load(folder / saved.name, weights_only=True)
    assert isinstance(state, dict)
    return state


def same(a: Any, b: Any) -> bool:
    """Whether two nested states agree, tensors bit for bit; times and memory are left out."""
    if isinstance(a, torch.Tensor):
        return a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(
            same(a[k], b[k]) for k in a if k not in TIMES | {"window_seconds"}
        )
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return bool(a == b)


def weights(folder: Path, result: Result) -> torch.Tensor:
    kept = content(folder, result.checkpoint)["parts"]["model"].values()
    return torch.cat([weight.flatten() for weight in kept])
