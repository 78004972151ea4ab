"""Weights of a checkpoint: their numbers, their histogram, and what is said of them."""

import pytest
import torch
from scipy import stats

from colrow.local import weights
from colrow.report.document import Mark
from colrow.reproduction import mnist, symmetry
from colrow.reproduction.identity import identity
from colrow.reproduction.records import Record, Source
from colrow.reproduction.results import Results
from colrow.reproduction.runs import Scale


def drawn(*shape, shift=0.0):
    generator = torch.Generator().manual_seed(5)
    return torch.randn(*shape, generator=generator, dtype=torch.float64) + shift


def test_the_numbers_are_those_of_the_entries():
    weight = drawn(31, 17).exp()
    found = weights.describe("fc1.weight", weight)
    entries = weight.flatten().numpy()
    assert (found.name, found.count) == ("fc1", 527)
    assert found.mean == pytest.approx(entries.mean())
    assert found.std == pytest.approx(entries.std())
    assert found.skewness == pytest.approx(stats.skew(entries))
    assert found.positive == 1.0
    assert not symmetry.is_symmetric(found)


def test_the_histogram_holds_what_is_within_its_reach():
    found = weights.describe("w", drawn(200, 50))
    assert len(found.edges) == len(found.counts) + 1 == weights.BINS + 1
    assert 0.99 < sum(found.counts) <= 1
    assert found.edges[0] == pytest.approx(-weights.REACH * found.std)
    assert symmetry.is_symmetric(found)


def test_a_weight_of_zeros_has_no_skew():
    found = weights.describe("w", torch.zeros(3, 4))
    assert (found.skewness, found.std, found.positive) == (0.0, 0.0, 0.0)


def test_the_newest_checkpoint_of_a_job_is_read_without_biases(tmp_path):
    job = {"id": "j"}
    for attempt, step, shift in ((1, 90, 0.0), (2, 200, 3.0)):
        folder = tmp_path / "jobs" / "j" / f"a{attempt}"
        folder.mkdir(parents=True)
        model = {"fc1.weight": drawn(5, 7, shift=shift), "fc1.bias": drawn(5)}
        torch.save({"parts": {"model": model}}, folder / f"step-{step}.pt")
    (found,) = weights.of_job(tmp_path, job)
    assert found.count == 35
    assert found.mean > 2
    assert weights.of_job(tmp_path / "elsewhere", job) == []


def results_with(*found):
    """Give results in which the exact MLP's first seed has these weights."""
    spec = mnist.MLP_EXACT.spec(0, quick=True)
    record = Record(
        job="j",
        finished_at="2026-11-24T10:00:00Z",
        state="succeeded",
        spec=spec,
        planned_compute_reduction=0.0,
        summary={},
        weights=found,
        source=Source(),
    )
    return Results({identity(spec): record}, Scale(quick=True))


def test_the_section_judges_each_weight_and_draws_the_largest():
    found = [
        weights.describe("fc1.weight", drawn(40, 30)),
        weights.describe("fc2.weight", drawn(9, 7, shift=2.0)),
    ]
    section = symmetry.section([mnist.MLP_EXACT], results_with(*found))
    _, picture, table = section.blocks
    assert "Weights of fc1, MLP on MNIST" in picture.caption
    assert [row[-1] for row in table.rows] == [Mark("symmetric", "good"), Mark("not", "bad")]
    assert symmetry.section([mnist.MLP_EXACT], results_with()) is None
    assert symmetry.section([mnist.CNN_EXACT], results_with(*found)) is None
