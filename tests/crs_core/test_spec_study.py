"""Specs of both kinds: parsed by one function, refused in plain words, told apart in lists."""

from typing import Any

import pytest

from crs_core.errors import SpecError
from crs_core.spec import JobSpec, StudySpec, facets, parse_any, parse_spec
from tests.crs_core.study.specs import CONVOLUTION, SMALL

TRAINING: dict[str, Any] = {
    "model": {"name": "mlp"},
    "dataset": {"name": "digits"},
    "training": {"epochs": 1},
}


def test_a_spec_without_kind_is_a_training() -> None:
    assert parse_any(TRAINING) == parse_spec(TRAINING)
    assert parse_any(TRAINING | {"kind": "training"}) == parse_any(TRAINING)
    assert parse_any(TRAINING).kind == "training"


def test_a_method_can_be_just_its_name_and_everything_else_left_out() -> None:
    spec = parse_any({"kind": "matmul_error", "method": "topk"})
    assert isinstance(spec, StudySpec)
    assert spec.method.name == "topk"
    assert (spec.operation.name, str(spec.distribution), spec.draws) == (
        "matmul", "normal(0,1)", 1000,
    )  # fmt: skip
    assert [round(100 * r) for r in spec.ratios] == list(range(5, 101, 5))
    projection = parse_any({"kind": "matmul_error", "method": "random_projection"})
    assert isinstance(projection, StudySpec)
    assert projection.method.name == "random_projection"


@pytest.mark.parametrize("base", [SMALL, CONVOLUTION, TRAINING])
def test_a_spec_survives_its_json(base: dict[str, Any]) -> None:
    spec = parse_any(base)
    assert parse_any(spec.model_dump(mode="json")) == spec


def test_lists_show_the_operation_and_the_distribution_of_a_study() -> None:
    found = facets(parse_any(SMALL).model_dump(mode="json"))
    assert found == ("matmul_error", "normal(0,1)", ("nps",), None)
    one = parse_any(CONVOLUTION | {"ratios": [0.5]}).model_dump(mode="json")
    assert facets(one) == ("conv2d_error", "normal(1,1) x normal(0,1)", ("nps",), 0.5)


def test_lists_show_network_and_data_set_of_a_training() -> None:
    rules = [{"policy": "topk", "forward": 0.5}, {"layers": "fc1", "policy": "exact"}]
    spec = parse_any(TRAINING | {"approximation": rules}).model_dump(mode="json")
    assert facets(spec) == ("mlp", "digits", ("topk",), 0.5)
    del spec["kind"]  # as stored before there were kinds
    spec["approximation"] = []
    assert facets(spec) == ("mlp", "digits", ("exact",), 1.0)


WALK = {"method": "random_walk"}
OPTIMAL = {"score": "optimal"}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"kind": "sweep"}, "kind: 'sweep' is not known; there are: 'training', 'matmul_error'"),
        ({"kind": 3}, "kind: 3 is not known"),
        ({"method": "best"}, "method: 'best' is not known; there are: 'exact', 'topk'"),
        ({"method": {"scaled": True}}, "method: `name` is missing"),
        ({"method": {"name": "topk", "scaled": True}}, "policy 'topk' has no `scaled`"),
        ({"method": {"name": "topk", "coverage": 0.9}}, "leave out `coverage` and `refresh_every`"),
        ({"method": {"name": "topk", "refresh_every": 3}}, "leave out `coverage` and `refresh_"),
        ({"method": {"name": "svd", "rank": 2}}, "method.rank: this field is not known"),
        ({"method": {"name": "count_sketch", "repetitions": 2}}, "must be odd"),
        ({"ratios": [0.5, 0.2]}, "the `ratios` must rise"),
        ({"ratios": [0.5, 0.5]}, "the `ratios` must rise"),
        ({"ratios": [0.0]}, "ratios.0: a ratio is the share of pairs to keep, above 0"),
        ({"ratios": []}, "ratios: "),
        ({"draws": 0}, "draws: "),
        (
            {"draws": 30, "spectral_draws": 31},
            "spectral_draws: this says how many of the 30 `draws` measure the spectral error too: "
            "give at most 30, or more `draws`; got 31",
        ),
        ({"operation": {"name": "matmul", "m": 0}}, "operation.m: this must be at least 1"),
        ({"operation": {"name": "conv2d", "kernel_size": 9, "image_size": 4}}, "does not fit"),
        (WALK, "normal(0,1) has some; choose exponential, or uniform with `low` of 0 or more"),
        (
            WALK | {"distribution": {"name": "uniform"}, "distribution_b": {"name": "normal"}},
            "normal(0,1) has some",
        ),
        (WALK | {"distribution": {"name": "uniform", "low": -1.0}}, "uniform(-1,1) has some"),
        ({"distribution": {"name": "uniform", "low": 2.0}}, "`low` must be below `high`"),
        ({"distribution": {"name": "normal", "std": 0.0}}, "give matrices of zeros"),
        ({"distribution": {"name": "normal", "std": -1.0}}, "distribution.std: "),
        ({"method": "meprop"}, "policy 'meprop' samples the gradients of a training"),
        (OPTIMAL, "the score 'optimal' is of a convolution"),
        (CONVOLUTION | OPTIMAL | {"method": "uniform"}, "policy 'uniform' looks at no scores"),
        (CONVOLUTION | {"method": "svd"}, "the method 'svd' is for matrix products"),
        ({"model": {"name": "mlp"}}, "model: this field is not known"),
        ({"resources": {"devices": 2}}, "resources: a study measures on one device"),
    ],
)
def test_what_is_wrong_with_a_study_is_said_in_plain_words(changes: dict, text: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_any(SMALL | changes)
    assert text in str(caught.value)


def test_fields_of_a_training_keep_their_places() -> None:
    with pytest.raises(SpecError) as caught:
        parse_any(TRAINING | {"training": {"epochs": 0}, "seed": -1})
    assert [e.loc for e in caught.value.errors] == ["training.epochs", "seed"]


def test_a_training_alone_can_be_asked_for() -> None:
    with pytest.raises(SpecError, match="kind: 'matmul_error' is not known"):
        parse_spec(SMALL)
    assert isinstance(parse_spec(TRAINING), JobSpec)


def test_spectral_draws_are_at_most_the_draws_there_are() -> None:
    base = {"kind": "matmul_error", "method": "topk"}
    made = [parse_any(base | {"draws": draws}) for draws in (7, 100, 300)]
    assert [spec.model_dump()["spectral_draws"] for spec in made] == [7, 100, 100]
    assert [parse_any(spec.model_dump(mode="json")) for spec in made] == made


def test_a_stored_study_that_asked_for_several_devices_is_read() -> None:
    stored = parse_any(SMALL).model_dump(mode="json") | {"resources": {"devices": 2}}
    assert parse_any(stored, stored=True).resources.devices == 2


def test_a_stored_study_of_fewer_draws_than_it_asked_for_is_read() -> None:
    stored = parse_any(SMALL).model_dump(mode="json") | {"draws": 30, "spectral_draws": 100}
    assert facets(stored).policies == ("nps",)
    assert parse_any(stored, stored=True).model_dump()["spectral_draws"] == 100
