"""crs_bmm is A B of many matrices, with a kept set per head."""

from typing import Any

import pytest
import torch
from torch import Tensor

from crs_core.cost import budget
from crs_core.errors import RatioError, ShapeError
from crs_core.ops import Meter, crs_bmm, crs_linear
from crs_core.sampling import sample
from crs_core.spec import Policy
from tests.crs_core.reference import POLICIES, UNBIASED, generators, label

E, H, M, N, P = 2, 3, 5, 7, 4


def factors(dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor]:
    g = torch.Generator().manual_seed(0)
    shapes = ((E, H, M, N), (E, H, N, P), (E, H, M, P))
    a, b, dc = (torch.randn(s, generator=g, dtype=torch.float64).to(dtype) for s in shapes)
    return a.requires_grad_(), b.requires_grad_(), dc


def kept(how: dict[str, Any], product: str, scores: Tensor) -> list[list[tuple[int, float]]]:
    """The pairs (index, scale) of each head, from scores heads x pairs."""
    heads, n = scores.shape
    k = budget(n, how["ratio" if product == "forward" else "backward_ratio"], 1)
    if k == n:
        return [[(i, 1.0) for i in range(n)]] * heads
    drawn = sample(scores, k, how["policy"], generator=getattr(generators(), product))
    return [
        list(zip(i.tolist(), s.tolist(), strict=True))
        for i, s in zip(drawn.indices, drawn.scales, strict=True)
    ]


def slow(a: Tensor, b: Tensor, dc: Tensor, how: dict[str, Any]) -> tuple[Tensor, Tensor, Tensor]:
    """Pair by pair, head by head, example by example."""
    c, da, db = torch.zeros_like(dc), torch.zeros_like(a), torch.zeros_like(b)

    def scores(left: Tensor, right: Tensor) -> Tensor:
        """Norms of pairs: columns of left with rows of right, over all examples."""
        outer = torch.einsum("ehmi,ehip->hiemp", left, right)
        return outer.flatten(2).norm(dim=2)

    forward = kept(how, "forward", scores(a, b))
    for h in range(H):
        for i, sigma in forward[h]:
            c[:, h] += sigma * a[:, h, :, i, None] * b[:, h, None, i]
    # With doubled pairs the kept factors have doubled columns: their norms are taken pair by pair.
    sigmas = [torch.tensor([sigma for _, sigma in head]) for head in forward]
    columns = [[i for i, _ in head] for head in forward]
    a_scaled = torch.stack([a[:, h, :, columns[h]] * sigmas[h] for h in range(H)], 1)
    b_scaled = torch.stack([b[:, h, columns[h]] * sigmas[h][:, None] for h in range(H)], 1)
    outputs = kept(how, "grad_input", scores(dc, b_scaled.transpose(2, 3)))
    rows = kept(how, "grad_weight", scores(a_scaled.transpose(2, 3), dc))
    for h in range(H):
        for i, sigma in forward[h]:
            for j, rho in outputs[h]:
                da[:, h, :, i] += rho * dc[:, h, :, j] * sigma * b[:, h, i, None, j]
            for r, tau in rows[h]:
                db[:, h, i] += tau * dc[:, h, r] * sigma * a[:, h, r, None, i]
    return c, da, db


@pytest.mark.parametrize("policy", [*POLICIES, Policy(name="exact")], ids=label)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_keeping_every_pair_gives_the_exact_products(policy: Policy, dtype: torch.dtype) -> None:
    a, b, dc = factors(dtype)
    mine, theirs = crs_bmm(a, b, policy=policy, ratio=1.0), a @ b
    assert torch.equal(mine, theirs)
    for x, y in zip(
        torch.autograd.grad(mine, (a, b), dc), torch.autograd.grad(theirs, (a, b), dc), strict=True
    ):
        assert torch.equal(x, y)


@pytest.mark.parametrize("policy", POLICIES, ids=label)
@pytest.mark.parametrize(
    ("ratio", "backward_ratio"), [(0.5, 1.0), (0.5, 0.5), (1.0, 0.5), (0.1, 0.1)]
)
def test_equals_the_slow_reference_on_the_same_pairs(
    policy: Policy, ratio: float, backward_ratio: float
) -> None:
    a, b, dc = factors()
    how: dict[str, Any] = {"policy": policy, "ratio": ratio, "backward_ratio": backward_ratio}
    c = crs_bmm(a, b, min_samples=1, generator=generators(), **how)
    da, db = torch.autograd.grad(c, (a, b), dc)
    wanted = slow(a.detach(), b.detach(), dc, how)
    for mine, theirs in zip((c.detach(), da, db), wanted, strict=True):
        torch.testing.assert_close(mine, theirs)


def test_one_example_of_one_head_is_the_matrix_product() -> None:
    a, b, dc = (t.detach()[:1, :1].clone().requires_grad_() for t in factors())
    how: dict[str, Any] = {"policy": "nps", "ratio": 0.5, "backward_ratio": 0.5, "min_samples": 1}
    c = crs_bmm(a, b, generator=generators(), **how)
    one = crs_linear(a[0, 0], b[0, 0].t(), generator=generators(), **how)
    torch.testing.assert_close(c[0, 0], one)
    for mine, theirs in zip(
        torch.autograd.grad(c, (a, b), dc), torch.autograd.grad(one, (a, b), dc[0, 0]), strict=True
    ):
        torch.testing.assert_close(mine, theirs)


@pytest.mark.parametrize("policy", UNBIASED, ids=label)
def test_the_products_are_right_on_average(policy: Policy) -> None:
    """2,000 draws; each mean is within 4.5 standard errors of the exact product."""
    a, b, dc = factors()
    g = generators(7)
    draws = []
    for _ in range(2000):
        c = crs_bmm(a, b, policy=policy, ratio=0.5, backward_ratio=0.6, min_samples=1, generator=g)
        draws.append([c.detach(), *torch.autograd.grad(c, (a, b), dc)])
    exact = (a @ b).detach(), dc @ b.detach().transpose(2, 3), a.detach().transpose(2, 3) @ dc
    for drawn, wanted in zip(zip(*draws, strict=True), exact, strict=True):
        stacked = torch.stack(drawn)
        error = (stacked.mean(0) - wanted).abs() / (stacked.std(0) / len(stacked) ** 0.5)
        assert error.max() < 4.5


def test_gradients_are_those_of_the_kept_products() -> None:
    a, b, _ = factors()

    def run(a: Tensor, b: Tensor) -> Tensor:
        return crs_bmm(a, b, policy="uniform", ratio=0.5, min_samples=1, generator=generators(3))

    assert torch.autograd.gradcheck(run, (a, b))


def test_every_head_keeps_pairs_of_its_own() -> None:
    a, b = (t.detach().clone() for t in factors()[:2])
    a[:, 0, :, 2] = a[:, 1, :, 5] = a[:, 2, :, 0] = 1000.0
    c = crs_bmm(a, b, policy="topk", ratio=0.1, min_samples=1)
    for h, i in ((0, 2), (1, 5), (2, 0)):
        torch.testing.assert_close(c[:, h], a[:, h, :, i, None] * b[:, h, None, i])


def test_a_meter_counts_and_a_probe_measures() -> None:
    a, b, dc = factors()
    meter = Meter()
    meter.probe = True
    how: dict[str, Any] = {"policy": "topk", "ratio": 0.5, "backward_ratio": 0.6}
    c = crs_bmm(a, b, min_samples=1, meter=meter, **how)
    torch.autograd.grad(c, (a, b), dc)
    rows = meter.rows("x", Policy(name="topk"), 0.5, 0.6)
    macs, k = E * H, round(0.5 * N)
    assert [(r.pairs, r.kept, r.performed_macs) for r in rows] == [
        (N, k, macs * M * k * P),
        (P, 2, macs * M * k * 2),
        (M, 3, macs * 3 * k * P),
    ]
    assert {r.exact_macs for r in rows} == {macs * M * N * P}
    error = ((c - a @ b).norm() / (a @ b).norm()).item()
    assert rows[0].error == pytest.approx(error)
    assert all(r.error is not None and r.error > 0 for r in rows[1:])


def test_an_exact_call_counts_all_three_products() -> None:
    a, b, _ = factors()
    meter = Meter()
    crs_bmm(a, b, policy="topk", ratio=1.0, meter=meter)
    rows = meter.rows("x", Policy(name="topk"), 1.0, 1.0)
    assert [(r.product, r.pairs, r.kept) for r in rows] == [
        ("forward", N, N),
        ("grad_input", P, P),
        ("grad_weight", M, M),
    ]
    assert {r.performed_macs for r in rows} == {E * H * M * N * P}


def test_autocast_multiplies_in_its_type_and_keeps_the_gradients_types() -> None:
    a, b, dc = factors(torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        c = crs_bmm(a, b, policy="topk", ratio=0.5, min_samples=1)
    assert c.dtype == torch.bfloat16
    da, db = torch.autograd.grad(c, (a, b), dc.to(c.dtype))
    assert (da.dtype, db.dtype) == (torch.float32, torch.float32)


def test_a_gradient_that_nobody_needs_is_not_computed() -> None:
    a, b, dc = factors()
    meter = Meter()
    c = crs_bmm(a.detach(), b, policy="topk", ratio=0.5, min_samples=1, meter=meter)
    torch.autograd.grad(c, b, dc)
    rows = meter.rows("x", Policy(name="topk"), 0.5, 1.0)
    assert [r.product for r in rows] == ["forward", "grad_weight"]


def test_zeros_give_zeros() -> None:
    a, b, _ = factors()
    for policy in POLICIES:
        c = crs_bmm(0 * a, b, policy=policy, ratio=0.5, min_samples=1)
        assert torch.equal(c, torch.zeros_like(c))


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ((M, N), (N, P), "both must have four dimensions"),
        ((E, H, M, N), (E, H, N + 1, P), "as many columns of a as rows of b"),
        ((E, H, M, N), (E, 1, N, P), "the same examples and heads"),
    ],
)
def test_bad_shapes_are_told(a: Any, b: Any, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        crs_bmm(torch.zeros(a), torch.zeros(b), policy="topk", ratio=0.5)


def test_a_bad_ratio_is_told() -> None:
    a, b, _ = factors()
    with pytest.raises(RatioError, match=r"above 0 and at most 1; got 1\.5"):
        crs_bmm(a, b, policy="topk", ratio=1.5)
