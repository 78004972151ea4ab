"""Claim: none of speed; how long a training step takes under each policy, against exact.

The settings of README's table (the paper's MLP on MNIST, batch 50, Adam), and the paper's CNN with
`topk` at 30 %. All networks of a case take turns of five steps in one process, so that a load that
comes and goes on the machine meets all alike. The ratio is the median over the turns of a network's
seconds over those of the exact one in the same turn; the range holds the middle half of the turns.
Fewer multiply-accumulates are not less time by themselves: this says what they are worth here.

    python benchmarks/policy_time.py
"""

import argparse
import os
import platform
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from crs_core.convert import approximate
from crs_core.cost import plan_cost
from crs_core.data.facts import FACTS, present
from crs_core.data.load import load
from crs_core.engine.optimizers import build_optimizer
from crs_core.engine.parts import channels_last
from crs_core.models import build
from crs_core.spec import Dataset, JobSpec, parse_spec

TURN = 5
WARM_UP_TURNS = 2
CASES = {
    "mlp": {
        "exact": [],
        "topk 40 %": [{"policy": "topk", "forward": 0.4, "min_samples": 1}],
        "topk 40 %, backward 5 %": [{"policy": "topk", "forward": 0.4, "backward": 0.05}],
        "nps 40 %": [{"policy": "nps", "forward": 0.4, "min_samples": 1}],
        "bernoulli 40 %": [{"policy": "bernoulli", "forward": 0.4, "min_samples": 1}],
    },
    "cnn": {
        "exact": [],
        "topk 30 %": [{"policy": "topk", "forward": 0.3, "min_samples": 1}],
    },
}


@dataclass
class Contestant:
    """A network under one setting, and the seconds of its turns."""

    name: str
    spec: JobSpec
    model: nn.Module
    optimizer: torch.optim.Optimizer
    turns_s: list[float] = field(default_factory=list)

    def turn(self, batches: list[tuple[Tensor, Tensor]]) -> None:
        """Take a step per batch."""
        begin = time.perf_counter()
        for x, y in batches:
            self.optimizer.zero_grad()
            functional.cross_entropy(self.model(x), y).backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
        self.turns_s.append(time.perf_counter() - begin)


def contestant(model: str, name: str, rules: list[dict[str, object]], dataset: str) -> Contestant:
    """Build the network of a setting; all of a case begin with the same weights."""
    spec = parse_spec(
        {
            "model": {"name": model},
            "dataset": {"name": dataset},
            "approximation": rules,
            "training": {"epochs": 1, "batch_size": 50, "optimizer": {"name": "adam", "lr": 0.001}},
        }
    )
    facts = FACTS[spec.dataset.name]
    weights = torch.Generator().manual_seed(0)
    network = build(spec.model, facts.input_shape, facts.classes, generator=weights)
    if spec.approximation:
        approximate(network, spec.approximation)
    channels_last(network)  # as the engine does
    optimizer = build_optimizer(spec.training.optimizer, network.parameters())
    return Contestant(name, spec, network, optimizer)


def main() -> None:
    """Measure every case and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("COLROW_DATA"))
    parser.add_argument("--turns", type=int, default=60)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    dataset = "mnist" if present("mnist", given.data) else "digits"
    data = load(Dataset(name=dataset), given.data)
    print(
        f"torch {torch.__version__}, python {platform.python_version()}, {platform.machine()}, "
        f"{given.threads} thread(s), {dataset}, batch 50, {given.turns} turns of {TURN} steps\n"
    )
    print("| network | setting | MACs performed | ms/step | time against exact | middle half |")
    print("|---|---|---|---|---|---|")
    order = torch.Generator().manual_seed(1)
    for model, settings in CASES.items():
        racers = [contestant(model, name, rules, dataset) for name, rules in settings.items()]
        for _ in range(given.turns + WARM_UP_TURNS):
            chosen = torch.randint(len(data.train_x), (TURN, 50), generator=order)
            batches = [(data.train_x[rows], data.train_y[rows]) for rows in chosen]
            for racer in racers:
                racer.turn(batches)
        exact_s = racers[0].turns_s[WARM_UP_TURNS:]
        for racer in racers:
            turns_s = racer.turns_s[WARM_UP_TURNS:]
            ratios = [mine / exact for mine, exact in zip(turns_s, exact_s, strict=True)]
            low, middle, high = statistics.quantiles(ratios, n=4)
            ms = 1000 * statistics.median(turns_s) / TURN
            share = 1 - plan_cost(racer.spec).reduction
            print(
                f"| {model} | {racer.name} | {share:.1%} | {ms:.2f} | {middle:.2f} | "
                f"{low:.2f}-{high:.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
