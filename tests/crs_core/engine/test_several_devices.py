"""One job on several devices: the same exact training, and the same training after a break."""

from pathlib import Path
from typing import Any

import pytest
import torch

from crs_core.cost import plan_cost
from crs_core.engine import Place, Result, ResumePoint, train
from crs_core.nn import linear
from crs_core.spec import JobSpec
from tests.crs_core.engine.jobs import (
    CNN,
    GPT,
    JOBS,
    LSTM,
    MLP,
    WRN,
    Heard,
    content,
    point,
    rule,
    same,
    spec_of,
    weights,
)
from tests.crs_core.engine.together import Together, train_rank

EXACT: dict[str, dict[str, Any]] = {
    "mlp": MLP,
    "mlp, one example each": {**MLP, "training": {**MLP["training"], "batch_size": 2}},
    "cnn with dropout": CNN,
    "wrn augmented, with batch statistics": WRN,
    "lstm with dropout, clipped": LSTM,
    "gpt with dropout": {**GPT, "model": {**GPT["model"], "dropout": 0.1}},
}


def on_two(base: dict[str, Any], **parts: Any) -> JobSpec:
    return spec_of(base, resources={"devices": 2}, **parts)


def train_pair(
    pair: Together, spec: JobSpec, folder: Path, *resume_from: ResumePoint, stop_at: int = -1
) -> tuple[Result, Heard]:
    """Give what the first rank gave."""
    (first, _) = pair.run(train_rank, spec, folder, resume_from, stop_at)
    return first


@pytest.mark.parametrize("name", EXACT)
def test_exact_training_is_that_of_one_device(name: str, pair: Together, tmp_path: Path) -> None:
    heard = Heard()
    alone = train(spec_of(EXACT[name]), Place(tmp_path / "one"), on_event=heard)
    together, heard_two = train_pair(pair, on_two(EXACT[name]), tmp_path / "two")
    assert heard_two.curves().keys() == heard.curves().keys()
    for key, value in heard.curves().items():
        assert heard_two.curves()[key] == pytest.approx(value, rel=1e-4, abs=1e-6), key
    torch.testing.assert_close(
        weights(tmp_path / "two", together),
        weights(tmp_path / "one", alone),
        rtol=1e-4,
        atol=2e-5,
    )


def test_only_the_first_rank_tells_and_writes(pair: Together, tmp_path: Path) -> None:
    spec = on_two(MLP)
    (first, heard), (second, quiet) = pair.run(train_rank, spec, tmp_path)
    assert [e.type for e in quiet.events] == ["started"]
    assert {e.type for e in heard.events} >= {"started", "points", "layers", "checkpoint"}
    (note,) = heard.events[0].notes
    assert note == "2 devices train together: each takes 13 or 12 of the 25 examples of a batch"
    assert (first.step, first.completed) == (second.step, second.completed) == (23, True)
    assert second.checkpoint is None
    names = {saved.name for saved in heard.of("checkpoint")}
    assert {path.name for path in tmp_path.iterdir()} == names


@pytest.mark.parametrize(
    "name", ["mlp bernoulli", "mlp kept scores", "cnn topk and bernoulli", "wrn augmented",
             "lstm tied, bernoulli", "gpt nps and attention"],
)  # fmt: skip
def test_a_stopped_training_goes_on_bit_for_bit(name: str, pair: Together, tmp_path: Path) -> None:
    spec = on_two(JOBS[name])
    whole, heard = train_pair(pair, spec, tmp_path / "whole")
    curves, resume, stops = {}, (), [4, 5, -1]
    for attempt, stop in enumerate(stops):
        folder = tmp_path / f"a{attempt}"
        result, part = train_pair(pair, spec, folder, *resume, stop_at=stop)
        assert result.checkpoint is not None
        curves |= part.curves()
        resume = (point(folder, result.checkpoint),)
    assert result.completed
    assert part.events[0].step == 9
    assert len(part.events[0].notes) == 1
    assert curves == heard.curves()
    assert part.last("layers") == heard.last("layers")
    assert same(content(folder, result.checkpoint), content(tmp_path / "whole", whole.checkpoint))


def test_three_devices_go_on_bit_for_bit_too(tmp_path: Path) -> None:
    """With three, the order in which gradients are added shows in the last bits."""
    spec = spec_of(JOBS["mlp nps"], resources={"devices": 3})
    three = Together(3, tmp_path)
    try:
        (whole, _), *_ = three.run(train_rank, spec, tmp_path / "whole")
        (half, _), *_ = three.run(train_rank, spec, tmp_path / "a1", (), 7)
        resume = (point(tmp_path / "a1", half.checkpoint),)
        (rest, _), *_ = three.run(train_rank, spec, tmp_path / "a2", resume)
    finally:
        three.close()
    assert same(
        content(tmp_path / "a2", rest.checkpoint), content(tmp_path / "whole", whole.checkpoint)
    )


@pytest.mark.parametrize("rank", [0, 1])
def test_the_wish_of_any_rank_stops_all_at_the_same_step(
    rank: int, pair: Together, tmp_path: Path
) -> None:
    given = [(on_two(MLP), tmp_path, (), 6 if r == rank else -1) for r in range(2)]
    (first, heard), (second, _) = pair.each(train_rank, *given)
    assert (first.step, first.completed) == (second.step, second.completed) == (6, False)
    assert first.checkpoint is not None
    assert first.checkpoint.step == 6
    assert heard.last("finished").step == 6


def test_ranks_sample_by_draws_of_their_own(pair: Together, tmp_path: Path) -> None:
    spec = on_two(JOBS["mlp nps"])
    result, _ = train_pair(pair, spec, tmp_path)
    state = content(tmp_path, result.checkpoint)
    own, (other,) = state["parts"]["generators"], state["others"]
    assert other["generators"].keys() == {f"{name}/rank-1" for name in own}
    for name, generator in own.items():
        assert not torch.equal(generator, other["generators"][f"{name}/rank-1"])


def train_stored(spec: JobSpec, folder: Path, smallest: int) -> tuple[Result, Heard]:
    """Train with the weights of so many values, and more, stored column by column."""
    before, linear._SMALLEST_TO_TURN = linear._SMALLEST_TO_TURN, smallest
    try:
        return train_rank(spec, folder)
    finally:
        linear._SMALLEST_TO_TURN = before


def test_weights_stored_column_by_column_train_the_same(pair: Together, tmp_path: Path) -> None:
    spec = on_two(JOBS["mlp topk"])
    (rows, heard), _ = pair.run(train_stored, spec, tmp_path / "rows", 1 << 30)
    (columns, heard_columns), _ = pair.run(train_stored, spec, tmp_path / "columns", 1)
    assert heard_columns.curves() == pytest.approx(heard.curves(), rel=1e-5, abs=1e-7)
    found, expected = (
        content(tmp_path / folder, result.checkpoint)["parts"]["model"]
        for folder, result in (("columns", columns), ("rows", rows))
    )
    assert found["fc1.weight"].stride(0) == 1
    torch.testing.assert_close(found, expected)


def test_what_is_performed_is_what_was_planned_for_two_devices(
    pair: Together, tmp_path: Path
) -> None:
    """Ten rows of 13, and of 12, stay where one device keeps ten of 25."""
    spec = on_two(MLP, approximation=[rule("topk", backward=0.1, min_samples=10)])
    alone, cost = (
        plan_cost(spec_of(spec.model_dump(mode="json"), resources={"devices": 1})),
        (plan_cost(spec)),
    )
    result, heard = train_pair(pair, spec, tmp_path)
    assert result.summary["macs"] == cost.planned_macs > alone.planned_macs
    assert result.summary["compute_reduction"] == pytest.approx(cost.reduction, abs=1e-12)
    planned = {(p.layer, p.product): p for p in cost.layers}
    rows = {(r.layer, r.product): r for r in heard.last("layers").rows}
    assert rows.keys() == planned.keys()
    for key, row in rows.items():
        assert (row.pairs, row.kept) == (planned[key].pairs, planned[key].k)
        assert row.exact_macs == 23 * planned[key].exact_macs
        assert row.performed_macs == 23 * planned[key].planned_macs
        assert row.error is not None
    assert (rows["fc2", "grad_weight"].pairs, rows["fc2", "grad_weight"].kept) == (25, 20)
    assert rows["fc1", "forward"].never_kept is not None


@pytest.mark.parametrize(("written", "read"), [(2, 1), (1, 2)])
def test_a_checkpoint_of_another_number_of_devices_is_not_used(
    written: int, read: int, pair: Together, tmp_path: Path
) -> None:
    def run(devices: int, folder: str, *points: ResumePoint) -> tuple[Result, Heard]:
        spec = spec_of(MLP, resources={"devices": devices})
        if devices == 2:
            return train_pair(pair, spec, tmp_path / folder, *points)
        heard = Heard()
        place = Place(tmp_path / folder, resume_from=points)
        return train(spec, place, on_event=heard), heard

    before, _ = run(written, "before")
    assert before.checkpoint is not None
    after, heard = run(read, "after", point(tmp_path / "before", before.checkpoint))
    assert (heard.events[0].step, after.completed) == (0, True)
    assert (
        f"step-23.pt is not used: it is of a training on {written} devices together, and this one "
        f"has {read}" in heard.events[0].notes[-1]
    )
    assert f"With `resources.devices: {written}` training goes on" in heard.events[0].notes[-1]
