"""Language modelling: batches, carried state, and perplexity over every word."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch.nn import functional

from crs_core.data.texts import Text, load_text
from crs_core.engine import Result
from crs_core.engine.randomness import Randomness
from crs_core.engine.tasks.texts import TextTask, perplexity, word_loss
from crs_core.events import METRICS, STUDY_METRICS
from crs_core.models import LanguageModel, build_language_model
from crs_core.models.words import State
from crs_core.rules import TrainingLength
from crs_core.spec import GPTModel, LSTMModel
from tests.crs_core.engine.jobs import GPT, LSTM, Heard, content, spec_of

TrainIn = Callable[..., tuple[Result, Heard]]
CPU = torch.device("cpu")
VOCABULARY = 40


class Recording(LanguageModel):
    """Notes the words and the states that come in; its state counts the stretches read."""

    sums_steps = True

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(VOCABULARY))
        self.read: list[list[list[int]]] = []
        self.states: list[float | None] = []

    def forward(self, words: torch.Tensor, state: State = None) -> tuple[torch.Tensor, State]:
        self.read.append(words.tolist())
        self.states.append(None if state is None else state[0][0].item())
        before = torch.zeros(1) if state is None else state[0][0]
        after = before + 1 + 0 * self.weight.sum()
        scores = self.weight.expand(*words.shape, VOCABULARY)
        return scores, [(after, after)]

    def draw_weights(self, generator: torch.Generator) -> None:
        pass


def task(words: int = 23, *, rows: int = 2, sequence: int = 3, sums_steps: bool = True) -> TextTask:
    numbers = torch.arange(words) % VOCABULARY
    steps = (words // rows - 1) // sequence
    return TextTask(
        Text(numbers, numbers[:7], numbers[:5], ()),
        batch_size=rows,
        sequence_length=sequence,
        sums_steps=sums_steps,
        length=TrainingLength(words, 7, steps, 2 * steps),
        device=CPU,
    )


def test_rows_are_read_on_from_step_to_step_and_the_state_with_them() -> None:
    """23 words in 2 rows of 11; 10 words follow another, 3 at a time."""
    network, learned = Recording(), task()
    for step in range(7):
        learned.loss(network, step).backward()
    assert network.read[:3] == [
        [[0, 11], [1, 12], [2, 13]],
        [[3, 14], [4, 15], [5, 16]],
        [[6, 17], [7, 18], [8, 19]],
    ]
    assert network.read[3:6] == network.read[:3]
    assert network.states == [None, 1.0, 2.0, None, 1.0, 2.0, None]


def test_the_loss_is_summed_over_the_steps_and_told_per_word() -> None:
    network, learned = Recording(), task()
    loss = learned.loss(network, 0)
    assert loss.item() == pytest.approx(3 * math.log(VOCABULARY))
    assert learned.loss(network, 1).item() == pytest.approx(3 * math.log(VOCABULARY))
    assert learned.told(2) == {"train_loss": pytest.approx(math.log(VOCABULARY))}
    assert learned.loss_sum() == 0.0
    mean = task(sums_steps=False).loss(network, 0)
    assert mean.item() == pytest.approx(math.log(VOCABULARY))


def test_the_loss_is_of_the_words_that_follow() -> None:
    network, learned = Recording(), task()
    with torch.no_grad():
        network.weight[14] = 30.0  # of the first step's words that follow (1 2 3, 12 13 14) one
    assert learned.loss(network, 0).item() / 3 == pytest.approx(30 * 5 / 6, rel=1e-6)


def test_the_state_is_kept_in_the_checkpoint() -> None:
    network, learned = Recording(), task()
    for step in range(2):
        learned.loss(network, step)
    again = task()
    again.load_state_dict(learned.state_dict())
    again.loss(network, 2)
    assert network.states[-1] == 2.0
    assert again.loss_sum() == pytest.approx(3 * math.log(VOCABULARY))


@pytest.mark.parametrize("count", [2, 5, 20, 21, 22, 41, 97])
@pytest.mark.parametrize("sequence", [1, 4, 50])
def test_every_word_but_the_first_is_predicted_once(count: int, sequence: int) -> None:
    """Scores that hang on the word that follows alone show each word's part in the loss."""
    g = torch.Generator().manual_seed(count)
    words = torch.randint(VOCABULARY, (count,), generator=g)
    network = Recording()
    with torch.no_grad():
        network.weight.normal_(generator=g)
    loss = word_loss(network, words, sequence, torch.no_grad())
    wanted = functional.cross_entropy(network.weight.expand(count - 1, VOCABULARY), words[1:])
    assert loss == pytest.approx(wanted.item(), rel=1e-6)
    assert network.training


def test_perplexity_of_a_recurrent_network_carries_its_state() -> None:
    """Twenty rows of 13 words each, read by hand row by row, however long the stretches are."""
    model = LSTMModel(hidden=9, layers=2, sequence_length=5)
    network = build_language_model(model, VOCABULARY, generator=torch.Generator().manual_seed(1))
    network.double()
    with torch.no_grad():
        for p in network.parameters():
            p *= 30
    words = torch.randint(VOCABULARY, (251,), generator=torch.Generator().manual_seed(2))
    losses = [word_loss(network, words, n, torch.no_grad()) for n in (5, 13, 1)]
    network.eval()
    total = 0.0
    with torch.no_grad():
        for begin in range(0, 250, 13):
            row = words[begin : min(begin + 13, 250) + 1]
            scores, _ = network(row[:-1, None])
            total += functional.cross_entropy(scores[:, 0], row[1:], reduction="sum").item()
    assert losses == pytest.approx([total / 250] * 3)


def test_perplexity_of_a_transformer_sees_its_window_alone() -> None:
    model = GPTModel(width=8, depth=1, heads=2, sequence_length=4)
    network = build_language_model(model, VOCABULARY, generator=torch.Generator().manual_seed(1))
    network.double()
    words = torch.randint(VOCABULARY, (161,), generator=torch.Generator().manual_seed(2))
    loss = word_loss(network, words, 4, torch.no_grad())
    windows, follow = words[:-1].view(40, 4).t(), words[1:].view(40, 4).t()
    with torch.no_grad():
        scores, _ = network.eval()(windows)
    wanted = functional.cross_entropy(scores.flatten(0, 1), follow.flatten())
    assert loss == pytest.approx(wanted.item())


def test_a_loss_too_large_gives_an_infinite_perplexity() -> None:
    assert perplexity(0.0) == 1.0
    assert perplexity(1e4) == math.inf


# -- whole trainings -----------------------------------------------------------------------------


@pytest.mark.parametrize("base", [LSTM, GPT], ids=["lstm", "gpt"])
def test_a_text_tells_perplexity_and_no_accuracy(base: dict, train_in: TrainIn) -> None:
    result, heard = train_in(spec_of(base))
    told = {name for p in heard.of("points") for name in p.values}
    known = METRICS.keys() - set(STUDY_METRICS)
    assert told == {name for name in known if "accuracy" not in name}
    last = result.summary
    assert last["validation_perplexity"] == math.exp(last["validation_loss"])
    best, kept = math.inf, 0.0
    for values in (p.values for p in heard.of("points") if "validation_loss" in p.values):
        if values["validation_perplexity"] < best:
            best, kept = values["validation_perplexity"], values["test_perplexity"]
        assert values["best_test_perplexity"] == kept


def test_exact_training_is_that_of_a_plain_loop(train_in: TrainIn, tmp_path: Path) -> None:
    spec = spec_of(LSTM, model={"dropout": 0.0})
    result, _ = train_in(spec)
    text = load_text(spec.dataset, None)
    rows = text.train.view(5, 80).t()
    network = build_language_model(
        spec.model, 2000, generator=Randomness(spec.seed, CPU).once("weights")
    )
    learning = [p for p in network.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(learning, lr=0.5, fused=True)
    state: State = None
    for step in range(26):
        at = step % 13
        state = None if at == 0 else [(h.detach(), c.detach()) for h, c in state or []]
        optimizer.zero_grad()
        scores, state = network(rows[6 * at : 6 * at + 6], state)
        wanted = rows[6 * at + 1 : 6 * at + 7]
        loss = 6 * functional.cross_entropy(scores.flatten(0, 1), wanted.flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learning, 5.0)
        optimizer.step()
    found = content(tmp_path / "a1", result.checkpoint)["parts"]["model"]
    for name, weight in network.state_dict().items():
        assert torch.equal(found[name], weight), name
