"""Whole trainings: what they tell, and that it is true."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch.nn import functional
from torch.nn.utils import parameters_to_vector
from torch.optim.optimizer import register_optimizer_step_post_hook

from crs_core.convert import approximate
from crs_core.data.facts import FACTS
from crs_core.data.load import load
from crs_core.engine import Result
from crs_core.engine.randomness import Randomness
from crs_core.engine.tasks.images import Examples, evaluate
from crs_core.events import METRICS
from crs_core.models import build
from crs_core.spec import JobSpec, parse_spec
from tests.crs_core.engine.jobs import (
    CNN,
    JOBS,
    MLP,
    Heard,
    after,
    content,
    rule,
    same,
    spec_of,
    weights,
)

TrainIn = Callable[..., tuple[Result, Heard]]


def by_hand(spec: JobSpec, steps: int) -> tuple[torch.nn.Module, list[float]]:
    """Train exactly with plain torch; gives the network and the loss of every step."""
    data, batch = load(spec.dataset, None), spec.training.batch_size
    per_epoch = len(data.train_y) // batch
    randomness = Randomness(spec.seed, torch.device("cpu"))
    facts = FACTS[spec.dataset.name]
    model = build(
        spec.model, facts.input_shape, facts.classes, generator=randomness.once("weights")
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=spec.training.optimizer.lr, fused=True)
    losses = []
    for step in range(steps):
        epoch, at = divmod(step, per_epoch)
        order = torch.randperm(len(data.train_y), generator=randomness.once(f"order/epoch-{epoch}"))
        chosen = order[at * batch : (at + 1) * batch]
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(data.train_x[chosen]), data.train_y[chosen])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return model, losses


def test_exact_training_is_that_of_a_plain_loop(train_in: TrainIn, tmp_path: Path) -> None:
    spec = spec_of(MLP)
    result, heard = train_in(spec)
    model, losses = by_hand(spec, 23)
    assert torch.equal(weights(tmp_path / "a1", result), parameters_to_vector(model.parameters()))
    told = {p.step: p.values["train_loss"] for p in heard.of("points") if "train_loss" in p.values}
    assert told[3] == pytest.approx(sum(losses[:3]) / 3, rel=1e-6)
    assert told[21] == pytest.approx(sum(losses[18:21]) / 3, rel=1e-6)


def test_images_channels_last_train_as_in_a_plain_loop(train_in: TrainIn, tmp_path: Path) -> None:
    spec = spec_of(MLP | {"model": CNN["model"] | {"dropout": 0.0}})
    result, _ = train_in(spec)
    plain, _ = by_hand(spec, 23)
    kept = content(tmp_path / "a1", result.checkpoint)["parts"]["model"]
    for name, wanted in plain.state_dict().items():
        torch.testing.assert_close(kept[name], wanted, rtol=1e-3, atol=1e-4)
        assert kept[name].dim() < 4 or kept[name].stride(1) == 1, name
        assert wanted.is_contiguous()


@pytest.mark.parametrize("name", JOBS)
def test_two_trainings_of_one_spec_are_the_same(
    name: str, train_in: TrainIn, tmp_path: Path
) -> None:
    (one, heard_one), (two, heard_two) = (train_in(spec_of(JOBS[name]), f) for f in ("a1", "a2"))
    states = [content(tmp_path / f, r.checkpoint) for f, r in (("a1", one), ("a2", two))]
    assert same(*states)
    assert heard_one.curves() == heard_two.curves()


@pytest.mark.parametrize("name", JOBS)
def test_the_global_generator_is_neither_drawn_from_nor_set(name: str, train_in: TrainIn) -> None:
    before = torch.get_rng_state()
    train_in(spec_of(JOBS[name]))
    assert torch.equal(torch.get_rng_state(), before)


def test_exact_and_approximate_jobs_of_one_seed_share_weights_and_order(train_in: TrainIn) -> None:
    """The first step's loss of a job that keeps almost every pair is nearly the exact one's."""
    exact = spec_of(MLP, report={"every_steps": 1}, training={"steps": 1})
    losses = {}
    for name, rules in {"exact": [], "nearly": [rule("topk", forward=0.8)]}.items():
        _, heard = train_in(spec_of(exact.model_dump(), approximation=rules), name)
        losses[name] = heard.last("points").values["train_loss"]
    assert losses["nearly"] != losses["exact"]
    assert losses["nearly"] == pytest.approx(losses["exact"], abs=0.05)


def test_steps_that_a_schedule_keeps_exact_are_those_of_the_exact_job(
    train_in: TrainIn, tmp_path: Path
) -> None:
    rules = [rule("nps", schedule={"exact_first_steps": 9})]
    exact, _ = train_in(spec_of(MLP), "exact", should_stop=after(9))
    first, _ = train_in(spec_of(MLP, approximation=rules), "first", should_stop=after(9))
    assert torch.equal(weights(tmp_path / "exact", exact), weights(tmp_path / "first", first))
    later, _ = train_in(spec_of(MLP, approximation=rules), "later", should_stop=after(10))
    exact, _ = train_in(spec_of(MLP), "exact10", should_stop=after(10))
    assert not torch.equal(weights(tmp_path / "exact10", exact), weights(tmp_path / "later", later))


@pytest.mark.parametrize("name", JOBS)
def test_the_loss_falls(name: str, train_in: TrainIn) -> None:
    _, heard = train_in(spec_of(JOBS[name], training={"epochs": None, "steps": 300}))
    losses = [p.values["train_loss"] for p in heard.of("points") if "train_loss" in p.values]
    assert losses[0] > 2.0
    assert losses[-1] < 0.9 * losses[0]


def test_events_come_in_their_order(train_in: TrainIn) -> None:
    _, heard = train_in(spec_of(MLP))
    # 210 examples in batches of 25: 8 steps an epoch; probes at 1, 5, 10, …; points every 3.
    told = [(e.type, e.step) for e in heard.events if e.type != "checkpoint"]
    assert told == [
        ("started", 0),
        ("layers", 1),
        ("points", 3),
        ("layers", 5),
        ("points", 6),
        ("points", 8),
        ("layers", 8),
        ("points", 9),
        ("layers", 10),
        ("points", 12),
        ("points", 15),
        ("layers", 15),
        ("points", 16),
        ("layers", 16),
        ("points", 18),
        ("layers", 20),
        ("points", 21),
        ("points", 23),
        ("layers", 23),
        ("finished", 23),
    ]
    started = heard.events[0]
    assert (started.total_steps, started.steps_per_epoch, started.device) == (23, 8, "cpu")
    assert {"system", "processor", "cores"} <= started.environment.keys()
    assert (started.threads, started.resumed_from, started.notes) == (1, None, ())


def test_every_metric_told_is_known_and_all_are_told(train_in: TrainIn) -> None:
    result, heard = train_in(spec_of(MLP))
    told = {name for p in heard.of("points") for name in p.values}
    others = ("perplexity", "_error", "error_", "expectation", "product_")  # of texts and studies
    known = {name for name in METRICS if not any(part in name for part in others)}
    assert told == known
    assert set(result.summary) == known
    last = {k: v for p in heard.of("points") for k, v in p.values.items()}
    assert result.summary == last


def test_an_epochs_end_just_after_a_telling_tells_no_mean_over_few_batches(
    train_in: TrainIn,
) -> None:
    _, heard = train_in(spec_of(MLP, report={"every_steps": 7}))
    told = [p.step for p in heard.of("points") if "train_loss" in p.values]
    assert told == [7, 14, 21]
    _, heard = train_in(spec_of(MLP, report={"every_steps": 100}))
    assert [p.step for p in heard.of("points") if "train_loss" in p.values] == [8, 16, 23]


def test_test_accuracy_is_taken_where_validation_was_best(train_in: TrainIn) -> None:
    _, heard = train_in(spec_of(MLP, training={"steps": 160}))
    best, kept = -1.0, 0.0
    for values in (p.values for p in heard.of("points") if "validation_accuracy" in p.values):
        if values["validation_accuracy"] > best:
            best, kept = values["validation_accuracy"], values["test_accuracy"]
        assert values["best_test_accuracy"] == kept
    final = heard.last("points").values
    assert "test_accuracy" in final
    assert kept > 0.5


def test_checkpoints_are_written_where_validation_is_best_and_at_the_end(
    train_in: TrainIn, tmp_path: Path
) -> None:
    result, heard = train_in(spec_of(MLP, training={"steps": 160}))
    best, bests = -1.0, []
    for p in heard.of("points"):
        if p.values.get("validation_accuracy", -1.0) > best:
            best = p.values["validation_accuracy"]
            bests.append(p.step)
    saved = heard.of("checkpoint")
    assert [s.step for s in saved if s.best] == bests
    assert {s.step for s in saved} == {*bests, 160}
    assert result.checkpoint == saved[-1]
    assert {p.name for p in (tmp_path / "a1").iterdir()} == {s.name for s in saved}
    assert all((tmp_path / "a1" / s.name).stat().st_size == s.size_bytes for s in saved)


def test_checkpoints_are_written_as_time_goes_by(train_in: TrainIn) -> None:
    _, heard = train_in(spec_of(MLP, report={"checkpoint_every_s": 0}))
    assert [s.step for s in heard.of("checkpoint")] == list(range(1, 24))


def test_evaluation_is_by_the_exact_network() -> None:
    spec = spec_of(MLP)
    data = load(spec.dataset, None)
    facts = FACTS["digits"]
    examples = Examples(data.test_x, data.test_y)

    def network() -> torch.nn.Module:
        return build(spec.model, facts.input_shape, facts.classes)

    sampled = approximate(network(), spec_of(JOBS["mlp nps"]).approximation)
    scores = [evaluate(m, examples, torch.no_grad()) for m in (network(), sampled)]
    assert scores[0] == scores[1]
    assert sampled.training
    with torch.no_grad():
        logits = network()(examples.x)
    assert scores[0]["loss"] == pytest.approx(functional.cross_entropy(logits, examples.y).item())
    right = (logits.argmax(1) == examples.y).float().mean().item()
    assert scores[0]["accuracy"] == pytest.approx(right)


def test_the_gradient_is_clipped_and_its_norm_told_as_it_was(
    train_in: TrainIn, tmp_path: Path
) -> None:
    """Plain descent moves the weights by lr times the gradient, so by lr times the clipped norm."""
    spec = spec_of(
        MLP,
        training={"steps": 1, "optimizer": {"name": "sgd", "lr": 0.5}, "clip_norm": 0.01},
        report={"every_steps": 1},
    )
    result, heard = train_in(spec)
    _, free = train_in(spec_of(spec.model_dump(), training={"clip_norm": None}), "a2")
    norm = heard.last("points").values["gradient_norm"]
    assert norm == free.last("points").values["gradient_norm"]
    assert norm > 0.1
    facts = FACTS["digits"]
    begin = build(
        spec.model,
        facts.input_shape,
        facts.classes,
        generator=Randomness(spec.seed, torch.device("cpu")).once("weights"),
    )
    moved = weights(tmp_path / "a1", result) - parameters_to_vector(begin.parameters())
    assert moved.norm().item() == pytest.approx(0.5 * 0.01, rel=1e-3)


def test_the_learning_rate_told_is_that_of_the_schedule(train_in: TrainIn) -> None:
    schedule = {"name": "linear", "warmup_steps": 3}
    _, heard = train_in(
        spec_of(MLP, training={"steps": 8, "schedule": schedule}, report={"every_steps": 1})
    )
    rates = [p.values["learning_rate"] / 0.003 for p in heard.of("points")]
    assert rates == pytest.approx([1 / 3, 2 / 3, 1, 1, 0.8, 0.6, 0.4, 0.2])


@pytest.mark.parametrize("name", ["mlp exact", "mlp topk", "cnn topk and bernoulli"])
def test_bf16_trains_with_weights_in_fp32(name: str, train_in: TrainIn, tmp_path: Path) -> None:
    spec = spec_of(JOBS[name], training={"epochs": None, "steps": 300, "precision": "bf16"})
    result, heard = train_in(spec)
    model = content(tmp_path / "a1", result.checkpoint)["parts"]["model"]
    assert {t.dtype for t in model.values()} == {torch.float32}
    losses = [p.values["train_loss"] for p in heard.of("points") if "train_loss" in p.values]
    assert losses[-1] < losses[0]
    full, _ = train_in(spec_of(JOBS[name], training={"epochs": None, "steps": 60}), "a2")
    assert full.summary["train_loss"] != result.summary["train_loss"]


def test_a_step_that_measures_errors_counts_as_long_as_the_mean_of_those_before(
    train_in: TrainIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 0.0
    takes_s = iter([10.0, 2.0, 100.0])

    def pass_time(*_: object) -> None:
        nonlocal now_s
        now_s += next(takes_s)

    monkeypatch.setattr("crs_core.engine.reporting.time.perf_counter", lambda: now_s)
    hook = register_optimizer_step_post_hook(pass_time)
    try:
        training = MLP["training"] | {"steps": 3}
        report = {"every_steps": 3, "probe_every_steps": 3}
        result, _ = train_in(parse_spec(MLP | {"training": training, "report": report}))
    finally:
        hook.remove()
    assert result.summary["seconds"] == 18.0
