"""The networks that predict words: what they compute, their weights, layers and MACs."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from crs_core.convert import approximate, crs_layers
from crs_core.cost import plan_cost
from crs_core.data.facts import FACTS
from crs_core.errors import ShapeError
from crs_core.layers import layer_shapes
from crs_core.models import build_network
from crs_core.models.gpt import GPT
from crs_core.models.language import build_language_model
from crs_core.models.lstm import LSTMNetwork
from crs_core.nn import CRSLSTM, BatchedProduct
from crs_core.ops import Meter
from crs_core.spec import GPTModel, JobSpec, LSTMModel, parse_spec

T, N, VOCABULARY = 6, 4, 11
LSTM_SPEC = LSTMModel(hidden=5, layers=2, sequence_length=T)
GPT_SPEC = GPTModel(width=12, depth=2, heads=3, sequence_length=T)
SAMPLED = GPT_SPEC.model_copy(update={"sampled_attention": True})
SPECS = [LSTM_SPEC, LSTM_SPEC.model_copy(update={"tied": True}), GPT_SPEC, SAMPLED]
RULE = {"policy": "topk", "forward": 0.5, "backward": 0.6, "min_samples": 1}


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def words(steps: int = T, seed: int = 0) -> torch.Tensor:
    return torch.randint(VOCABULARY, (steps, N), generator=seeded(seed))


def job(model: dict, *rules: dict, dataset: str = "pydoc", batch_size: int = N) -> JobSpec:
    return parse_spec(
        {
            "model": model,
            "dataset": {"name": dataset},
            "approximation": list(rules),
            "training": {"steps": 3, "batch_size": batch_size},
        }
    )


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_every_word_gets_a_score_for_each_word_that_may_follow(spec):
    network = build_language_model(spec, VOCABULARY)
    scores, _ = network(words())
    assert scores.shape == (T, N, VOCABULARY)


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_a_score_hangs_on_no_word_that_comes_later(spec):
    network = build_language_model(spec, VOCABULARY).double().eval()
    other = words()
    other[3:] = (other[3:] + 1) % VOCABULARY
    before, after = network(words())[0], network(other)[0]
    assert torch.equal(before[:3], after[:3])
    assert not torch.allclose(before[3:], after[3:])


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_weights_hang_on_the_generator_alone(spec):
    before = torch.get_rng_state()
    torch.manual_seed(1)
    one = build_language_model(spec, VOCABULARY, generator=seeded(3)).state_dict()
    torch.manual_seed(2)
    two = build_language_model(spec, VOCABULARY, generator=seeded(3)).state_dict()
    three = build_language_model(spec, VOCABULARY, generator=seeded(4)).state_dict()
    torch.set_rng_state(before)
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not torch.equal(one["embedding.weight"], three["embedding.weight"])


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_building_draws_nothing_from_the_global_generator(spec):
    before = torch.get_rng_state()
    build_language_model(spec, VOCABULARY)
    assert torch.equal(torch.get_rng_state(), before)


# -- the recurrent network ---------------------------------------------------------------------


def test_the_lstm_is_embedding_layers_and_output():
    network = build_language_model(LSTM_SPEC, VOCABULARY).double().eval()
    x = network.embedding.weight[words()]
    for layer in (network.lstm1, network.lstm2):
        assert type(layer) is nn.LSTM
        x, _ = layer(x)
    expected = x @ network.output.weight.T + network.output.bias
    torch.testing.assert_close(network(words())[0], expected)


def test_the_state_carries_over():
    network = build_language_model(LSTM_SPEC, VOCABULARY).double().eval()
    text = words(2 * T)
    whole, end = network(text)
    _, state = network(text[:T])
    second, second_end = network(text[T:], state)
    torch.testing.assert_close(second, whole[T:])
    assert not torch.allclose(network(text[T:])[0], whole[T:])
    for (h, c), (h2, c2) in zip(end, second_end, strict=True):
        torch.testing.assert_close(h, h2)
        torch.testing.assert_close(c, c2)


def test_initial_weights_are_the_paper_s():
    network = build_language_model(LSTMModel(hidden=40, layers=2), 50, generator=seeded(2))
    for name, p in network.named_parameters():
        if "bias" in name:
            assert (p == 0).all()
        else:
            assert 0.045 < p.abs().max() <= 0.05
            assert abs(p.mean()) < 5 * 0.05 / math.sqrt(3 * p.numel())


def test_only_one_of_torch_s_two_biases_learns():
    network = build_language_model(LSTM_SPEC, VOCABULARY)
    network(words())[0].square().sum().backward()
    assert network.lstm1.bias_ih_l0.grad is not None
    assert network.lstm1.bias_hh_l0.grad is None


def test_dropout_is_on_the_connections_that_do_not_recur():
    """Between embedding, layers and output: with p near 1 only the biases are left."""
    network = build_language_model(LSTM_SPEC, VOCABULARY)
    for i in range(3):
        assert getattr(network, f"dropout{i}").p == 0.5
    network.dropout2.p = 1 - 1e-12
    torch.testing.assert_close(network(words())[0], network.output.bias.expand(T, N, VOCABULARY))


def test_tied_embedding_and_output_are_one_weight():
    network = build_language_model(SPECS[1], VOCABULARY)
    assert network.output.weight is network.embedding.weight
    names = [name for name, _ in network.named_parameters()]
    assert "output.weight" not in names
    network(words())[0].square().sum().backward()
    approximate(network, [*job({"name": "lstm"}, RULE).approximation])
    assert network.output.weight is network.embedding.weight


def test_a_tied_weight_that_is_stored_anew_stays_one():
    spec = LSTMModel(hidden=1024, layers=1, tied=True)
    network = build_language_model(spec, 1100)
    before = network.embedding.weight.detach().clone()
    approximate(network, [*job({"name": "lstm"}, {**RULE, "layers": "output"}).approximation])
    assert network.output.weight is network.embedding.weight
    assert network.output.weight.stride(0) == 1
    assert torch.equal(network.embedding(torch.tensor([3])), before[3:4])


# -- the transformer ---------------------------------------------------------------------------


def test_the_transformer_is_what_its_formula_says():
    network = build_language_model(GPT_SPEC, VOCABULARY).double().eval()
    w, read = dict(network.named_parameters()), words().T
    x = w["embedding.weight"][read] + w["position.weight"]
    mask = torch.full((T, T), -math.inf).triu(1)

    def norm(name, x):
        return F.layer_norm(x, (12,), w[f"{name}.weight"], w[f"{name}.bias"])

    def linear(name, x):
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    for b in ("block1", "block2"):
        q, k, v = linear(f"{b}.attention.qkv", norm(f"{b}.norm1", x)).chunk(3, -1)
        heads = []
        for h in range(3):
            part = slice(4 * h, 4 * h + 4)
            weights = (q[..., part] @ k[..., part].transpose(1, 2) / 2 + mask).softmax(-1)
            heads.append(weights @ v[..., part])
        x = x + linear(f"{b}.attention.out", torch.cat(heads, -1))
        x = x + linear(f"{b}.down", F.gelu(linear(f"{b}.up", norm(f"{b}.norm2", x))))
    expected = linear("output", norm("norm", x)).transpose(0, 1)
    torch.testing.assert_close(network(words())[0], expected)


def test_attention_whose_products_are_layers_is_the_same_attention():
    exact = build_language_model(GPT_SPEC, VOCABULARY, generator=seeded(5)).double().eval()
    split = build_language_model(SAMPLED, VOCABULARY, generator=seeded(5)).double().eval()
    assert list(exact.state_dict()) == list(split.state_dict())
    torch.testing.assert_close(exact(words())[0], split(words())[0])


def test_a_shorter_window_is_read_and_a_longer_one_refused():
    network = build_language_model(GPT_SPEC, VOCABULARY).eval()
    torch.testing.assert_close(network(words()[:2])[0], network(words())[0][:2])
    with pytest.raises(ShapeError, match="7 words came in, but the window has 6"):
        network(words(7))


def test_initial_weights_are_gpt_2_s():
    network = build_language_model(GPTModel(width=64, depth=8, heads=2), 90)
    for name, p in network.named_parameters():
        if "norm" in name:
            assert (p == ("weight" in name)).all()
        elif "bias" in name:
            assert (p == 0).all()
        else:
            wanted = 0.02 / 4 if ".out." in name or ".down." in name else 0.02
            assert p.std().item() == pytest.approx(wanted, rel=0.05), name


# -- layers and their MACs ---------------------------------------------------------------------


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
