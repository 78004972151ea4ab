"""Specs by dotted paths."""

from crs_core.spec import flatten


def test_what_is_nested_stands_at_its_dotted_path():
    nested = {"model": {"name": "mlp", "hidden": [5, 3]}, "rules": [{"k": 1}, {"k": None}], "e": {}}
    assert flatten(nested) == {
        "model.name": "mlp", "model.hidden": [5, 3], "rules.0.k": 1, "rules.1.k": None,
    }  # fmt: skip


def test_a_path_given_stands_before_every_other():
    assert flatten({"a": 1}, "spec") == {"spec.a": 1}
    assert flatten(7, "seed") == {"seed": 7}
