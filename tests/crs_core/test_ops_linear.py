"""crs_linear and crs_matmul against torch and against the slow reference.

Past 300 lines, since it is one idea: one operation, from its bits at full budget to its errors.
"""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from crs_core.errors import RatioError, ShapeError, SpecError
from crs_core.ops import Generators, Meter, crs_linear
from tests.crs_core.reference import POLICIES, UNBIASED, How, generators, label, slow_linear

B, N, O = 5, 7, 3  # noqa: E741 - all different, so that a swapped factor cannot pass


def draw(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    g = torch.Generator().manual_seed(seed + 100 * len(shape) + sum(shape))
    return torch.randn(shape, generator=g, dtype=torch.float64).to(dtype)


def by_columns(w: Tensor) -> Tensor:
    return w.t().contiguous().t()


def linear(x: Tensor, w: Tensor, b: Tensor | None, how: How, **more: Any) -> Tensor:
    return crs_linear(
        x,
        w,
        b,
        policy=how.policy,
        ratio=how.ratio,
        backward_ratio=how.backward_ratio,
        min_samples=how.min_samples,
        generator=generators(how.seed),
        **more,
    )


def gradients(y: Tensor, dy: Tensor, *inputs: Tensor) -> tuple[Tensor, ...]:
    return torch.autograd.grad(y, inputs, dy)


EXACT = [
    {"policy": "exact", "ratio": 0.3},
    {"policy": "topk", "ratio": 1.0},
    {"policy": "bernoulli", "ratio": 1.0},
    {"policy": "nps", "ratio": 0.2, "backward_ratio": 0.1, "min_samples": 1000},
]


@pytest.mark.parametrize("sampling", EXACT)
@pytest.mark.parametrize("shape", [(B, N), (N,), (2, 4, N), (0, N), (2, 0, N)])
@pytest.mark.parametrize("with_bias", [True, False])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_keeping_every_pair_gives_the_bits_of_torch(
    sampling: dict[str, Any], shape: tuple[int, ...], with_bias: bool, dtype: torch.dtype
) -> None:
    x, w = draw(*shape, dtype=dtype).requires_grad_(), draw(O, N, dtype=dtype).requires_grad_()
    b = draw(O, dtype=dtype).requires_grad_() if with_bias else None
    inputs = [t for t in (x, w, b) if t is not None]
    ours, theirs = crs_linear(x, w, b, **sampling), F.linear(x, w, b)
    assert torch.equal(ours, theirs)
    dy = draw(*theirs.shape, seed=9, dtype=dtype)
    for mine, wanted in zip(
        gradients(ours, dy, *inputs), gradients(theirs, dy, *inputs), strict=True
    ):
        assert torch.equal(mine, wanted)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", [(B, N), (N,), (2, 4, N)])
def test_an_exact_forward_product_has_the_bits_of_torch_beside_sampled_gradients(
    shape: tuple[int, ...], dtype: torch.dtype
) -> None:
    x, w, b = (draw(*s, dtype=dtype).requires_grad_() for s in (shape, (O, N), (O,)))
    y = crs_linear(x, w, b, policy="topk", ratio=1.0, backward_ratio=0.5, min_samples=1)
    assert torch.equal(y, F.linear(x, w, b))
    dy = draw(*y.shape, seed=9, dtype=dtype)
    # The bias is never sampled.
    assert torch.equal(gradients(y, dy, b)[0], gradients(F.linear(x, w, b), dy, b)[0])


@pytest.mark.parametrize("policy", POLICIES, ids=label)
@pytest.mark.parametrize(
    ("ratio", "backward_ratio", "min_samples"),
    [(0.5, 1.0, 1), (0.5, 0.5, 1), (1.0, 0.4, 1), (0.1, 0.1, 2), (0.01, 0.01, 1)],
)
@pytest.mark.parametrize("storage", [Tensor.contiguous, by_columns])
@pytest.mark.parametrize("seed", [0, 1])
def test_equals_the_slow_reference_on_the_same_pairs(
    policy: Any,
    ratio: float,
    backward_ratio: float,
    min_samples: int,
    storage: Callable[[Tensor], Tensor],
    seed: int,
) -> None:
    how = How(policy, ratio, backward_ratio, min_samples, seed)
    x = draw(B, N, seed=seed).requires_grad_()
    w = storage(draw(O, N, seed=seed)).requires_grad_()
    b = draw(O).requires_grad_()
    dy = draw(B, O, seed=seed + 1)
    y = linear(x, w, b, how)
    dx, dw, db = gradients(y, dy, x, w, b)
    slow = slow_linear(x.detach(), w.detach(), dy, how)
    torch.testing.assert_close(y.detach(), slow.y + b.detach())
    torch.testing.assert_close(dx, slow.dx)
    torch.testing.assert_close(dw, slow.dw)
    torch.testing.assert_close(db, dy.sum(0))


@pytest.mark.parametrize("policy", UNBIASED, ids=label)
def test_the_forward_product_is_right_on_average(policy: Any) -> None:
    x, w, g, draws = draw(B, N), draw(O, N), torch.Generator().manual_seed(0), 3000
    ys = torch.stack(
        [
            crs_linear(x, w, policy=policy, ratio=0.4, min_samples=1, generator=g)
            for _ in range(draws)
        ]
    )
    # 4.5 standard errors for 15 entries: an honest estimate fails for one seed in 10,000.
    assert ((ys.mean(0) - x @ w.t()).abs() <= 4.5 * ys.std(0) / draws**0.5).all()


@pytest.mark.parametrize("policy", UNBIASED, ids=label)
def test_the_gradient_products_are_right_on_average(policy: Any) -> None:
    x, w = draw(B, N).requires_grad_(), draw(O, N).requires_grad_()
    dy, g, draws = draw(B, O, seed=5), torch.Generator().manual_seed(0), 3000
    found: list[list[Tensor]] = [[], []]
    for _ in range(draws):
        y = crs_linear(
            x, w, policy=policy, ratio=1.0, backward_ratio=0.6, min_samples=1, generator=g
        )
        for list_, grad in zip(found, gradients(y, dy, x, w), strict=True):
            list_.append(grad)
    for list_, exact in zip(found, (dy @ w, dy.t() @ x), strict=True):
        all_ = torch.stack(list_)
        # A pair that is always kept has no spread, but rounding.
        slack = 4.5 * all_.std(0) / draws**0.5 + 1e-9
        assert ((all_.mean(0) - exact).abs() <= slack).all()


FIXED = [p for p in POLICIES if p.name in ("topk", "uniform")]
"""Policies whose pairs and scales stay the same under small changes of the factors."""


@pytest.mark.parametrize("policy", FIXED, ids=label)
@pytest.mark.parametrize("storage", [Tensor.contiguous, by_columns])
def test_gradients_are_those_of_the_kept_product(
    policy: Any, storage: Callable[[Tensor], Tensor]
) -> None:
    x, w = draw(B, N).requires_grad_(), storage(draw(O, N)).requires_grad_()
    b = draw(O).requires_grad_()
    how = How(policy, 0.5, 1.0)
    assert torch.autograd.gradcheck(lambda *t: linear(*t, how), (x, w, b))


@pytest.mark.parametrize("shape", [(N,), (2, 4, N), (1, 1, N)])
def test_leading_dimensions_are_one_batch(shape: tuple[int, ...]) -> None:
    how = How(POLICIES[0], 0.5, 0.5)
    x, w, b = (t.requires_grad_() for t in (draw(*shape), draw(O, N), draw(O)))
    y = linear(x, w, b, how)
    flat = linear(x.reshape(-1, N), w, b, how)
    assert y.shape == (*shape[:-1], O)
    assert torch.equal(y.reshape(-1, O), flat)
    dy = draw(*y.shape, seed=3)
    for one, two in zip(
        gradients(y, dy, x, w, b), gradients(flat, dy.reshape(-1, O), x, w, b), strict=True
    ):
        assert torch.equal(one, two)


def test_factors_need_not_be_contiguous() -> None:
    how = How(POLICIES[0], 0.5, 0.5)
    x, w = draw(N, B).t(), draw(2 * O, 2 * N)[::2, ::2]
    dy = draw(O, B).t()
    x.requires_grad_()
    w.requires_grad_()
    y = linear(x, w, None, how)
    slow = slow_linear(x.detach(), w.detach(), dy, how)
    torch.testing.assert_close(y.detach(), slow.y)
    dx, dw = gradients(y, dy, x, w)
    torch.testing.assert_close(dx, slow.dx)
    torch.testing.assert_close(dw, slow.dw)


@pytest.mark.parametrize("storage", [Tensor.contiguous, by_columns])
def test_the_gradient_comes_in_the_storage_of_the_weight(
    storage: Callable[[Tensor], Tensor],
) -> None:
    w = storage(draw(O, N)).requires_grad_()
    linear(draw(B, N), w, None, How(POLICIES[0], 0.5, 0.5)).sum().backward()
    assert w.grad is not None
    assert w.grad.stride() == w.stride()


@pytest.mark.parametrize("needed", ["x", "w", "b", "none"])
def test_gradients_that_nobody_needs_are_not_computed(needed: str) -> None:
    x, w, b = draw(B, N), draw(O, N), draw(O)
    tensors = {"x": x, "w": w, "b": b}
    meter = Meter()
    if needed in tensors:
        tensors[needed].requires_grad_()
    y = linear(x, w, b, How(POLICIES[0], 0.5, 0.5), meter=meter)
    assert y.requires_grad == (needed != "none")
    if needed in tensors:
        y.sum().backward()
    products = [r.product for r in meter.rows("fc", POLICIES[0], 0.5, 0.5)]
    extra = {"x": ["grad_input"], "w": ["grad_weight"]}.get(needed, [])
    assert products == ["forward", *extra]


@pytest.mark.parametrize("policy", POLICIES, ids=label)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_other_types_agree_with_float64(policy: Any, dtype: torch.dtype) -> None:
    how = How(policy, 0.5, 0.5)
    # Factors that every type holds exactly.
    x, w, dy = (draw(*s).to(torch.bfloat16).to(torch.float16) for s in ((B, N), (O, N), (B, O)))
    rtol = {torch.float32: 1e-5, torch.bfloat16: 0.05, torch.float16: 0.01}[dtype]
    xs, ws = (t.to(dtype, copy=True).requires_grad_() for t in (x, w))
    y = linear(xs, ws, None, how)
    assert y.dtype == dtype
    slow = slow_linear(x.double(), w.double(), dy.double(), how)
    for mine, wanted in zip(
        (y, *gradients(y, dy.to(dtype), xs, ws)), (slow.y, slow.dx, slow.dw), strict=True
    ):
        assert mine.dtype == dtype
        torch.testing.assert_close(
            mine.double(), wanted, rtol=rtol, atol=rtol * float(wanted.abs().max())
        )


@pytest.mark.parametrize("policy", POLICIES, ids=label)
@pytest.mark.parametrize("input_dtype", [torch.float32, torch.bfloat16])
def test_autocast_multiplies_in_its_type_and_keeps_the_gradients_types(
    policy: Any, input_dtype: torch.dtype
) -> None:
    x = draw(B, N, dtype=torch.bfloat16).to(input_dtype).requires_grad_()
    w = draw(O, N, dtype=torch.float32).requires_grad_()
    b = draw(O, dtype=torch.float32).requires_grad_()
    how = How(policy, 0.5, 0.5)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = linear(x, w, b, how)
    assert y.dtype == torch.bfloat16
    dy = draw(B, O, dtype=torch.bfloat16)
    dx, dw, db = gradients(y, dy, x, w, b)
    assert (dx.dtype, dw.dtype, db.dtype) == (input_dtype, torch.float32, torch.float32)
    slow = slow_linear(x.detach().double(), w.detach().double(), dy.double(), how)
    torch.testing.assert_close(y.double(), slow.y + b.double(), rtol=0.05, atol=0.1)
    if how.backward_ratio < 1 and policy.name == "topk":
        torch.testing.assert_close(dw.double(), slow.dw, rtol=0.05, atol=0.2)


def test_a_dead_layer_gives_zeros_and_no_nan() -> None:
    for policy in POLICIES:
        how = How(policy, 0.5, 0.5)
        x, w = torch.zeros(B, N).requires_grad_(), draw(O, N, dtype=torch.float32).requires_grad_()
        y = linear(x, w, None, how)
        assert torch.equal(y, torch.zeros(B, O))
        for grad in gradients(y, draw(B, O, dtype=torch.float32), x, w):
            assert torch.isfinite(grad).all()


def test_an_empty_batch_gives_zero_gradients() -> None:
    for policy in POLICIES:
        x, w = torch.empty(0, N).requires_grad_(), draw(O, N, dtype=torch.float32).requires_grad_()
        y = linear(x, w, None, How(policy, 0.5, 0.5))
        assert y.shape == (0, O)
        dx, dw = gradients(y, y, x, w)
        assert dx.shape == (0, N)
        assert not dw.any()


def test_no_features_at_all_give_the_bias() -> None:
    y = linear(torch.empty(B, 0), torch.empty(O, 0), torch.ones(O), How(POLICIES[0], 0.5, 0.5))
    assert torch.equal(y, torch.ones(B, O))


def test_doubled_draws_accumulate() -> None:
    # One pair has all the weight, so that each of the k draws is that pair.
    x = torch.tensor([[1.0, 0.0, 0.0]]).requires_grad_()
    w = torch.tensor([[2.0, 5.0, 7.0]]).requires_grad_()
    policy = next(p for p in POLICIES if label(p) == "nps+replacement")
    y = crs_linear(x, w, policy=policy, ratio=0.67, min_samples=1)
    dx, dw = gradients(y, torch.ones(1, 1), x, w)
    assert y.tolist() == [[4.0]]
    assert dx.tolist() == [[4.0, 0.0, 0.0]]
    assert dw.tolist() == [[2.0, 0.0, 0.0]]


def test_differentiating_twice_is_refused_in_words() -> None:
    x, w = draw(B, N).requires_grad_(), draw(O, N).requires_grad_()
    y = linear(x, w, None, How(POLICIES[0], 0.5, 1.0))
    (dx,) = torch.autograd.grad(y.square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        dx.sum().backward()


def test_one_generator_serves_all_products_and_three_serve_each_its_own() -> None:
    policy = next(p for p in POLICIES if label(p) == "uniform")
    x, w = draw(B, N).requires_grad_(), draw(O, N).requires_grad_()
    each = generators()
    before = [g.get_state() for g in each if g is not None]
    sampling: dict[str, Any] = {
        "policy": policy,
        "ratio": 0.5,
        "backward_ratio": 0.5,
        "min_samples": 1,
    }
    y = crs_linear(x, w, generator=each, **sampling)
    assert each.forward is not None
    assert not torch.equal(each.forward.get_state(), before[0])
    assert each.grad_input is not None
    assert torch.equal(each.grad_input.get_state(), before[1])
    y.sum().backward()
    assert not torch.equal(each.grad_input.get_state(), before[1])
    state = torch.get_rng_state()
    one = torch.Generator().manual_seed(0)
    crs_linear(x, w, generator=one, **sampling).sum().backward()
    assert torch.equal(torch.get_rng_state(), state)
    assert Generators() == (None, None, None)


@given(
    sizes=st.tuples(*[st.integers(1, 9)] * 3),
    ratio=st.floats(0.01, 1.0),
    backward_ratio=st.floats(0.01, 1.0),
    min_samples=st.integers(1, 4),
    policy=st.sampled_from(POLICIES),
)
@settings(max_examples=60, deadline=None)
def test_any_sizes_agree_with_the_reference(
    sizes: tuple[int, int, int],
    ratio: float,
    backward_ratio: float,
    min_samples: int,
    policy: Any,
) -> None:
    m, n, o = sizes
    how = How(policy, ratio, backward_ratio, min_samples)
    x, w, dy = draw(m, n).requires_grad_(), draw(o, n, seed=1).requires_grad_(), draw(m, o, seed=2)
    y = linear(x, w, None, how)
    slow = slow_linear(x.detach(), w.detach(), dy, how)
    for mine, wanted in zip((y, *gradients(y, dy, x, w)), (slow.y, slow.dx, slow.dw), strict=True):
        torch.testing.assert_close(mine.detach(), wanted)


@pytest.mark.parametrize(
    ("x", "w", "b", "sampling", "error", "text"),
    [
        ((5, 7), (3, 8), None, {}, ShapeError, "x has shape (5, 7) but weight has 8 in_features"),
        ((), (3, 8), None, {}, ShapeError, "x must be (..., 8)"),
        ((5, 7), (7,), None, {}, ShapeError, "weight has shape (7,); it must be (out_features"),
        ((5, 7), (3, 7), (7,), {}, ShapeError, "bias must be (3,)"),
        ((5, 7), (3, 7), None, {"ratio": 0}, RatioError, "got 0"),
        ((5, 7), (3, 7), None, {"ratio": -1.0}, RatioError, "got -1.0"),
        ((5, 7), (3, 7), None, {"ratio": 1.5}, RatioError, "got 1.5"),
        ((5, 7), (3, 7), None, {"ratio": float("nan")}, RatioError, "got nan"),
        ((5, 7), (3, 7), None, {"backward_ratio": 2.0}, RatioError, "got 2.0"),
        ((5, 7), (3, 7), None, {"min_samples": 0}, RatioError, "at least 1; got 0"),
        ((5, 7), (3, 7), None, {"policy": "random"}, SpecError, "'random' is not known"),
    ],
)
def test_bad_arguments_are_told(
    x: tuple[int, ...],
    w: tuple[int, ...],
    b: tuple[int, ...] | None,
    sampling: dict[str, Any],
    error: type[Exception],
    text: str,
) -> None:
    bias = None if b is None else torch.zeros(b)
    with pytest.raises(error) as caught:
        crs_linear(
            torch.zeros(x), torch.zeros(w), bias, **({"policy": "topk", "ratio": 0.5} | sampling)
        )
    assert text in str(caught.value)


def test_unlike_types_are_told() -> None:
    with pytest.raises(ShapeError, match="types float32, float64; bring them to one type"):
        crs_linear(torch.zeros(5, 7), draw(3, 7), policy="topk", ratio=0.5, min_samples=1)
