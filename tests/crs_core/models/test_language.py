"""The networks that predict words: what they compute, their weights, layers and MACs."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from crs_core.convert import approximate
from crs_core.errors import ShapeError
from crs_core.models.language import build_language_model
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
