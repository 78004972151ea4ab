"""Kept norms: of what, for how long, and what that does to the estimate."""

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


def test_norms_are_taken_anew_at_every_third_call() -> None:
    memory = Memory()
    fresh = [draw(4, seed=call) for call in range(8)]
    given = [memory.norms(3, lambda at=call: fresh[at]) for call in range(8)]  # type: ignore[misc]
    for call, norms in enumerate(given):
        assert torch.equal(norms, fresh[call - call % 3])


def columns(x: Tensor, w: Tensor) -> list[int]:
    """The two pairs of the largest score."""
    return sorted((x.norm(dim=0) * w.norm(dim=0)).topk(2).indices.tolist())


def test_a_layer_keeps_by_the_weight_of_the_last_scoring_and_by_the_inputs_of_this_step() -> None:
    policy, memory = made("topk", refresh_every=2), Memory()
    inputs = [draw(B, N, seed=s) for s in (1, 5, 2, 9)]
    weights = [draw(OUT, N, seed=s) for s in (11, 12, 13, 17)]
    wanted = [columns(inputs[s], weights[s - s % 2]) for s in range(4)]
    assert wanted[1] != columns(inputs[1], weights[1])  # else nothing would be shown
    for x, w, kept in zip(inputs, weights, wanted, strict=True):
        y = crs_linear(x, w, policy=policy, ratio=0.3, min_samples=1, memory=memory)
        torch.testing.assert_close(y, x[:, kept] @ w[:, kept].t())


def test_without_a_memory_every_call_scores_anew() -> None:
    policy = made("topk", refresh_every=100)
    for seed in range(3):
        x, w = draw(B, N, seed=seed), draw(OUT, N, seed=seed + 20)
        kept = columns(x, w)
        y = crs_linear(x, w, policy=policy, ratio=0.3, min_samples=1)
        torch.testing.assert_close(y, x[:, kept] @ w[:, kept].t())


def test_each_kind_of_layer_keeps_the_norms_of_its_weight() -> None:
    sampling: dict[str, Any] = {
        "policy": made("topk", refresh_every=5), "ratio": 0.5, "backward_ratio": 0.5,
        "min_samples": 1,
    }  # fmt: skip
    linear = CRSLinear(N, OUT, **sampling).double()
    conv = CRSConv2d(4, 6, 3, groups=2, **sampling).double()
    lstm = CRSLSTM(N, 3, **sampling).double()
    for layer, x in ((linear, draw(B, N)), (conv, draw(B, 4, 6, 5)), (lstm, draw(4, B, N))):
        y = layer(x.requires_grad_())
        (y[0] if isinstance(y, tuple) else y).square().sum().backward()
    torch.testing.assert_close(linear.memory.state_dict()["norms"], linear.weight.norm(dim=0))
    assert conv.memory.state_dict()["norms"].numel() == 4
    both = torch.cat([lstm.weight_ih_l0, lstm.weight_hh_l0], 1).norm(dim=0)
    torch.testing.assert_close(lstm.memory.state_dict()["norms"], both)
    assert [m.memory.state_dict()["uses"] for m in (linear, conv, lstm)] == [1, 1, 1]


def test_a_recurrence_that_begins_with_nothing_is_drawn_afterwards() -> None:
    """At the first time step h is 0; its columns must not stay without a score for that."""
    policy = made("nps", replacement=True, scaled=True, refresh_every=10**6)
    lstm = CRSLSTM(8, 8, policy=policy, ratio=0.5, min_samples=1).double()
    y, _ = lstm(draw(10, B, 8))
    y.square().sum().backward()
    assert lstm.weight_hh_l0.grad is not None
    assert float(lstm.weight_hh_l0.grad.abs().sum()) > 0


def test_gradients_stay_right_on_average_below_a_layer_that_drops_columns() -> None:
    """The layer above leaves exact zeros in dY, others at every step."""
    policy = made("nps", replacement=True, scaled=True, refresh_every=10**6)
    g, draws = torch.Generator().manual_seed(3), 4000
    x, first, second = draw(B, N), draw(8, N, seed=1), draw(6, 8, seed=2)
    dy, memories = draw(B, 6, seed=4), (Memory(), Memory())
    sampling: dict[str, Any] = {
        "policy": policy, "ratio": 0.5, "backward_ratio": 0.5, "min_samples": 1, "generator": g,
    }  # fmt: skip
    found = []
    for _ in range(draws):
        leaf = x.clone().requires_grad_()
        h = crs_linear(leaf, first, memory=memories[0], **sampling)
        crs_linear(h, second, memory=memories[1], **sampling).backward(dy)
        assert leaf.grad is not None
        found.append(leaf.grad)
    all_ = torch.stack(found)
    exact = dy @ second @ first
    # 4.5 standard errors for 35 entries: an honest estimate fails for one seed in 4000.
    assert ((all_.mean(0) - exact).abs() <= 4.5 * all_.std(0) / draws**0.5).all()


@pytest.mark.parametrize("kind", [lambda **s: CRSLSTM(N, 3, **s), CRSBatchedProduct])
def test_meprop_is_refused_where_it_is_not_defined(kind: Any) -> None:
    with pytest.raises(SpecError, match="'meprop' is one of linear layers and convolutions, not"):
        kind(policy="meprop", ratio=1.0, backward_ratio=0.5)


@pytest.mark.parametrize("policy", ["nps", "bernoulli", "wta"])
def test_old_norms_leave_an_estimate_right_on_average(policy: str) -> None:
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
def test_a_column_of_the_weight_kept_at_0_comes_back_by_exploration_alone(
    exploration: float,
) -> None:
    policy = made(
        "nps", replacement=True, scaled=True, refresh_every=10**6, exploration=exploration
    )
    memory, g = Memory(), torch.Generator().manual_seed(0)
    sampling: dict[str, Any] = {"ratio": 0.7, "min_samples": 1, "memory": memory, "generator": g}
    x = torch.ones(1, 3)
    crs_linear(x, torch.tensor([[1.0, 1.0, 0.0]]), policy=policy, **sampling)
    w = torch.tensor([[0.0, 0.0, 1.0]])
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


def test_a_state_brings_norms_and_count_back() -> None:
    one = Memory()
    for _ in range(2):
        one.norms(3, lambda: draw(4))
    two = Memory()
    two.load_state_dict(one.state_dict())
    assert torch.equal(two.norms(3, lambda: draw(4, seed=1)), draw(4))
    assert torch.equal(two.norms(3, lambda: draw(4, seed=1)), draw(4, seed=1))
    with pytest.raises(CheckpointError, match="not the state of kept norms: it holds"):
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
