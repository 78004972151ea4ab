"""The recurrent module, and the product of activations as a module."""

import copy
from typing import Any

import pytest
import torch
from torch import nn

from crs_core.errors import ShapeError, SpecError
from crs_core.nn import CRSLSTM, BatchedProduct, CRSBatchedProduct
from crs_core.ops import crs_bmm, crs_lstm
from tests.crs_core.reference import generators

TOPK: dict[str, Any] = {"policy": "topk", "ratio": 0.5, "min_samples": 1}


def lstm(**arguments: Any) -> CRSLSTM:
    return CRSLSTM(7, 3, **(TOPK | arguments))


def test_a_recurrent_layer_s_state_dicts_go_both_ways() -> None:
    exact, twin = nn.LSTM(7, 3), lstm()
    assert list(twin.state_dict()) == list(exact.state_dict())
    twin.load_state_dict(exact.state_dict())
    x, state = torch.randn(4, 5, 7), (torch.randn(1, 5, 3), torch.randn(1, 5, 3))
    twin.eval()
    for mine, theirs in zip(twin(x, state)[1], exact(x, state)[1], strict=True):
        assert torch.equal(mine, theirs)
    copy.deepcopy(exact).load_state_dict(twin.state_dict())


@pytest.mark.parametrize(
    ("arguments", "shape", "state"),
    [
        ({}, (4, 5, 7), (1, 5, 3)),
        ({"batch_first": True}, (5, 4, 7), (1, 5, 3)),
        ({"bias": False}, (4, 5, 7), (1, 5, 3)),
        ({}, (4, 7), (1, 3)),
        ({"batch_first": True}, (4, 7), (1, 3)),
    ],
    ids=str,
)
@pytest.mark.parametrize("is_given", [True, False])
def test_a_recurrent_layer_takes_torchs_own_shapes(
    arguments: dict[str, Any], shape: tuple[int, ...], state: tuple[int, ...], is_given: bool
) -> None:
    exact, twin = nn.LSTM(7, 3, **arguments).double(), lstm(ratio=1.0, **arguments).double()
    twin.load_state_dict(exact.state_dict())
    g = torch.Generator().manual_seed(0)
    x = torch.randn(shape, generator=g, dtype=torch.float64)
    hx = tuple(torch.randn(state, generator=g, dtype=torch.float64) for _ in "hc")
    wanted, found = (m(x, hx if is_given else None) for m in (exact, twin))
    assert torch.equal(found[0], wanted[0])
    twin.ratio = 0.5
    sampled = twin(x, hx if is_given else None)
    for mine, theirs in zip((sampled[0], *sampled[1]), (wanted[0], *wanted[1]), strict=True):
        assert mine.shape == theirs.shape
        assert not torch.equal(mine, theirs)
    # All draws are topk's, so that a batch of one is its example.
    if len(shape) == 2:
        one, _ = twin(x.unsqueeze(0 if twin.batch_first else 1), None)
        torch.testing.assert_close(one.squeeze(0 if twin.batch_first else 1), twin(x)[0])


def test_a_recurrent_layer_is_one_call_of_the_operation() -> None:
    twin = lstm(policy="nps", backward_ratio=0.4, gates=["cell"], generator=generators(1))
    x, h, c = torch.randn(4, 5, 7), torch.randn(5, 3), torch.randn(5, 3)
    wanted, _ = crs_lstm(
        x, (h, c), *twin.parameters(), policy="nps", ratio=0.5, backward_ratio=0.4, min_samples=1,
        gates=["cell"], generator=generators(1),
    )  # fmt: skip
    assert torch.equal(twin(x, (h[None], c[None]))[0], wanted)


def test_a_recurrent_twin_shares_the_parameters() -> None:
    exact = nn.LSTM(7, 3, batch_first=True)
    twin = CRSLSTM.twin(exact, **TOPK, gates=["input"])
    assert all(a is b for a, b in zip(twin.parameters(), exact.parameters(), strict=True))
    assert twin.batch_first
    assert "gates=input" in repr(twin)


@pytest.mark.parametrize(
    "arguments",
    [{"num_layers": 2}, {"bidirectional": True}, {"proj_size": 2}, {"dropout": 0.5}],
    ids=str,
)
def test_what_a_recurrent_twin_lacks_is_told(arguments: dict[str, Any]) -> None:
    with pytest.raises(SpecError, match="CRSLSTM is one layer in one direction"):
        lstm(**arguments)


def test_packed_sequences_are_refused() -> None:
    packed = nn.utils.rnn.pack_sequence([torch.randn(3, 7), torch.randn(2, 7)])
    with pytest.raises(ShapeError, match=r"a tensor \(steps, batch, 7\) is needed"):
        lstm()(packed)


def test_a_product_of_activations_is_sampled_in_training_alone() -> None:
    a, b = torch.randn(2, 3, 5, 7), torch.randn(2, 3, 7, 4)
    exact = BatchedProduct()
    twin = CRSBatchedProduct.twin(exact, policy="topk", ratio=0.5, min_samples=1)
    assert torch.equal(twin(a, b), crs_bmm(a, b, policy="topk", ratio=0.5, min_samples=1))
    assert torch.equal(twin.eval()(a, b), exact(a, b))
    assert repr(twin).startswith("CRSBatchedProduct(policy=topk")
