"""Presets are specs that can be run, and save what their description says."""

import re

import pytest

from crs_core.cost import plan_cost
from crs_core.presets import PRESETS
from crs_core.spec import parse_spec


@pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda p: p.name)
def test_every_preset_can_be_planned_and_saves_what_it_says(preset):
    cost = plan_cost(parse_spec(preset.spec))
    said = re.search(r"saves ([\d.]+) %", preset.description)
    if said:
        decimals = len(said[1].partition(".")[2])
        assert f"{100 * cost.reduction:.{decimals}f}" == said[1]
    assert (cost.reduction == 0) == preset.name.endswith("exact")


@pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda p: p.name)
def test_a_percentage_in_a_name_is_the_rule_s(preset):
    said = re.search(r"(?:topk|nps|bernoulli|uniform)(\d+)(?:-backward(\d+))?$", preset.name)
    if said:
        rule = preset.spec["approximation"][0]
        assert rule["forward"] == int(said[1]) / 100
        assert rule.get("backward", 1.0) == int(said[2] or 100) / 100


def test_presets_of_one_data_set_and_network_share_their_training():
    """So that they may be compared with their exact preset."""
    for preset in PRESETS.values():
        base = next(
            p
            for p in PRESETS.values()
            if p.name.endswith("exact")
            and (p.spec["dataset"], p.spec["model"])
            == (preset.spec["dataset"], preset.spec["model"])
        )
        assert preset.spec["training"] == base.spec["training"]
