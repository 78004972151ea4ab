"""Rules, the layer plan they make, and what of a spec only the data can refuse."""

import subprocess
import sys

import pytest

from crs_core.errors import SpecError
from crs_core.layers import layer_shapes
from crs_core.rules import (
    LayerPlan,
    holding_rules,
    layer_plan,
    split_sizes,
    training_length,
)
from crs_core.spec import JobSpec, Policy, Rule, parse_spec

TOPK = {"policy": "topk"}


def make_spec(
    *rules: dict, dataset: dict | None = None, resources: dict | None = None, **training: object
) -> JobSpec:
    length = {} if "steps" in training else {"epochs": 2}
    return parse_spec(
        {
            "model": {"name": "cnn", "channels": [4, 6]},
            "dataset": {"name": "digits", **(dataset or {})},
            "approximation": list(rules),
            "training": {**length, **training},
            "resources": resources or {},
        }
    )


def test_without_rules_every_layer_is_exact():
    spec = make_spec()
    assert layer_plan(spec) == tuple(
        LayerPlan(name, shape, Policy(name="exact")) for name, shape in layer_shapes(spec).items()
    )


def test_the_last_rule_that_matches_holds_whole():
    first = {"layers": "*", "policy": "topk", "forward": 0.4, "backward": 0.1, "min_samples": 3}
    second = {"layers": "conv*", "policy": "bernoulli", "backward": 0.7}
    plan = {p.name: p for p in layer_plan(make_spec(first, second))}
    assert [p.rule for p in plan.values()] == [1, 1, 0, 0]
    conv, fc = plan["conv2"], plan["fc1"]
    assert (conv.policy.name, conv.forward, conv.backward, conv.min_samples) == (
        "bernoulli",
        1.0,
        0.7,
        10,
    )
    assert (fc.policy.name, fc.forward, fc.backward, fc.min_samples) == ("topk", 0.4, 0.1, 3)


def test_an_exact_rule_takes_a_layer_out():
    plan = layer_plan(make_spec({**TOPK, "forward": 0.5}, {"layers": "conv1", "policy": "exact"}))
    assert [p.policy.name for p in plan] == ["exact", "topk", "topk", "topk"]
    assert plan[0].rule == 1


@pytest.mark.parametrize(
    ("glob", "matched"),
    [
        ("fc2", ["fc2"]),
        ("*1", ["conv1", "fc1"]),
        ("conv[23]", ["conv2"]),
        ("fc?", ["fc1", "fc2"]),
        ("[!c]*", ["fc1", "fc2"]),
    ],
)
def test_globs_match_whole_names(glob, matched):
    names = ["conv1", "conv2", "fc1", "fc2"]
    assert list(holding_rules(names, [Rule(layers=glob, policy=Policy(name="topk"))])) == matched


def test_globs_tell_capitals_apart():
    with pytest.raises(SpecError):
        holding_rules(["fc1"], [Rule(layers="FC1", policy=Policy(name="topk"))])


def test_a_rule_that_matches_nothing_is_refused_with_the_layers_there_are():
    with pytest.raises(SpecError) as caught:
        layer_plan(make_spec(TOPK, {**TOPK, "layers": "lstm*"}, {**TOPK, "layers": "fc"}))
    first, second = caught.value.errors
    assert first.loc == "approximation.1.layers"
    assert first.msg == "'lstm*' matches no layer; there are: conv1, conv2, fc1, fc2"
    assert second.loc == "approximation.2.layers"


def test_a_rule_that_another_overrides_still_counts_as_matching():
    plan = layer_plan(make_spec({**TOPK, "layers": "fc1"}, {**TOPK, "forward": 0.5}))
    assert {p.rule for p in plan} == {1}


def test_every_field_at_fault_is_named_at_once():
    with pytest.raises(SpecError) as caught:
        layer_plan(make_spec({**TOPK, "layers": "fc9"}, batch_size=2000))
    assert [e.loc for e in caught.value.errors] == ["training.batch_size", "approximation.0.layers"]


def test_a_network_too_deep_for_the_images_is_refused():
    spec = make_spec()
    deep = spec.model.model_copy(update={"channels": (2, 2, 2, 2)})
    with pytest.raises(SpecError, match=r"model\.channels"):
        layer_plan(spec.model_copy(update={"model": deep}))


@pytest.mark.parametrize(
    ("dataset", "sizes"),
    [
        ({"name": "digits"}, (1077, 180)),
        ({"name": "mnist"}, (55_000, 5_000)),
        ({"name": "mnist", "validation": 10_000}, (50_000, 10_000)),
        ({"name": "fashion-mnist", "train_limit": 2_000}, (2_000, 5_000)),
        ({"name": "digits", "validation": 1_256}, (1, 1_256)),
        ({"name": "digits", "train_limit": 1_077}, (1_077, 180)),
    ],
)
def test_validation_is_held_back_before_the_limit(dataset, sizes):
    assert split_sizes(make_spec(dataset=dataset).dataset) == sizes


def test_epochs_come_to_no_more_steps_than_a_training_may_have():
    spec = make_spec(dataset={"name": "mnist"}, batch_size=1, epochs=18_181)
    assert training_length(spec).steps == 999_955_000
    with pytest.raises(SpecError, match=r"epochs: .* at most 1000000000; give at most 18181 epoch"):
        training_length(make_spec(dataset={"name": "mnist"}, batch_size=1, epochs=18_182))


def test_batches_are_full():
    length = training_length(make_spec(batch_size=100))
    assert (length.steps_per_epoch, length.steps) == (10, 20)
    length = training_length(make_spec(batch_size=1077, steps=7))
    assert (length.steps_per_epoch, length.steps) == (1, 7)


@pytest.mark.parametrize(
    ("change", "loc", "message"),
    [
        (
            {"batch_size": 1078},
            "training.batch_size",
            "a batch of 1078 is more than the 1077 training examples; give at most 1077",
        ),
        (
            {"dataset": {"train_limit": 30}, "batch_size": 31},
            "training.batch_size",
            "a batch of 31 is more than the 30 training examples; give at most 30",
        ),
        (
            {"resources": {"devices": 4}, "batch_size": 3},
            "training.batch_size",
            "a batch of 3 can't be shared by 4 devices (`resources.devices`), since each takes at "
            "least one example; give at least 4, or fewer devices",
        ),
        (
            {"dataset": {"validation": 1257}},
            "dataset.validation",
            "1257 examples for validation leave none to train on; digits has 1257, "
            "so give at most 1256",
        ),
        (
            {"dataset": {"train_limit": 1078}},
            "dataset.train_limit",
            "1078 examples are asked for, but digits has 1077 beside the 180 for validation; "
            "give at most 1077, or leave `train_limit` out",
        ),
        (
            {"steps": 40, "schedule": {"name": "cosine", "warmup_steps": 41}},
            "training.schedule.warmup_steps",
            "a warm-up of 41 steps is longer than the training, which has 40; give at most 40",
        ),
        (
            {"batch_size": 100, "schedule": {"name": "linear", "warmup_steps": 21}},
            "training.schedule.warmup_steps",
            "a warm-up of 21 steps is longer than the training, which has 20; give at most 20",
        ),
    ],
)
def test_a_training_that_does_not_fit_its_data_is_refused(change, loc, message):
    with pytest.raises(SpecError) as caught:
        layer_plan(make_spec(**change))
    (error,) = caught.value.errors
    assert (error.loc, error.msg) == (loc, message)


def test_a_warm_up_as_long_as_the_training_is_allowed():
    layer_plan(make_spec(steps=40, schedule={"name": "cosine", "warmup_steps": 40}))


def test_planning_imports_neither_torch_nor_numpy():
    code = (
        "import sys, crs_core.layers, crs_core.rules, crs_core.cost, crs_core.presets, "
        "crs_core.data.facts; sys.exit(bool({'torch', 'numpy', 'sklearn'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_augmentation_that_changes_nothing_is_refused():
    with pytest.raises(SpecError, match="changes nothing; give one of them, or leave"):
        make_spec(dataset={"name": "mnist", "augmentation": {"crop_padding": 0}})
