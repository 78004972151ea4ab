"""crs_matmul is A B, with the pairs of A's columns and B's rows."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from crs_core.errors import RatioError, ShapeError
from crs_core.ops import crs_matmul
from crs_core.spec import Policy
from tests.crs_core.reference import POLICIES, UNBIASED, How, generators, label, slow_linear

M, N, P = 5, 7, 3


def factors(dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    g = torch.Generator().manual_seed(0)
    a, b, dc = (torch.randn(s, generator=g, dtype=dtype) for s in ((M, N), (N, P), (M, P)))
    return a.requires_grad_(), b.requires_grad_(), dc


@pytest.mark.parametrize(
    "policy", [*POLICIES, "exact"], ids=lambda p: p if p == "exact" else label(p)
)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_keeping_every_pair_gives_the_exact_product(policy: Any, dtype: torch.dtype) -> None:
    a, b, dc = factors(dtype)
    ours, theirs = crs_matmul(a, b, policy=policy, ratio=1.0), a @ b
    assert torch.equal(ours, theirs)
    for mine, wanted in zip(
        torch.autograd.grad(ours, (a, b), dc), torch.autograd.grad(theirs, (a, b), dc), strict=True
    ):
        assert torch.equal(mine, wanted)


@pytest.mark.parametrize("policy", POLICIES, ids=label)
@pytest.mark.parametrize(
    ("ratio", "backward_ratio"), [(0.5, 1.0), (0.5, 0.5), (1.0, 0.5), (0.1, 0.1)]
)
def test_equals_the_slow_reference_on_the_same_pairs(
    policy: Any, ratio: float, backward_ratio: float
) -> None:
    a, b, dc = factors()
    how = How(policy, ratio, backward_ratio)
    c = crs_matmul(
        a, b, policy=policy, ratio=ratio, backward_ratio=backward_ratio, generator=generators()
    )
    slow = slow_linear(a.detach(), b.detach().t(), dc, how)
    da, db = torch.autograd.grad(c, (a, b), dc)
    torch.testing.assert_close(c.detach(), slow.y)
    torch.testing.assert_close(da, slow.dx)
    torch.testing.assert_close(db, slow.dw.t())


def test_the_mean_squared_error_of_nps_is_the_known_one() -> None:
    # E‖AB − ÃDB̃‖² = ((Σ |A^(i)||B_(i)|)² − ‖AB‖²) / k, for draws with replacement, scaled.
    a, b = (t.detach() for t in factors()[:2])
    k, draws, g = 3, 4000, torch.Generator().manual_seed(1)
    policy = next(p for p in POLICIES if label(p) == "nps+replacement+scaled")
    exact = a @ b
    errors = torch.stack(
        [
            (crs_matmul(a, b, policy=policy, ratio=k / N, generator=g) - exact).square().sum()
            for _ in range(draws)
        ]
    )
    total = (a.norm(dim=0) * b.norm(dim=1)).sum()
    known = (total**2 - exact.square().sum()) / k
    assert abs(float(errors.mean() - known)) <= 4 * float(errors.std()) / draws**0.5


@pytest.mark.parametrize("policy", UNBIASED, ids=label)
def test_product_and_gradients_are_right_on_average(policy: Any) -> None:
    a, b, dc = factors()
    g, draws = torch.Generator().manual_seed(0), 3000
    found = []
    for _ in range(draws):
        forward = crs_matmul(a, b, policy=policy, ratio=0.4, generator=g)
        backward = crs_matmul(a, b, policy=policy, ratio=1.0, backward_ratio=0.6, generator=g)
        found.append((forward.detach(), *torch.autograd.grad(backward, (a, b), dc)))
    exact = (a @ b, dc @ b.t(), a.t() @ dc)
    for drawn, wanted in zip(zip(*found, strict=True), exact, strict=True):
        all_ = torch.stack(drawn)
        # 4.5 standard errors; a pair that is always kept has no spread, but rounding.
        slack = 4.5 * all_.std(0) / draws**0.5 + 1e-9
        assert ((all_.mean(0) - wanted).abs() <= slack).all()


@pytest.mark.parametrize("policy", ["topk", Policy(name="uniform", scaled=True)], ids=str)
def test_gradients_are_those_of_the_kept_product(policy: Any) -> None:
    a, b, _ = factors()

    def product(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return crs_matmul(a, b, policy=policy, ratio=0.5, generator=generators())

    assert torch.autograd.gradcheck(product, (a, b))


@pytest.mark.parametrize("shape", [(0, 7, 3), (5, 0, 3), (5, 7, 0), (1, 1, 1)])
def test_products_of_nothing_and_of_one_pair_are_exact(shape: tuple[int, int, int]) -> None:
    m, n, p = shape
    a, b = torch.ones(m, n, requires_grad=True), torch.ones(n, p, requires_grad=True)
    c = crs_matmul(a, b, policy="topk", ratio=0.5)
    assert c.shape == (m, p)
    assert torch.equal(c, torch.full((m, p), float(min(n, max(1, round(n / 2))))))
    da, db = torch.autograd.grad(c.sum(), (a, b))
    assert (da.shape, db.shape) == (a.shape, b.shape)


@settings(max_examples=40, deadline=None)
@given(
    m=st.integers(1, 6),
    n=st.integers(1, 9),
    p=st.integers(1, 6),
    policy=st.sampled_from(POLICIES),
    ratio=st.floats(0.05, 1.0),
    backward_ratio=st.floats(0.05, 1.0),
    min_samples=st.integers(1, 12),
)
def test_any_sizes_agree_with_the_reference(
    m: int, n: int, p: int, policy: Policy, ratio: float, backward_ratio: float, min_samples: int
) -> None:
    g = torch.Generator().manual_seed(2)
    a, b, dc = (torch.randn(s, generator=g, dtype=torch.float64) for s in ((m, n), (n, p), (m, p)))
    how = How(policy, ratio, backward_ratio, min_samples)
    a.requires_grad_()
    b.requires_grad_()
    c = crs_matmul(
        a, b, policy=policy, ratio=ratio, backward_ratio=backward_ratio, min_samples=min_samples,
        generator=generators(),
    )  # fmt: skip
    slow = slow_linear(a.detach(), b.detach().t(), dc, how)
    torch.testing.assert_close(c.detach(), slow.y)
    da, db = torch.autograd.grad(c, (a, b), dc)
    torch.testing.assert_close(da, slow.dx)
    torch.testing.assert_close(db, slow.dw.t())


def test_min_samples_is_one_unless_asked() -> None:
    a, b, _ = factors()
    c = crs_matmul(a, b, policy="topk", ratio=0.01)
    assert torch.linalg.matrix_rank(c) == 1


@pytest.mark.parametrize(
    ("a", "b", "text"),
    [
        ((5, 7), (3, 4), "a has 7 columns but b has 3 rows; a @ b needs them equal"),
        ((5,), (5, 4), "a has shape (5,) and b has shape (5, 4); both must be matrices"),
        ((2, 5, 7), (7, 4), "both must be matrices"),
    ],
)
def test_factors_that_do_not_fit_are_told(
    a: tuple[int, ...], b: tuple[int, ...], text: str
) -> None:
    with pytest.raises(ShapeError) as caught:
        crs_matmul(torch.zeros(a), torch.zeros(b), policy="topk", ratio=0.5)
    assert text in str(caught.value)


def test_a_ratio_out_of_range_is_told() -> None:
    with pytest.raises(RatioError, match=r"above 0 and at most 1; got 1\.5"):
        crs_matmul(torch.zeros(2, 3), torch.zeros(3, 4), policy="topk", ratio=1.5)
