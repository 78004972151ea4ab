"""Fields at fault are named as the reader wrote them, without the tags of unions."""

from typing import Any

import pytest

from crs_core.errors import SpecError
from crs_core.spec import parse_spec

SPEC: dict[str, Any] = {
    "model": {"name": "mlp"},
    "dataset": {"name": "digits"},
    "training": {"epochs": 1},
}


@pytest.mark.parametrize(
    ("change", "loc", "said"),
    [
        (
            {"model": {"name": "mlp", "hidden": [0, 3]}},
            "model.hidden.0",
            "this must be at least 1",
        ),
        ({"model": {"name": "mlp", "schedule": 1}}, "model.schedule", "this field is not known"),
        ({"model": {"name": "none"}}, "model", "'none' is not known; there are: 'mlp', 'cnn', "),
        ({"model": {"hidden": [3]}}, "model", "`name` is missing: it says which kind this is"),
        ({"model": {"name": 3}}, "model", "'3' is not known; there are: 'mlp', 'cnn', "),
        ({"dataset": {"name": "none"}}, "dataset.name", "'none' is not known; there are: 'digits'"),
        (
            {"training": {"epochs": 1, "schedule": {"name": "step"}}},
            "training.schedule.milestones",
            "this field is missing",
        ),
        (
            {"training": {"epochs": 1, "optimizer": {"name": "none"}}},
            "training.optimizer",
            "'none' is not known; there are: 'sgd', 'momentum'",
        ),
        (
            {"approximation": [{"policy": "topk", "schedule": {"shape": "linear", "start": 7}}]},
            "approximation.0.schedule.start",
            "a ratio is the share of pairs to keep",
        ),
    ],
)
def test_a_field_is_named_by_its_path_in_the_spec(change, loc, said):
    with pytest.raises(SpecError) as caught:
        parse_spec(SPEC | change)
    (error,) = caught.value.errors
    assert error.loc == loc
    assert said in error.msg
