"""Rules, the layer plan they make, and what of a spec only the data can refuse."""

import subprocess
import sys

import pytest

from crs_core.data import facts as facts_module
from crs_core.data.facts import FACTS, TextFacts
from crs_core.errors import SpecError
from crs_core.layers import layer_shapes
from crs_core.rules import (
    LayerPlan,
    holding_rules,
    layer_plan,
    plan_at,
    split_sizes,
    training_length,
)
from crs_core.spec import JobSpec, Policy, Rule, parse_spec

TOPK = {"policy": "topk"}


def make_spec(*rules: dict, dataset: dict | None = None, **training: object) -> JobSpec:
    length = {} if "steps" in training else {"epochs": 2}
    return parse_spec(
        {
            "model": {"name": "cnn", "channels": [4, 6]},
            "dataset": {"name": "digits", **(dataset or {})},
            "approximation": list(rules),
            "training": {**length, **training},
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


@pytest.mark.parametrize(
    ("schedule", "loc", "message"),
    [
        (
            {"exact_first_steps": 10, "exact_last": 0.75},
            "approximation.0.schedule",
            "the first 10 steps and the last 0.75 of the training are exact, which leaves nothing "
            "of its 40 steps to sample; give a smaller `exact_first_steps` or `exact_last`",
        ),
        (
            {"exact_first_steps": 41},
            "approximation.0.schedule",
            "the first 41 steps and the last 0 of the training are exact, which leaves nothing "
            "of its 40 steps to sample; give a smaller `exact_first_steps` or `exact_last`",
        ),
        (
            {"shape": "step", "milestones": [5, 40]},
            "approximation.0.schedule.milestones",
            "step 40 is past the last sampled step, 39 (of 40 steps, counted from 0); give at "
            "most 39",
        ),
        (
            {"shape": "linear", "end_step": 35, "exact_last": 0.25},
            "approximation.0.schedule.end_step",
            "step 35 is past the last sampled step, 29 (of 40 steps, counted from 0); give at "
            "most 29",
        ),
    ],
)
def test_a_schedule_that_does_not_fit_the_training_is_refused(schedule, loc, message):
    with pytest.raises(SpecError) as caught:
        layer_plan(make_spec({**TOPK, "forward": 0.4, "schedule": schedule}, steps=40))
    (error,) = caught.value.errors
    assert (error.loc, error.msg) == (loc, message)


def test_the_plan_of_a_layer_carries_its_schedule():
    schedule = {"shape": "step", "milestones": [39]}
    plan = layer_plan(make_spec({**TOPK, "forward": 0.4, "schedule": schedule}, steps=40))
    assert plan[0].schedule is not None
    assert [plan_at(plan[0], step, 40).forward for step in (38, 39)] == [1.0, 0.4]


def test_planning_imports_neither_torch_nor_numpy():
    code = (
        "import sys, crs_core.layers, crs_core.rules, crs_core.cost, crs_core.presets, "
        "crs_core.data.facts; sys.exit(bool({'torch', 'numpy', 'sklearn'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_options_for_images_are_refused_of_a_text(monkeypatch):
    text = TextFacts(
        name="mnist",
        title="A text",
        origin=FACTS["mnist"].origin,
        source="",
        license="",
        vocabulary=7,
        train=50,
        validation=5,
        test=6,
    )
    options = {"augmentation": {"flip": True}, "whiten": True}
    spec = make_spec(dataset={"name": "mnist", **options})
    layer_plan(spec)
    monkeypatch.setitem(facts_module.FACTS, "mnist", text)
    with pytest.raises(SpecError) as caught:
        layer_plan(spec)
    said = {e.loc: e.msg for e in caught.value.errors}
    for option in options:
        assert said[f"dataset.{option}"] == (
            f"`{option}` is for images, but mnist is for language-modelling; leave it out"
        )


def test_an_augmentation_that_changes_nothing_is_refused():
    with pytest.raises(SpecError, match="changes nothing; give one of them, or leave"):
        make_spec(dataset={"name": "mnist", "augmentation": {"crop_padding": 0}})


LSTM = {"name": "lstm", "hidden": 6, "layers": 1, "sequence_length": 30}


def text_spec(*rules: dict, model: dict | None = None, **parts: object) -> JobSpec:
    dataset = {"name": "pydoc", "train_limit": 1000}
    spec = {"model": {**LSTM, **(model or {})}, "dataset": dataset, "approximation": list(rules)}
    return parse_spec({**spec, "training": {"epochs": 2, "batch_size": 4}, **parts})


def test_a_text_is_cut_into_rows_and_sequences():
    """1,000 words in 4 rows of 250: 249 words follow another one, 8 times 30 of them are used."""
    length = training_length(text_spec())
    assert (length.train, length.validation) == (1000, 5000)
    assert (length.steps_per_epoch, length.steps) == (8, 16)
    assert training_length(text_spec(model={"sequence_length": 249})).steps_per_epoch == 1


def test_a_sequence_longer_than_the_text_is_refused():
    with pytest.raises(SpecError) as caught:
        layer_plan(text_spec(model={"sequence_length": 250}))
    (error,) = caught.value.errors
    assert error.loc == "model.sequence_length"
    assert error.msg == (
        "a sequence of 250 words and the word that follows are longer than the text: its 1000 "
        "words in 4 rows (`training.batch_size`) give 250 each; shorten the sequence, or the "
        "batch to at most 3"
    )


def test_gates_are_part_of_the_plan():
    rule = {"policy": "topk", "forward": 0.5, "layers": "lstm*", "gates": ["cell", "input"]}
    plan = {p.name: p.gates for p in layer_plan(text_spec(rule))}
    assert plan == {"lstm1": ("cell", "input"), "output": None}


def test_gates_of_a_layer_that_has_none_are_refused():
    rule = {"policy": "topk", "forward": 0.5, "gates": ["cell"]}
    with pytest.raises(SpecError, match=r"approximation.0.gates: only recurrent layers have gat"):
        layer_plan(text_spec(rule))


@pytest.mark.parametrize(
    ("gates", "message"),
    [
        (["cell", "cell"], "each gate can be named once; got cell, cell"),
        (["reset"], "'reset' is not known; there are: 'input', 'forget', 'cell' or 'output'"),
        ([], "at least 1 item"),
    ],
)
def test_gates_that_cannot_be_are_refused(gates, message):
    with pytest.raises(SpecError, match=message):
        text_spec({"policy": "topk", "gates": gates})


def test_a_network_for_images_is_refused_for_a_text():
    spec = parse_spec(
        {"model": {"name": "mlp"}, "dataset": {"name": "pydoc"}, "training": {"epochs": 1}}
    )
    with pytest.raises(SpecError, match=r"dataset.name: pydoc is for language-modelling, but mlp"):
        layer_plan(spec)


def test_heads_that_do_not_share_the_width_are_refused():
    with pytest.raises(SpecError, match="128 is no multiple of 3; change `width` or `heads`"):
        parse_spec(
            {
                "model": {"name": "gpt", "heads": 3},
                "dataset": {"name": "pydoc"},
                "training": {"epochs": 1},
            }
        )
