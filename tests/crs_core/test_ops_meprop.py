"""meProp against a reference that multiplies one kept output at a time."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crs_core.cost import budget, layer_cost
from crs_core.errors import RatioError
from crs_core.layers import Conv2d, Linear
from crs_core.nn import CRSConv2d, CRSLinear
from crs_core.ops import Meter, crs_conv2d, crs_linear, crs_matmul
from crs_core.rules import LayerPlan
from crs_core.spec import Policy

B, N, OUT = 5, 7, 9
MEPROP: dict[str, Any] = {"policy": "meprop", "ratio": 1.0, "min_samples": 1}


def draw(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    g = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=g, dtype=torch.float64).to(dtype)


def largest(dy: Tensor, k: int, groups: int = 1) -> list[int]:
    """The outputs of the largest summed gradient, k in each group; dY is examples x outputs x …"""
    sizes = [float(dy[:, j].abs().sum()) for j in range(dy.shape[1])]
    per_group = len(sizes) // groups
    kept = []
    for q in range(groups):
        mine = range(q * per_group, (q + 1) * per_group)
        kept += sorted(mine, key=lambda j: -sizes[j])[:k]
    return kept


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("ratio", [0.1, 0.5, 1.0])
def test_the_forward_product_has_the_bits_of_torch(ratio: float, dtype: torch.dtype) -> None:
    x, w, b = draw(B, N, dtype=dtype), draw(OUT, N, dtype=dtype), draw(OUT, dtype=dtype)
    y = crs_linear(x, w, b, backward_ratio=ratio, **MEPROP)
    assert torch.equal(y, F.linear(x, w, b))
    images, kernels = draw(2, 3, 6, 5, dtype=dtype), draw(4, 3, 3, 2, dtype=dtype)
    y = crs_conv2d(images, kernels, None, 2, 1, backward_ratio=ratio, **MEPROP)
    assert torch.equal(y, F.conv2d(images, kernels, None, 2, 1))


def test_keeping_every_output_gives_the_gradients_of_torch() -> None:
    x, w, b = (t.requires_grad_() for t in (draw(B, N), draw(OUT, N), draw(OUT)))
    dy = draw(B, OUT, seed=4)
    ours = torch.autograd.grad(crs_linear(x, w, b, backward_ratio=1.0, **MEPROP), (x, w, b), dy)
    theirs = torch.autograd.grad(F.linear(x, w, b), (x, w, b), dy)
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("shape", [(B, N), (N,), (2, 4, N)])
@pytest.mark.parametrize("ratio", [0.05, 0.4, 0.8])
@pytest.mark.parametrize("by_columns", [False, True])
def test_both_gradient_products_use_the_outputs_of_the_largest_gradient(
    shape: tuple[int, ...], ratio: float, by_columns: bool
) -> None:
    x, w, b = draw(*shape), draw(OUT, N), draw(OUT)
    if by_columns:
        w = w.t().contiguous().t()
    for t in (x, w, b):
        t.requires_grad_()
    y = crs_linear(x, w, b, backward_ratio=ratio, **MEPROP)
    dy = draw(*y.shape, seed=3)
    dx, dw, db = torch.autograd.grad(y, (x, w, b), dy)
    flat_x, flat_dy = x.detach().reshape(-1, N), dy.reshape(-1, OUT)
    kept = largest(flat_dy, budget(OUT, ratio, 1))
    slow_x, slow_w = torch.zeros_like(flat_x), torch.zeros(OUT, N, dtype=x.dtype)
    for j in kept:
        slow_x += torch.outer(flat_dy[:, j], w.detach()[j])
        slow_w[j] = flat_dy[:, j] @ flat_x
    torch.testing.assert_close(dx.reshape(-1, N), slow_x)
    torch.testing.assert_close(dw, slow_w)
    torch.testing.assert_close(db, flat_dy.sum(0))
    assert dw.stride() == w.stride()
    others = [j for j in range(OUT) if j not in kept]
    assert not dw[others].any()


@pytest.mark.parametrize(
    ("groups", "window"),
    [
        (1, {"stride": 1, "padding": 0}),
        (1, {"stride": 2, "padding": (2, 1), "padding_mode": "reflect"}),
        (2, {"stride": 1, "padding": "same", "dilation": 2}),
    ],
)
@pytest.mark.parametrize("ratio", [0.3, 0.7])
def test_a_convolution_drops_whole_output_channels(
    groups: int, window: dict[str, Any], ratio: float
) -> None:
    x, w, b = draw(3, 4, 7, 6), draw(10, 4 // groups, 3, 3), draw(10)
    for t in (x, w, b):
        t.requires_grad_()
    y = crs_conv2d(x, w, b, groups=groups, backward_ratio=ratio, **window, **MEPROP)
    dy = draw(*y.shape, seed=3)
    dx, dw, db = torch.autograd.grad(y, (x, w, b), dy)
    kept = largest(dy, budget(10 // groups, ratio, 1), groups)
    assert len(kept) < 10
    # Torch's own gradient of dY whose other channels are zero, and the exact one of the bias.
    exact = nn.Conv2d(4, 10, 3, groups=groups, dtype=torch.float64, **window)
    exact.weight, exact.bias = nn.Parameter(w.detach()), nn.Parameter(b.detach())
    masked = torch.zeros_like(dy)
    masked[:, kept] = dy[:, kept]
    slow_x, slow_w = torch.autograd.grad(exact(x), (x, exact.weight), masked)
    torch.testing.assert_close(dx, slow_x)
    torch.testing.assert_close(dw, slow_w)
    torch.testing.assert_close(db, dy.sum((0, 2, 3)))


def test_a_matrix_product_drops_columns_of_its_gradient() -> None:
    a, b = draw(B, N).requires_grad_(), draw(N, OUT).requires_grad_()
    dc = draw(B, OUT, seed=6)
    c = crs_matmul(a, b, backward_ratio=0.4, **MEPROP)
    assert torch.equal(c, a @ b)
    da, db = torch.autograd.grad(c, (a, b), dc)
    kept = largest(dc, 4)
    masked = torch.zeros_like(dc)
    masked[:, kept] = dc[:, kept]
    torch.testing.assert_close(da, masked @ b.detach().t())
    torch.testing.assert_close(db, a.detach().t() @ masked)


@pytest.mark.parametrize("needed", ["x", "w", "b"])
def test_gradients_that_nobody_needs_are_not_computed(needed: str) -> None:
    tensors = {"x": draw(B, N), "w": draw(OUT, N), "b": draw(OUT)}
    tensors[needed].requires_grad_()
    meter = Meter()
    crs_linear(*tensors.values(), backward_ratio=0.3, meter=meter, **MEPROP).sum().backward()
    products = [r.product for r in meter.rows("fc", Policy(name="meprop"), 1.0, 0.3)]
    assert products == ["forward", *{"x": ["grad_input"], "w": ["grad_weight"]}.get(needed, [])]


def test_performed_is_what_was_planned_and_outputs_are_covered() -> None:
    policy = Policy(name="meprop")
    for layer, x, shape in (
        (CRSLinear(N, OUT, backward_ratio=0.3, **MEPROP), draw(B, N, dtype=torch.float32),
         Linear(N, OUT)),
        (CRSConv2d(4, 6, 3, groups=2, backward_ratio=0.4, **MEPROP),
         draw(B, 4, 7, 6, dtype=torch.float32),
         Conv2d(4, 6, (3, 3), in_size=(7, 6), out_size=(5, 4), groups=2)),
    ):  # fmt: skip
        layer.meter = Meter()
        layer.meter.probe = True
        layer(x.requires_grad_()).square().sum().backward()
        rows = layer.meter.rows("fc", policy, 1.0, layer.backward_ratio)
        plan = LayerPlan("fc", shape, policy, 1.0, layer.backward_ratio, 1)
        planned = layer_cost(plan, batch=B)
        assert [(r.product, r.pairs, r.kept, r.exact_macs, r.performed_macs) for r in rows] == [
            (p.product, p.pairs, p.k, p.exact_macs, p.planned_macs) for p in planned
        ]
        forward, grad_input, grad_weight = rows
        assert (forward.policy, forward.never_kept, forward.error) == ("exact", None, None)
        for row in (grad_input, grad_weight):
            assert row.policy == "meprop"
            assert row.never_kept == pytest.approx(1 - row.kept / row.pairs)
            assert row.error is not None
            assert 0 < row.error < 1


def test_autocast_multiplies_in_its_type() -> None:
    x, w = draw(B, N, dtype=torch.float32), draw(OUT, N, dtype=torch.float32)
    x.requires_grad_()
    w.requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = crs_linear(x, w, None, backward_ratio=0.5, **MEPROP)
    assert y.dtype == torch.bfloat16
    dx, dw = torch.autograd.grad(y, (x, w), torch.ones_like(y))
    assert (dx.dtype, dw.dtype) == (torch.float32, torch.float32)


def test_an_empty_batch_gives_zero_gradients() -> None:
    x, w = draw(0, N).requires_grad_(), draw(OUT, N).requires_grad_()
    y = crs_linear(x, w, backward_ratio=0.5, **MEPROP)
    dx, dw = torch.autograd.grad(y, (x, w), y)
    assert dx.shape == (0, N)
    assert not dw.any()


def test_a_forward_ratio_is_refused() -> None:
    with pytest.raises(RatioError, match=r"samples the gradients alone.* ratio at 1\.0; got 0\.5"):
        crs_linear(draw(B, N), draw(OUT, N), policy="meprop", ratio=0.5)
