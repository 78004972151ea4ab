"""Kept scores: which products keep them, for how long, and what that does to the estimate."""

import copy
import pickle
from typing import Any

import pytest
import torch
from torch import Tensor

from crs_core.errors import CheckpointError, SpecError
from crs_core.nn import CRSLSTM, CRSBatchedProduct, CRSConv2d, CRSLinear
from crs_core.ops import Memory, Meter, crs_linear
from crs_core.spec import Policy

B, N, OUT = 5, 7, 9


def draw(*shape: int, seed: int = 0) -> Tensor:
    g = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=g, dtype=torch.float64)


def made(name: str, **choices: Any) -> Policy:
    return Policy.model_validate({"name": name, **choices})


def test_scores_are_made_anew_at_every_third_call() -> None:
    memory = Memory()
    fresh = [draw(4, seed=call) for call in range(8)]
    given = [memory.scores("forward", 4, 3, lambda at=call: fresh[at]) for call in range(8)]  # type: ignore[misc]
    for call, scores in enumerate(given):
        assert torch.equal(scores, fresh[call - call % 3])


def test_scores_of_another_number_of_pairs_are_not_kept() -> None:
    memory = Memory()
    for pairs in (4, 4, 5, 4):
        scores = memory.scores("forward", pairs, 100, lambda n=pairs: draw(n))  # type: ignore[misc]
        assert torch.equal(scores, draw(pairs))


def columns(x: Tensor, w: Tensor) -> list[int]:
    """The two pairs of the largest score."""
    return sorted((x.norm(dim=0) * w.norm(dim=0)).topk(2).indices.tolist())


def test_a_layer_keeps_by_the_scores_of_its_last_scoring() -> None:
    policy = made("topk", refresh_every=2)
    w, memory = torch.ones(OUT, N, dtype=torch.float64), Memory()
    inputs = [draw(B, N, seed=s) for s in (1, 5, 2, 9)]
    wanted = [columns(inputs[s - s % 2], w) for s in range(4)]
    assert wanted[1] != columns(inputs[1], w)  # else nothing would be shown
    for x, kept in zip(inputs, wanted, strict=True):
        y = crs_linear(x, w, policy=policy, ratio=0.3, min_samples=1, memory=memory)
        torch.testing.assert_close(y, x[:, kept] @ w[:, kept].t())


def test_without_a_memory_every_call_scores_anew() -> None:
    policy, w = made("topk", refresh_every=100), draw(OUT, N)
    for seed in range(3):
        x = draw(B, N, seed=seed)
        kept = columns(x, w)
        y = crs_linear(x, w, policy=policy, ratio=0.3, min_samples=1)
        torch.testing.assert_close(y, x[:, kept] @ w[:, kept].t())


@pytest.mark.parametrize(
    ("policy", "products"),
    [("topk", ["forward", "grad_input"]), ("bernoulli", ["forward", "grad_input"]),
     ("wta", ["forward", "grad_input"]), ("meprop", ["grad_input"])],
)  # fmt: skip
def test_examples_of_a_batch_are_never_scored_by_old_ones(policy: str, products: list[str]) -> None:
    ratio = 1.0 if policy == "meprop" else 0.5
    sampling: dict[str, Any] = {
        "policy": made(policy, refresh_every=5), "ratio": ratio, "backward_ratio": 0.5,
        "min_samples": 1,
    }  # fmt: skip
    linear = CRSLinear(N, OUT, **sampling).double()
    conv = CRSConv2d(4, 6, 3, groups=2, **sampling).double()
    for layer, x in ((linear, draw(B, N)), (conv, draw(B, 4, 6, 5))):
        layer(x.requires_grad_()).square().sum().backward()
        assert list(layer.memory.state_dict()["scores"]) == products


def test_recurrent_layers_and_products_of_activations_keep_theirs() -> None:
    sampling: dict[str, Any] = {
        "policy": made("topk", refresh_every=5), "ratio": 0.5, "backward_ratio": 0.5,
        "min_samples": 1,
    }  # fmt: skip
    lstm, product = CRSLSTM(N, 3, **sampling).double(), CRSBatchedProduct(**sampling)
    y, _ = lstm(draw(4, B, N).requires_grad_())
    y.square().sum().backward()
    a, b = draw(2, 3, 5, 7).requires_grad_(), draw(2, 3, 7, 4).requires_grad_()
    product(a, b).square().sum().backward()
    sizes = [
        {name: scores.numel() for name, scores in layer.memory.state_dict()["scores"].items()}
        for layer in (lstm, product)
    ]
    # The columns of [x, h] and all four gates; of each of three heads the pairs and the columns.
    assert sizes == [{"forward": N + 3, "grad_input": 12}, {"forward": 21, "grad_input": 12}]
    assert lstm.memory.state_dict()["uses"] == {"forward": 4, "grad_input": 4}


@pytest.mark.parametrize("kind", [lambda **s: CRSLSTM(N, 3, **s), CRSBatchedProduct])
def test_meprop_is_refused_where_it_is_not_defined(kind: Any) -> None:
    with pytest.raises(SpecError, match="'meprop' is one of linear layers and convolutions, not"):
        kind(policy="meprop", ratio=1.0, backward_ratio=0.5)


@pytest.mark.parametrize("policy", ["nps", "bernoulli", "wta"])
def test_old_scores_leave_an_estimate_right_on_average(policy: str) -> None:
    choices = {"replacement": True, "scaled": True} if policy == "nps" else {}
    w, memory, draws = draw(OUT, N), Memory(), 3000
    sampling: dict[str, Any] = {
        "policy": made(policy, refresh_every=10**6, **choices), "ratio": 0.5, "min_samples": 1,
        "memory": memory, "generator": torch.Generator().manual_seed(1),
    }  # fmt: skip
    crs_linear(draw(B, N, seed=8), w, **sampling)
    x = draw(B, N, seed=9)
    ys = torch.stack([crs_linear(x, w, **sampling) for _ in range(draws)])
    # 4.5 standard errors for 45 entries: an honest estimate fails for one seed in 3000.
    assert ((ys.mean(0) - x @ w.t()).abs() <= 4.5 * ys.std(0) / draws**0.5).all()


@pytest.mark.parametrize("exploration", [0.0, 0.2])
def test_a_pair_whose_kept_score_is_0_comes_back_by_exploration_alone(exploration: float) -> None:
    policy = made(
        "nps", replacement=True, scaled=True, refresh_every=10**6, exploration=exploration
    )
    w, memory, g = torch.ones(1, 3), Memory(), torch.Generator().manual_seed(0)
    sampling: dict[str, Any] = {"ratio": 0.7, "min_samples": 1, "memory": memory, "generator": g}
    crs_linear(torch.tensor([[1.0, 1.0, 0.0]]), w, policy=policy, **sampling)
    x = torch.tensor([[0.0, 0.0, 1.0]])
    ys = torch.cat([crs_linear(x, w, policy=policy, **sampling) for _ in range(3000)])
    assert bool(ys.any()) == (exploration > 0)
    if exploration:
        assert abs(float(ys.mean()) - 1) <= 4.5 * float(ys.std()) / 3000**0.5


@pytest.mark.parametrize("through", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copied_layer_goes_on_with_its_scores(through: Any) -> None:
    layer = CRSLinear(N, OUT, policy=made("topk", refresh_every=3), ratio=0.3, min_samples=1)
    layer(draw(B, N).float())
    other, x = through(layer), draw(B, N, seed=1).float()
    assert torch.equal(layer(x), other(x))
    assert not [name for name in layer.state_dict() if "memory" in name]


def test_a_state_brings_scores_and_count_back() -> None:
    one = Memory()
    for _ in range(2):
        one.scores("forward", 4, 3, lambda: draw(4))
    two = Memory()
    two.load_state_dict(one.state_dict())
    assert torch.equal(two.scores("forward", 4, 3, lambda: draw(4, seed=1)), draw(4))
    assert torch.equal(two.scores("forward", 4, 3, lambda: draw(4, seed=1)), draw(4, seed=1))
    with pytest.raises(CheckpointError, match="not the state of kept scores: it holds"):
        two.load_state_dict({"forward": draw(4)})


@pytest.mark.parametrize("policy", ["topk", "wta", "meprop"])
def test_an_adaptive_budget_performs_less_than_its_bound_and_no_less_than_the_least(
    policy: str,
) -> None:
    ratio = 1.0 if policy == "meprop" else 0.9
    sampling: dict[str, Any] = {"ratio": ratio, "backward_ratio": 0.9, "min_samples": 2}
    macs = {}
    for name, coverage in (("bound", None), ("half", 0.5), ("least", 1e-9)):
        layer = CRSLinear(40, 30, policy=made(policy, coverage=coverage), **sampling).double()
        with torch.no_grad():
            layer.weight.copy_(draw(30, 40))
        layer.meter = Meter()
        layer(draw(20, 40).requires_grad_()).square().sum().backward()
        macs[name] = layer.meter.performed_macs
        rows = layer.meter.rows("fc", layer.policy, ratio, 0.9)
        if name == "least":
            assert {r.kept for r in rows if r.policy != "exact"} == {2}
    assert macs["least"] < macs["half"] < macs["bound"]
