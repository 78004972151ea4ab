"""How compared metrics, intervals and verdicts are written."""

from io import StringIO

from rich.console import Console

from colrow.scales import Scale
from colrow.tables import comparison_table
from crs_core.statistics import Stat

ACCURACY, PERPLEXITY = Scale.of("best_test_accuracy"), Scale.of("best_test_perplexity")


def evidence(**changes):
    return {
        "mean": -0.0011, "low": -0.0031, "high": 0.0009, "n": 3, "paired": True, "margin": 0.002,
        "verdict": "undecided", "more_seeds": 4, "says": "undecided: 4 more seeds needed",
    } | changes  # fmt: skip


def spread(mean, std=None, n=1):
    return {"mean": mean, "std": std, "n": n}


def group(**changes):
    return {
        "key": "k", "label": "exact", "settings": {}, "policy": "exact", "ratio": 1.0,
        "model": "mlp", "dataset": "mnist", "n": 3, "pending": 0, "members": [],
        "x": spread(0.0), "y": spread(0.9816, 0.0012, 3), "seconds": spread(60.0),
        "planned_compute_reduction": spread(0.0), "delta_y": None, "evidence": None,
        "seconds_ratio": 1.0, "time_caveat": None, "baseline": "k",
        "is_baseline": True, "is_pareto": False,
    } | changes  # fmt: skip


def shown(*groups, margin=0.2, is_relative=False):
    out = StringIO()
    comparison = {
        "x": "compute_reduction", "y": "best_test_accuracy", "better": "higher", "baseline": "k",
        "margin": {"value": margin, "is_relative": is_relative}, "groups": list(groups),
    }  # fmt: skip
    Console(file=out, width=250).print(comparison_table(comparison))
    return out.getvalue()


def test_a_time_that_is_no_measure_is_marked_and_says_why():
    topk = group(
        key="t", label="topk 40 %", policy="topk", ratio=0.4, is_baseline=False,
        seconds_ratio=0.83, time_caveat="shared host",
    )  # fmt: skip
    nps = topk | {"key": "n", "label": "nps 40 %", "policy": "nps", "seconds_ratio": None}
    table = shown(group(), topk, nps | {"time_caveat": "another device"})
    assert "0.83 †" in table
    assert "– †" in table
    assert "1.00 †" not in table
    assert "† no measure of time: shared host (other attempts ran on the same host" in table
    assert "†" not in shown(group(), topk | {"time_caveat": None})


def test_accuracies_are_in_per_cent_and_their_differences_in_points():
    assert ACCURACY.value(0.98156) == "98.16 %"
    assert ACCURACY.difference(-0.0011) == "-0.11"
    assert ACCURACY.spread(Stat(0.98156, 0.00123, 3)) == "98.16 ± 0.12 % (3)"
    assert ACCURACY.interval(-0.0031, 0.0009) == "-0.31 to +0.09"
    assert (ACCURACY.title, ACCURACY.unit) == ("accuracy", "points")


def test_other_metrics_are_in_their_own_unit():
    assert PERPLEXITY.value(83.52) == "83.52"
    assert PERPLEXITY.difference(1.2345) == "+1.23"
    assert PERPLEXITY.spread(Stat(83.52, 0.333, 2)) == "83.52 ± 0.33 (2)"
    assert (PERPLEXITY.title, PERPLEXITY.unit) == ("perplexity", "perplexity")


def test_what_is_not_known_is_a_dash():
    assert ACCURACY.value(None) == ACCURACY.difference(None) == "–"
    assert ACCURACY.spread(Stat(None, None, 0)) == "– (0)"
    assert ACCURACY.interval(None, None) == "–"


def test_the_table_shows_interval_and_verdict():
    topk = group(
        key="t", label="topk 40 %", policy="topk", ratio=0.4, is_baseline=False,
        delta_y={"mean": -0.0011, "std": 0.0008, "n": 3, "paired": True}, evidence=evidence(),
    )  # fmt: skip
    table = shown(group(), topk)
    assert "-0.31 to +0.09" in table
    assert "undecided: 4 more seeds needed" in table
    assert "taken seed by seed" in table
    assert "within: at most 0.2 points are lost by the whole interval" in table
    assert "worse: more than 0.2 points are lost by the whole interval" in table
    assert "so many would decide at today's mean and spread" in table


def test_the_table_says_when_seeds_are_not_shared():
    table = shown(group(evidence=evidence(paired=False), is_baseline=False), margin=1.0)
    assert "at most 1 points are lost" in table
    assert "not paired for groups that share no seed with exact" in table


def test_groups_that_differ_in_more_than_policy_and_ratio_are_named_in_full():
    gates = group(label="topk 40 % gate input", policy="topk", ratio=0.4, is_baseline=False)
    whole = group(label="topk 60 %", policy="topk", ratio=0.6, is_baseline=False)
    table = shown(group(), gates, whole)
    assert "topk 40 % gate input" in table
    assert "topk 60 %" in table
    assert "topk 60 %" not in shown(group(), whole)
