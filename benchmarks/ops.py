"""Claim: forward and backward of the approximate operations take little more than the kept share.

Every case is a layer that trains: forward, and the gradients to its input and its weights. The
approximate layer stands beside torch's own with the same weights and inputs, and they take turns
call by call, in one process, so a load that comes and goes on the machine meets both alike. The
ratio is the median over the rounds of one's seconds over the other's in the same round; the range
holds the middle half of the rounds. The ideal is the ratio of pairs kept. `least` is what cannot be
left out: the same three products over tensors that are already cut to the kept pairs, timed in the
same rounds; where it misses an aim, no sampling can meet it.

The aims are those of the table below, for `topk`; other policies and ratios are shown, and nothing
is claimed of them. The exit status is 1 where an aim is missed.

    python -m benchmarks.ops
    python -m benchmarks.ops --policies all --ratios 0.1 0.25 0.5 0.75
"""

import argparse
import gc
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from colrow.reproduction.mnist import VARIANTS
from crs_core.nn import CRSConv2d, CRSLinear
from crs_core.spec import Policy

WARM_UP = 3
POLICIES: dict[str, dict[str, Any]] = {
    **VARIANTS,
    "topk, refreshed": {"name": "topk", "refresh_every": 10},
    "wta": {"name": "wta"},
}


@dataclass(frozen=True)
class Case:
    """A layer with its input, and what is aimed at, by ratio."""

    name: str
    exact: Callable[[], nn.Module]
    input_shape: tuple[int, ...]
    aims: dict[float, float] = field(default_factory=dict)
    policy: str = "topk"


def linear(batch: int, features: int, outputs: int, **more: Any) -> Case:
    """Make the case of a linear layer."""
    return Case(
        f"linear {batch} x {features} -> {outputs}",
        lambda: nn.Linear(features, outputs),
        (batch, features),
        **more,
    )


def conv(batch: int, channels: int, size: int, kernel: int, filters: int, **more: Any) -> Case:
    """Make the case of a convolution that keeps the size of its images."""
    return Case(
        f"conv {batch} x {channels} x {size} x {size}, {kernel}x{kernel} -> {filters}",
        lambda: nn.Conv2d(channels, filters, kernel, padding="same"),
        (batch, channels, size, size),
        **more,
    )


CASES = (
    linear(1024, 1024, 4096, aims={0.5: 0.60, 0.25: 0.35}),
    linear(4096, 1024, 1024, aims={0.5: 0.62, 0.25: 0.37}),
    linear(700, 650, 10_000, aims={0.5: 0.65, 0.25: 0.40}),
    conv(8, 160, 32, 3, 160, aims={0.5: 0.56, 0.25: 0.34}),
    linear(50, 784, 500, aims={0.5: 0.95, 0.25: 0.70}, policy="topk, refreshed"),
    linear(50, 500, 500),
    linear(50, 3136, 1024),
    linear(256, 384, 1536),
    linear(4096, 4096, 1024),
    conv(50, 32, 14, 5, 64),
    conv(8, 320, 16, 3, 320),
    conv(8, 640, 8, 3, 640),
)


def approximate(exact: nn.Module, policy: str, ratio: float) -> nn.Module:
    """Make the approximate twin, with weights of its own."""
    how = Policy.model_validate(POLICIES[policy])
    sampling: dict[str, Any] = {"policy": how, "ratio": ratio, "min_samples": 1}
    kind = CRSConv2d if isinstance(exact, nn.Conv2d) else CRSLinear
    made = kind.twin(exact, **sampling)  # type: ignore[arg-type]
    return made.train()


def cut(exact: nn.Module, ratio: float) -> nn.Module:
    """Make torch's own layer of the size that is left of it."""
    if isinstance(exact, nn.Conv2d):
        kept = max(1, round(ratio * exact.in_channels))
        return nn.Conv2d(kept, exact.out_channels, exact.kernel_size, padding="same")  # type: ignore[arg-type]
    assert isinstance(exact, nn.Linear)
    return nn.Linear(max(1, round(ratio * exact.in_features)), exact.out_features)


class Racer:
    """One layer with its input and the gradient that comes from above."""

    def __init__(self, layer: nn.Module, x: Tensor, dy: Tensor) -> None:
        self.layer, self.x, self.dy = layer, x.requires_grad_(), dy
        self.parameters = list(layer.parameters())
        self.seconds: list[float] = []

    def call(self) -> None:
        """Go forward and backward once."""
        begin = time.perf_counter()
        torch.autograd.grad(self.layer(self.x), (self.x, *self.parameters), self.dy)
        self.seconds.append(time.perf_counter() - begin)


def race(racers: list[Racer], seconds: float) -> int:
    """Let all take turns for so long in all; give the number of rounds that count."""
    end = None
    rounds = 0
    while end is None or time.perf_counter() < end or rounds < 5:
        for racer in racers:
            racer.call()
        rounds += 1
        if rounds == WARM_UP and end is None:
            end, rounds = time.perf_counter() + seconds, 0
            for racer in racers:
                racer.seconds.clear()
    return rounds


def against(mine: Racer, other: Racer) -> tuple[float, float, float]:
    """Give lower quartile, median and upper quartile of the ratio, round by round."""
    ratios = [a / b for a, b in zip(mine.seconds, other.seconds, strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4)
    return low, middle, high


def rows(case: Case, policies: list[str], ratios: list[float], seconds: float) -> Iterator[bool]:
    """Measure a case, print its lines, and say of each whether it missed its aim."""
    torch.manual_seed(0)
    exact = case.exact()
    x = torch.randn(case.input_shape)
    dy = torch.randn_like(exact(x))
    for policy in policies or [case.policy]:
        for ratio in ratios:
            less = cut(exact, ratio)
            kept = less.weight.shape[1]
            assert isinstance(kept, int)
            left = x.narrow(1, 0, kept).contiguous()
            racers = [
                Racer(exact, x, dy),
                Racer(approximate(exact, policy, ratio), x.clone(), dy),
                Racer(less, left, dy),
            ]
            rounds = race(racers, seconds)
            low, middle, high = against(racers[1], racers[0])
            least = against(racers[2], racers[0])[1]
            aim = case.aims.get(ratio) if policy == case.policy else None
            verdict = "" if aim is None else f"<= {aim:.2f} {'yes' if middle <= aim else '**no**'}"
            ms = 1000 * statistics.median(racers[0].seconds)
            print(
                f"| {case.name} | {policy} | {ratio:g} | {ms:.2f} | {middle:.2f} | "
                f"{low:.2f}-{high:.2f} | {least:.2f} | {verdict} | {rounds} |",
                flush=True,
            )
            gc.collect()
            yield aim is not None and middle > aim


def main() -> int:
    """Measure every case, print the table, and judge the aims."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each line")
    parser.add_argument("--ratios", type=float, nargs="+", default=[0.5, 0.25])
    parser.add_argument("--policies", nargs="+", default=[], choices=["all", *POLICIES])
    parser.add_argument("--case", help="only those whose name holds this")
    parser.add_argument("--quick", action="store_true", help="half a second for each line")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    policies = list(POLICIES) if "all" in given.policies else given.policies
    print(
        f"torch {torch.__version__}, python {platform.python_version()}, {platform.machine()}, "
        f"{given.threads} thread(s), float32, load average {os.getloadavg()[0]:.1f}\n"
    )
    print(
        "| layer | policy | kept | exact ms | time / exact | middle half | least | aim | rounds |\n"
        "|---|---|---|---|---|---|---|---|---|"
    )
    missed = 0
    for case in CASES:
        if given.case and given.case not in case.name:
            continue
        missed += sum(rows(case, policies, given.ratios, 0.5 if given.quick else given.seconds))
    print(f"\naims missed: {missed}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
