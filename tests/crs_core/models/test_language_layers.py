"""The layers of networks that predict words, and their MACs."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from crs_core.convert import approximate, crs_layers
from crs_core.cost import plan_cost
from crs_core.data.facts import FACTS
from crs_core.layers import layer_shapes
from crs_core.models import build_network
from crs_core.models.gpt import GPT
from crs_core.models.language import build_language_model
from crs_core.models.lstm import LSTMNetwork
from crs_core.nn import CRSLSTM, BatchedProduct
from crs_core.ops import Meter
from tests.crs_core.models.test_language import (
    LSTM_SPEC,
    RULE,
    SAMPLED,
    VOCABULARY,
    N,
    job,
    seeded,
    words,
)

MODELS = [
    {"name": "lstm", "hidden": 20, "layers": 3, "sequence_length": 5},
    {"name": "lstm", "hidden": 14, "layers": 1, "sequence_length": 3, "tied": True},
    {"name": "gpt", "width": 24, "depth": 2, "heads": 3, "sequence_length": 7},
    {
        "name": "gpt", "width": 16, "depth": 3, "heads": 2, "sequence_length": 5,
        "sampled_attention": True,
    },
]  # fmt: skip


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_layers_are_those_of_the_network(model):
    spec = job(model)
    network = build_network(spec.model, FACTS["pydoc"])
    seen = [
        name
        for name, m in network.named_modules()
        if isinstance(m, nn.Linear | nn.LSTM | BatchedProduct)
    ]
    shapes = layer_shapes(spec)
    assert list(shapes) == seen
    for name, shape in shapes.items():
        module = network.get_submodule(name)
        match module:
            case nn.Linear():
                found = (module.in_features, module.out_features, spec.model.sequence_length)
                assert (shape.in_features, shape.out_features, shape.positions) == found
            case nn.LSTM():
                found = (module.input_size, module.hidden_size, spec.model.sequence_length)
                assert (shape.in_features, shape.hidden, shape.steps) == found


@pytest.mark.parametrize("model", [MODELS[2], MODELS[3]], ids=str)
def test_exact_macs_are_those_that_torch_performs(model):
    """Of the transformer; torch's counter knows the products inside its LSTM kernel not at all.

    Without sampled attention its products are not counted, as they are no layers.
    """
    spec = job(model)
    cost, network = plan_cost(spec), build_network(spec.model, FACTS["pydoc"])
    read = torch.randint(2000, (spec.model.sequence_length, N), generator=seeded(1))
    with FlopCounterMode(display=False) as counter:
        network(read)[0].square().sum().backward()
    counted = counter.get_flop_counts()["Global"]
    total = sum(n for op, n in counted.items() if "attention" not in str(op))
    assert total * cost.steps == 2 * cost.exact_macs


RULES = [
    [RULE],
    [{**RULE, "layers": "output"}],
    [{**RULE, "layers": "lstm*", "gates": ["forget", "cell"]}],  # of a transformer: none
    [{**RULE, "backward": 1.0}],
]


@pytest.mark.parametrize(
    ("model", "rules"),
    [(m, r) for m in MODELS for r in RULES if m["name"] == "lstm" or "gates" not in r[0]],
    ids=str,
)
def test_planned_macs_are_those_that_meters_count(model, rules):
    spec = job(model, *rules)
    network = approximate(build_network(spec.model, FACTS["pydoc"]), spec.approximation)
    meters = {name: Meter() for name in crs_layers(network)}
    for name, layer in crs_layers(network).items():
        layer.meter = meters[name]
    read = torch.randint(2000, (spec.model.sequence_length, N), generator=seeded(1))
    network(read)[0].square().sum().backward()
    for name, meter in meters.items():
        planned = [p for p in plan_cost(spec).layers if p.layer == name]
        assert meter.exact_macs == sum(p.exact_macs for p in planned)
        assert meter.performed_macs == sum(p.planned_macs for p in planned)
        rows = meter.rows(name, planned[0].policy, 0.5, 0.6)
        assert [(r.pairs, r.kept) for r in rows] == [(p.pairs, p.k) for p in planned]


HALF = {"policy": "topk", "forward": 0.5}


@pytest.mark.parametrize(
    ("rules", "percent"),
    [
        ([{**HALF, "layers": "output"}], 24.5),
        ([HALF], 50.0),
        ([{**HALF, "layers": "lstm*"}], 25.5),
        ([{**HALF, "layers": "lstm*", "gates": ["input"]}], 6.4),
        ([{**HALF, "layers": "lstm*", "gates": ["input", "forget", "cell", "output"]}], 25.5),
    ],
)
def test_the_paper_s_reductions(rules, percent):
    """2 x 650, vocabulary 10,000: the paper says 24 % with half of the output matrix."""
    cost = plan_cost(job({"name": "lstm"}, *rules, dataset="ptb", batch_size=20))
    assert round(100 * cost.reduction, 1) == percent
    assert cost.steps_per_epoch == (929_589 // 20 - 1) // 35


def test_each_kind_of_recurrent_layer_is_swapped_with_its_gates():
    rule = {**RULE, "layers": "lstm2", "gates": ["cell"]}
    network = build_language_model(LSTM_SPEC, VOCABULARY)
    approximate(network, [*job({"name": "lstm"}, rule).approximation])
    assert type(network.lstm1) is nn.LSTM
    assert isinstance(network.lstm2, CRSLSTM)
    assert network.lstm2.gates == ("cell",)
    assert isinstance(network, LSTMNetwork)


def test_a_transformer_s_layers_are_all_swapped():
    network = build_language_model(SAMPLED, VOCABULARY)
    approximate(network, [*job({"name": "gpt"}, RULE).approximation])
    assert isinstance(network, GPT)
    assert len(crs_layers(network)) == 2 * 6 + 1
    network.eval()
    exact = build_language_model(SAMPLED, VOCABULARY).eval()
    assert torch.equal(network(words())[0], exact(words())[0])
