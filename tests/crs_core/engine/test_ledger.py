"""What a training tells of its products: MACs, coverage, errors."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from crs_core.cost import plan_cost
from crs_core.engine import Result
from crs_core.events import LayerRow
from tests.crs_core.engine.jobs import (
    JOBS,
    MLP,
    Heard,
    rule,
    spec_of,
    weights,
)

TrainIn = Callable[..., tuple[Result, Heard]]


def rows_of(heard: Heard) -> dict[tuple[str, str], LayerRow]:
    return {(r.layer, r.product): r for r in heard.last("layers").rows}


def test_an_exact_job_reduces_nothing(train_in: TrainIn) -> None:
    spec = spec_of(MLP)
    result, heard = train_in(spec)
    assert result.summary["compute_reduction"] == 0
    assert result.summary["sampling_seconds"] == 0
    assert result.summary["macs"] == plan_cost(spec).exact_macs
    assert sum(r.exact_macs for r in rows_of(heard).values()) == plan_cost(spec).exact_macs


@pytest.mark.parametrize("name", ["mlp topk", "mlp nps"])
def test_a_policy_of_fixed_count_performs_what_was_planned(name: str, train_in: TrainIn) -> None:
    spec = spec_of(JOBS[name])
    result, heard = train_in(spec)
    cost = plan_cost(spec)
    assert result.summary["macs"] == cost.planned_macs
    assert result.summary["compute_reduction"] == pytest.approx(cost.reduction, abs=1e-12)
    assert result.summary["planned_compute_reduction"] == cost.reduction
    assert 0.4 < cost.reduction < 0.7
    planned = {(p.layer, p.product): p for p in cost.layers}
    assert rows_of(heard).keys() == planned.keys()
    for key, row in rows_of(heard).items():
        assert row.kept == planned[key].k
        assert row.performed_macs == 23 * planned[key].planned_macs


@pytest.mark.parametrize(
    "schedule",
    [
        {"shape": "cosine", "exact_first_steps": 4, "exact_last": 0.2},
        {"shape": "step", "start": 0.9, "milestones": [5, 20]},
        {"shape": "linear", "start": 0.2, "end_step": 12},
    ],
)
def test_a_schedule_performs_what_was_planned(schedule: dict[str, Any], train_in: TrainIn) -> None:
    spec = spec_of(MLP, approximation=[rule("topk", schedule=schedule)])
    result, heard = train_in(spec)
    cost = plan_cost(spec)
    assert result.summary["macs"] == cost.planned_macs
    assert result.summary["planned_compute_reduction"] == cost.reduction
    assert cost.planned_macs != 23 * sum(p.planned_macs for p in cost.layers)
    planned = {(p.layer, p.product): p.planned_total for p in cost.layers}
    assert {key: row.performed_macs for key, row in rows_of(heard).items()} == planned


def test_meprop_performs_what_was_planned(train_in: TrainIn) -> None:
    spec = spec_of(JOBS["mlp meprop"])
    result, heard = train_in(spec)
    assert result.summary["macs"] == plan_cost(spec).planned_macs
    rows = rows_of(heard)
    assert {p: r.policy for (layer, p), r in rows.items() if layer == "fc2"} == {
        "forward": "exact", "grad_input": "meprop", "grad_weight": "meprop",
    }  # fmt: skip
    assert (rows["fc2", "grad_weight"].pairs, rows["fc2", "grad_weight"].kept) == (20, 6)
    assert rows["fc1", "grad_weight"].never_kept is not None


def test_bernoulli_performs_about_what_was_planned(train_in: TrainIn) -> None:
    spec = spec_of(JOBS["mlp bernoulli"], training={"steps": 60})
    result, _ = train_in(spec)
    assert result.summary["macs"] != plan_cost(spec).planned_macs
    assert result.summary["compute_reduction"] == pytest.approx(plan_cost(spec).reduction, abs=0.02)


def test_layers_left_exact_count_in_full(train_in: TrainIn) -> None:
    spec = spec_of(JOBS["cnn topk and bernoulli"])
    _, heard = train_in(spec)
    rows = rows_of(heard)
    steps = heard.last("finished").step
    exact = {p.product: p for p in plan_cost(spec).layers if p.layer == "conv1"}
    assert set(exact) == {"forward", "grad_weight"}
    for product, cost in exact.items():
        row = rows["conv1", product]
        assert (row.policy, row.ratio, row.kept) == ("exact", 1.0, row.pairs)
        assert row.performed_macs == row.exact_macs == steps * cost.exact_macs
        assert row.never_kept is None
        assert row.error is None


def test_layers_tell_coverage_and_the_error_of_a_probe(train_in: TrainIn) -> None:
    _, heard = train_in(spec_of(JOBS["mlp topk"]))
    first, last = heard.of("layers")[0], heard.last("layers")
    for rows in (first.rows, last.rows):
        for row in rows:
            assert row.policy == "topk"
            assert row.error is not None
            assert 0 < row.error < 1.5
            assert (row.never_kept is None) == (row.product == "grad_weight")
    never = {k: [r.never_kept for r in e.rows if r.product == "forward"] for k, e in
             (("first", first), ("last", last))}  # fmt: skip
    assert all(a >= b for a, b in zip(never["first"], never["last"], strict=True))
    assert never["first"][0] == pytest.approx(1 - 45 / 64)


def test_probes_change_nothing(train_in: TrainIn, tmp_path: Path) -> None:
    spec = JOBS["mlp nps"]
    rare, _ = train_in(spec_of(spec, report={"probe_every_steps": 1000}), "a1")
    often, _ = train_in(spec_of(spec, report={"probe_every_steps": 1}), "a2")
    assert torch.equal(weights(tmp_path / "a1", rare), weights(tmp_path / "a2", often))
    assert rare.summary["macs"] == often.summary["macs"]
