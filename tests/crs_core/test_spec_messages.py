"""What is wrong with a spec is told with what came, what is needed and what to write instead."""

from typing import Any

import pytest

from crs_core.errors import SpecError
from crs_core.spec import parse_spec


def told(**changes: Any) -> list[tuple[str, str]]:
    """Give what a spec is refused with; `training__epochs=0` sets one field of a part."""
    spec: dict[str, Any] = {
        "model": {"name": "mlp"},
        "dataset": {"name": "digits"},
        "approximation": [{"policy": "topk"}],
        "training": {"epochs": 3},
    }
    for path, value in changes.items():
        *parents, last = path.split("__")
        place: Any = spec
        for word in parents:
            place = place[int(word) if word.isdigit() else word]
        place[last] = value
    with pytest.raises(SpecError) as caught:
        parse_spec(spec)
    return [(e.loc, e.msg) for e in caught.value.errors]


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("model", "mlp", "this must be a mapping; got 'mlp'; write {name: mlp}"),
        ("dataset", "digits", "this must be a mapping; got 'digits'; write {name: digits}"),
        (
            "approximation__0__schedule",
            "linear",
            "this must be a mapping; got 'linear'; write {shape: linear}",
        ),
        (
            "training__schedule",
            "cosine",
            "this must be a mapping; got 'cosine'; write {name: cosine}",
        ),
        ("training", None, "this must be a mapping; got null"),
        ("training__epochs", 0, "this must be at least 1; got 0"),
        ("training__epochs", 10**12, "this must be at most 100000; got 1000000000000"),
        ("training__epochs", 2.5, "this must be a whole number; got 2.5"),
        ("training__epochs", "3", "this must be a whole number; got '3'; write 3, without quotes"),
        ("training__epochs", True, "this must be a whole number; got true"),
        ("training__clip_norm", -1.5, "this must be above 0; got -1.5"),
        ("seed", -5, "this must be at least 0; got -5"),
        ("approximation__0__forward", "40%", "this must be a number; got '40%'; write 0.4"),
        ("approximation__0__forward", "half", "this must be a number; got 'half'"),
        ("approximation__0__layers", 3, "this must be a text; got 3"),
        ("approximation__0__layers", "", "this must have at least 1 character; got 0"),
        ("approximation", "topk", "this must be a list; got 'topk'"),
        ("model__hidden", 500, "this must be a list; got 500; write [500]"),
        ("model__hidden", [], "this must have at least 1 entry; got 0"),
        ("model__hidden", [3] * 33, "this must have at most 32 entries; got 33"),
    ],
)
def test_a_value_that_does_not_fit_is_told_with_what_is_needed(path, value, said):
    assert told(**{path: value}) == [(path.replace("__", "."), said)]


def test_a_part_of_a_union_is_named_as_it_was_written():
    optimizer = {"name": "sgd", "lr": "abc"}
    assert told(training__optimizer=optimizer) == [
        ("training.optimizer.lr", "this must be a number; got 'abc'")
    ]


@pytest.mark.parametrize(
    ("path", "value", "near"),
    [
        ("traning", {}, "did you mean `training`?"),
        ("training__epoch", 3, "did you mean `epochs`?"),
        ("approximation__0__forwards", 0.5, "did you mean `forward`?"),
        ("training__optimizer", {"name": "adam", "beta": 0.5}, "did you mean `beta2`?"),
        ("model__depth", 3, "there are: name, hidden, dropout, initial_weights"),
    ],
)
def test_an_unknown_field_is_told_with_the_nearest_or_all_there_are(path, value, near):
    ((_, said),) = told(**{path: value})
    assert said == f"this field is not known; {near}"
