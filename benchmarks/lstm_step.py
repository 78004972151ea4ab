"""Claim: an exact training step of our LSTM takes at most 1.30 of torch's own LSTM doing the same.

Both train embedding, recurrent layers, output and dropout on the same words by SGD, with the
gradient clipped and the state carried over. Ours is the network that rules can sample, one
`nn.LSTM` per layer with dropout of its own generator, and the step of the engine's task; the other
is what one writes in PyTorch: one `nn.LSTM` with all layers.

The two take turns at every step, in one process, so a load that comes and goes on the machine meets
both alike. The ratio is that of the medians over the steps; the first two warm up. The words are
drawn at random, since their meaning costs no time. The exit status is 1 where the claim fails.

    python benchmarks/lstm_step.py
"""

import argparse
import platform
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import clip_grad_norm_

from crs_core.data.texts import Text
from crs_core.engine.tasks.texts import TextTask
from crs_core.models import Dropout, build_language_model
from crs_core.models.lstm import LSTMNetwork
from crs_core.rules import TrainingLength
from crs_core.spec import LSTMModel

CLAIM = 1.30
WARM_UP = 2
CPU = torch.device("cpu")
BATCH, CLIP, RATE = 20, 5.0, 1.0


@dataclass(frozen=True)
class Case:
    """Sizes of a network and how many steps are measured."""

    name: str
    vocabulary: int
    steps: int
    model: LSTMModel


CASES = (
    Case("pydoc", 2_000, 60, LSTMModel(hidden=128, sequence_length=20, dropout=0.3)),
    Case("small", 10_000, 30, LSTMModel(hidden=200, sequence_length=20, dropout=0.1)),
    Case("paper", 10_000, 10, LSTMModel()),
)


class Torch(nn.Module):
    """The same network with torch's own LSTM of several layers."""

    def __init__(self, model: LSTMModel, vocabulary: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, model.hidden)
        self.dropout = nn.Dropout(model.dropout)
        self.lstm = nn.LSTM(
            model.hidden, model.hidden, num_layers=model.layers, dropout=model.dropout
        )
        self.output = nn.Linear(model.hidden, vocabulary)

    def forward(
        self, words: Tensor, state: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Give scores and the state behind the last word."""
        x, state = self.lstm(self.dropout(self.embedding(words)), state)
        return self.output(self.dropout(x)), state


def ours(case: Case, words: Tensor) -> Callable[[int], None]:
    """Make the engine's step."""
    length = case.model.sequence_length
    task = TextTask(
        Text(words, words, words, ()),
        batch_size=BATCH,
        sequence_length=length,
        sums_steps=LSTMNetwork.sums_steps,
        length=TrainingLength(len(words), 0, case.steps, case.steps),
        device=CPU,
    )
    network = build_language_model(case.model, case.vocabulary).train()
    for module in network.modules():
        if isinstance(module, Dropout):
            module.generator = torch.Generator().manual_seed(1)
    parameters = list(network.parameters())
    optimizer = torch.optim.SGD(parameters, lr=RATE, fused=True)

    def step(at: int) -> None:
        optimizer.zero_grad()
        task.loss(network, at).backward()  # type: ignore[no-untyped-call]
        clip_grad_norm_(parameters, CLIP)
        optimizer.step()

    return step


def theirs(case: Case, words: Tensor) -> Callable[[int], None]:
    """Make a step as one writes it."""
    length = case.model.sequence_length
    rows = words.view(BATCH, -1).t().contiguous()
    network = Torch(case.model, case.vocabulary)
    parameters = list(network.parameters())
    for parameter in parameters:
        nn.init.uniform_(parameter, -0.05, 0.05)
    optimizer = torch.optim.SGD(parameters, lr=RATE, fused=True)
    carried: list[tuple[Tensor, Tensor] | None] = [None]
    total = torch.zeros(())

    def step(at: int) -> None:
        begin, end = at * length, (at + 1) * length
        optimizer.zero_grad()
        scores, (h, c) = network(rows[begin:end], carried[0])
        carried[0] = h.detach(), c.detach()
        wanted = rows[begin + 1 : end + 1].flatten()
        loss = functional.cross_entropy(scores.flatten(0, 1), wanted)
        total.add_(loss.detach())
        (loss * length).backward()  # type: ignore[no-untyped-call]
        clip_grad_norm_(parameters, CLIP)
        optimizer.step()

    return step


def measure(case: Case) -> tuple[float, float]:
    """Give the median seconds of a step, ours and theirs."""
    words = torch.randint(
        case.vocabulary,
        (BATCH * (case.steps * case.model.sequence_length + 1),),
        generator=torch.Generator().manual_seed(0),
    )
    seconds: tuple[list[float], list[float]] = ([], [])
    steps = ours(case, words), theirs(case, words)
    for at in range(case.steps):
        for step, spent in zip(steps, seconds, strict=True):
            begin = time.perf_counter()
            step(at)
            spent.append(time.perf_counter() - begin)
    mine, other = (statistics.median(spent[WARM_UP:]) for spent in seconds)
    return mine, other


def main() -> int:
    """Measure every case, print the table, and judge the claim."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--case", choices=[case.name for case in CASES], help="only this one")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    print(f"claim: ours / torch's <= {CLAIM:.2f}")
    print(
        f"torch {torch.__version__}, python {platform.python_version()}, {platform.machine()}, "
        f"{given.threads} thread(s)\n"
    )
    print("| network | hidden | words a step | vocabulary | steps | torch's ms | ours ms | ratio |")
    print("|---|---|---|---|---|---|---|---|")
    worst = 0.0
    for case in CASES:
        if given.case not in (None, case.name):
            continue
        mine, other = measure(case)
        worst = max(worst, mine / other)
        print(
            f"| {case.name} | {case.model.layers} x {case.model.hidden} "
            f"| {BATCH} x {case.model.sequence_length} | {case.vocabulary:,} | {case.steps} "
            f"| {1000 * other:.1f} | {1000 * mine:.1f} | {mine / other:.3f} |",
            flush=True,
        )
    holds = worst <= CLAIM
    print(f"\nworst ratio {worst:.3f}: the claim {'holds' if holds else 'FAILS'}")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
