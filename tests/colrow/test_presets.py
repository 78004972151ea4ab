"""`colrow presets`: specs to start from, without a service."""

import yaml

from crs_core.presets import PRESETS
from crs_core.spec import parse_any


def test_presets_are_listed_and_printed_as_specs_that_can_be_planned(colrow, failing, tmp_path):
    listed = colrow("presets")
    assert listed.code == 0
    names = {line.split()[0] for line in listed.out.splitlines() if line.strip()}
    assert set(PRESETS) <= names
    for name in ("digits-topk", "figure1a-nps"):
        printed = colrow("presets", name)
        assert parse_any(yaml.safe_load(printed.out)) == parse_any(PRESETS[name].spec)
        file = tmp_path / f"{name}.yaml"
        file.write_text(printed.out)
        assert colrow("plan", file).code == 0
    assert "no preset 'digits'; `colrow presets` lists" in failing("presets", "digits")
