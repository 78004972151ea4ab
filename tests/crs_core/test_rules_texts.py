"""Rules over networks of texts, and what of such a spec only the text can refuse."""

import pytest

from crs_core.errors import SpecError
from crs_core.rules import layer_plan, training_length
from crs_core.spec import JobSpec, parse_spec

TOPK = {"policy": "topk"}
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


@pytest.mark.parametrize(
    ("length", "batch", "advice"),
    [
        (60_000, 20, "give 50 each; shorten the sequence to at most 49"),
        (60_000, 1000, "give 1 each; shorten the sequence and the batch"),
        (999, 2, "give 500 each; shorten the sequence, or the batch to at most 1"),
    ],
)
def test_what_is_advised_is_possible(length, batch, advice):
    training = {"epochs": 2, "batch_size": batch}
    with pytest.raises(SpecError) as caught:
        layer_plan(text_spec(model={"sequence_length": length}, training=training))
    (error,) = caught.value.errors
    assert error.msg.endswith(advice)


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
        ([], "at least 1 entry"),
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


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        (LSTM, "lstm1 is of kind lstm"),
        ({"name": "gpt", "sampled_attention": True}, "block1.attention.scores is of kind batched"),
    ],
)
def test_meprop_is_refused_where_it_is_not_defined(model, kind):
    rule = {"policy": "meprop", "backward": 0.5}
    spec = parse_spec(
        {
            "model": model,
            "dataset": {"name": "pydoc"},
            "approximation": [rule],
            "training": {"epochs": 1, "batch_size": 5},
        }
    )
    with pytest.raises(SpecError, match=f"approximation.0.policy: policy 'meprop' .* but {kind}"):
        layer_plan(spec)
    layer_plan(spec.model_copy(update={"approximation": ()}))


def test_options_for_images_are_refused_of_a_text():
    options = {"augmentation": {"flip": True}, "whiten": True}
    with pytest.raises(SpecError) as caught:
        layer_plan(text_spec(dataset={"name": "pydoc", **options}))
    assert {e.loc: e.msg for e in caught.value.errors} == {
        f"dataset.{option}": (
            f"`{option}` is for images, but pydoc is for language-modelling; leave it out"
        )
        for option in options
    }
