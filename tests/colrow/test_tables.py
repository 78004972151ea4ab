"""What tables and bars say of jobs that are judged by accuracy, and of those by perplexity."""

from typing import Any

import pytest
from rich.console import Console
from rich.table import Table

from colrow.bars import figures, result
from colrow.figures import judged, measured
from colrow.tables import jobs_table, layers_table, plan_table, queue_table, sweep_plan_table


def summary(**last: float) -> dict[str, Any]:
    return {name: {"last": value} for name, value in last.items()}


def job(**last: float) -> Any:
    return {
        "id": "j1", "name": "", "state": "running", "model": "lstm", "dataset": "ptb",
        "policy": "topk", "seed": 3, "owner": "ada", "priority": 0,
        "progress": {"step": 5, "of": 10}, "summary": summary(**last),
        "spec": None,
    }  # fmt: skip


def text(table: Table) -> str:
    console = Console(width=160, record=True, file=None, quiet=False)
    with console.capture() as capture:
        console.print(table)
    return " ".join(capture.get().split())


@pytest.mark.parametrize(
    ("metric", "value", "written"),
    [
        ("accuracy", 0.98164, "98.16 %"),
        ("best_test_accuracy", 0.5, "50.00 %"),
        ("perplexity", 83.524, "83.52"),
        ("best_test_perplexity", None, "–"),
    ],
)
def test_only_shares_are_written_in_percent(metric: str, value: float, written: str) -> None:
    assert measured(metric, value) == written


def test_a_job_is_judged_by_what_it_tells() -> None:
    told = summary(validation_perplexity=90.0, best_test_perplexity=85.0)
    assert judged(told, "best_test", "validation") == ("perplexity", 85.0)
    assert judged(summary(validation_accuracy=0.9), "best_test", "validation") == ("accuracy", 0.9)
    assert judged(summary(train_loss=2.0), "best_test") == ("accuracy", None)


def test_bars_name_what_is_told() -> None:
    of_text = figures(
        summary(train_loss=4.5, validation_perplexity=91.234), steps_per_s=3, left_s=60
    )
    assert of_text == "loss 4.5  perplexity 91.23  3 steps/s  1:00 left"
    of_images = figures(
        summary(train_loss=0.5, validation_accuracy=0.912), steps_per_s=3, left_s=60
    )
    assert of_images == "loss 0.5  accuracy 91.2 %  3 steps/s  1:00 left"


def test_the_bar_of_a_job_that_has_ended_names_and_shows_what_the_list_does() -> None:
    told = summary(train_loss=0.5, validation_accuracy=0.383, best_test_accuracy=0.32218)
    assert result(told) == "loss 0.5  best test accuracy 32.22 %"
    assert "32.22 %" in text(jobs_table([job(**{n: v["last"] for n, v in told.items()})]))
    assert result(summary(validation_perplexity=91.2)) == "loss –  validation perplexity 91.20"
    assert result({}) == "loss –  accuracy –"


def test_a_list_of_jobs_has_their_owners_and_priorities_where_there_are_any() -> None:
    assert "id name owner state" in text(jobs_table([job()]))
    shown = text(jobs_table([job(), job() | {"priority": 5}]))
    assert "id name owner priority state" in shown
    assert "ada 5 running" in shown


def test_the_queue_says_for_what_each_waits_and_about_until_when() -> None:
    entry: Any = {
        "position": 1, "job": "j1", "name": "n", "owner": "ada", "priority": 2, "sweep_id": None,
        "queued_at": "2026-11-24T16:00:00Z", "waits_for": "a worker of kind cuda",
        "starts_at": None,
    }  # fmt: skip
    later = entry | {"waits_for": None, "starts_at": "2026-11-24T16:30:00Z"}
    shown = text(queue_table([entry, later]))
    assert "1 j1 n ada 2 a worker of kind cuda not known" in shown
    assert "its turn about 2026-11-24 16:30 UTC" in shown


def test_a_list_of_jobs_names_what_they_are_judged_by() -> None:
    shown = text(jobs_table([job(best_test_perplexity=83.5)]))
    assert "done best test perplexity" in shown
    assert "83.50" in shown
    mixed = text(jobs_table([job(best_test_perplexity=83.5), job(best_test_accuracy=0.9)]))
    assert "done best test accuracy, perplexity" in mixed
    earlier = [job(best_test_accuracy=0.9), job(validation_accuracy=0.5)]
    assert "done accuracy" in text(jobs_table(earlier))
    assert "90.00 %" in mixed
    assert "done accuracy" in text(jobs_table([]))


def test_what_has_told_nothing_yet_is_judged_by_what_its_data_set_is_for() -> None:
    assert "done perplexity" in text(jobs_table([job()]))
    assert "done accuracy" in text(jobs_table([job() | {"dataset": "mnist"}]))
    assert "done accuracy" in text(jobs_table([job() | {"dataset": "of-a-package"}]))
    both = text(jobs_table([job(), job() | {"dataset": "mnist"}]))
    assert "done accuracy, perplexity" in both


def test_a_list_names_the_whole_rule_where_the_spec_came_along() -> None:
    rule = {
        "layers": "lstm*", "policy": {"name": "topk"}, "mode": "both", "forward": 0.5,
        "backward": 1.0, "schedule": None, "gates": ["input"],
    }  # fmt: skip
    shown = text(jobs_table([job() | {"spec": {"approximation": [rule]}}]))
    assert "topk 50 % on lstm* gate input" in shown
    study = job() | {"policy": "svd", "spec": {"method": {"name": "svd"}}}
    assert "svd" in text(jobs_table([study]))


def row(product: str, policy: str, ratio: float, layer: str = "output") -> Any:
    return {
        "layer": layer, "product": product, "policy": policy, "ratio": ratio, "pairs": 100,
        "kept": 100 * ratio, "exact_macs": 1000, "performed_macs": 500, "never_kept": None,
        "error": None,
    }  # fmt: skip


def test_the_products_of_a_layer_show_the_policy_of_its_rule() -> None:
    rows = [
        row("forward", "topk", 0.5), row("grad_input", "exact", 1.0),
        row("grad_weight", "exact", 1.0),
    ]  # fmt: skip
    shown = text(layers_table([*rows, row("forward", "exact", 1.0, "fc1")]))
    assert "output weight gradient topk 100.0 % 100 100.0 50.0 %" in shown
    assert "fc1 forward exact" in shown
    assert shown.count("exact") == 1
    assert "The gradient products work on the inputs that forward kept" in shown
    assert "the MACs saved count both" in shown


def test_there_is_no_footnote_where_forward_is_exact() -> None:
    rows = [row("forward", "exact", 1.0), row("grad_weight", "meprop", 0.1)]
    shown = text(layers_table(rows))
    assert "output forward meprop 100.0 %" in shown
    assert "work on the inputs" not in shown


def test_a_plan_shows_gates_beside_the_policy() -> None:
    product = {
        "product": "forward", "ratio": 0.5, "pairs": 8, "kept": 4, "exact_macs": 90,
        "planned_macs": 50, "reduction": 0.4,
    }  # fmt: skip
    layer: Any = {
        "name": "lstm1", "policy": {"name": "nps", "scaled": True}, "forward": 0.5,
        "gates": ["forget", "cell"], "products": [product],
    }  # fmt: skip
    assert "lstm1 forward nps scaled gates cell, forget 50.0 %" in text(plan_table([layer]))
    assert "lstm1 forward nps scaled 50.0 %" in text(plan_table([layer | {"gates": None}]))


def test_a_plan_of_a_sweep_names_its_jobs_as_they_will_be_named() -> None:
    name = f"approximation=topk 0.4 {'x' * 70} gates=input, seed=3"
    jobs = [
        {"name": said, "settings": {"seed": 3}, "planned_compute_reduction": 0.25}
        for said in (name, "")
    ]
    plan: Any = {"jobs": jobs}
    shown = text(sweep_plan_table(plan))
    assert f"1 {name} 25.0 %" in shown
    assert "2 the base as it is 25.0 %" in shown
