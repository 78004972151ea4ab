"""Presets are specs that can be run, and save what their description says."""

import re

import pytest

from crs_core.cost import plan_cost
from crs_core.planning import plan_job
from crs_core.presets import PRESETS
from crs_core.spec import StudySpec, parse_any, parse_spec

TRAININGS = [p for p in PRESETS.values() if "kind" not in p.spec]
STUDIES = [p for p in PRESETS.values() if "kind" in p.spec]


@pytest.mark.parametrize("preset", TRAININGS, ids=lambda p: p.name)
def test_every_preset_can_be_planned_and_saves_what_it_says(preset):
    cost = plan_cost(parse_spec(preset.spec))
    said = re.search(r"saves ([\d.]+) %", preset.description)
    if said:
        decimals = len(said[1].partition(".")[2])
        assert f"{100 * cost.reduction:.{decimals}f}" == said[1]
    assert (cost.reduction == 0) == preset.name.endswith("exact")


@pytest.mark.parametrize("preset", TRAININGS, ids=lambda p: p.name)
def test_a_percentage_in_a_name_is_the_rule_s(preset):
    said = re.search(r"(?:topk|nps|bernoulli|uniform)(\d+)(?:-backward(\d+))?$", preset.name)
    if said:
        rule = preset.spec["approximation"][0]
        assert rule["forward"] == int(said[1]) / 100
        assert rule.get("backward", 1.0) == int(said[2] or 100) / 100


def test_every_preset_has_an_exact_one_of_the_same_network_data_and_training():
    """So that each may be compared with an exact preset."""
    for preset in TRAININGS:
        assert any(
            p.name.endswith("exact")
            and all(p.spec[part] == preset.spec[part] for part in ("dataset", "model", "training"))
            for p in TRAININGS
        )


@pytest.mark.parametrize("preset", STUDIES, ids=lambda p: p.name)
def test_every_preset_of_a_study_can_be_planned(preset):
    assert isinstance(parse_any(preset.spec), StudySpec)
    assert plan_job(parse_any(preset.spec)).exact_macs > 0


def test_the_figures_have_a_preset_for_each_method_of_interest():
    names = {p.name for p in STUDIES}
    figures = ("figure1a", "figure1b", "figure1-mixed")
    assert {f"{f}-{method}" for f in figures for method in ("topk", "plain-nps", "nps")} <= names
    methods = {parse_any(p.spec).method.name for p in STUDIES if p.name.startswith("alternative")}
    assert methods == {"random_projection", "svd", "count_sketch", "random_walk"}
    scores = {parse_any(p.spec).score for p in STUDIES if p.name.startswith("convolution")}
    assert scores == {"norms", "optimal"}


def test_no_two_presets_have_one_name_or_one_spec():
    assert len({p.title for p in PRESETS.values()}) == len(PRESETS)
    assert len({parse_any(p.spec).model_dump_json() for p in PRESETS.values()}) == len(PRESETS)


@pytest.mark.parametrize(
    ("name", "percent"),
    [("lstm-output50", 24.5), ("lstm-late-output50", 24.5), ("lstm-all50", 50.0)],
)
def test_the_paper_s_rows_of_the_lstm_save_what_it_says(name, percent):
    spec = parse_spec(PRESETS[name].spec)
    assert round(100 * plan_cost(spec).reduction, 1) == percent
    assert (spec.training.batch_size, spec.training.clip_norm) == (20, 5.0)


def test_every_gate_has_a_preset_of_its_own():
    gates = [
        rule["gates"]
        for name, preset in PRESETS.items()
        if name.startswith("lstm-pydoc")
        for rule in preset.spec.get("approximation", ())
        if "gates" in rule
    ]
    assert gates == [["input"], ["forget"], ["cell"], ["output"]]
