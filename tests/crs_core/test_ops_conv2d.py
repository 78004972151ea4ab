"""crs_conv2d against torch and against the slow reference, over settings of the window.

Past 300 lines, since it is one idea: a table of windows that every test runs through.
"""

from dataclasses import dataclass
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from crs_core.errors import ShapeError
from crs_core.ops import Meter, crs_conv2d
from crs_core.ops.choice import norms, spread, take
from crs_core.ops.storage import storage_order
from tests.crs_core.reference import POLICIES, UNBIASED, How, Place, generators, label, slow_conv2d

# torch's own convolution says so of 'same'; ours pads beforehand and has no need to.
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")


@dataclass(frozen=True)
class Case:
    """One setting of the window; sizes all different, so that a swapped one cannot pass."""

    name: str
    batch: int = 2
    channels: int = 4
    outputs: int = 3
    kernel: tuple[int, int] = (3, 2)
    size: tuple[int, int] = (6, 5)
    stride: int | tuple[int, int] = 1
    padding: str | int | tuple[int, int] = 0
    dilation: int | tuple[int, int] = 1
    groups: int = 1
    mode: str = "zeros"
    sides: tuple[int, int, int, int] = (0, 0, 0, 0)
    """What `padding` means, left, right, above, below, said again for the reference."""

    def tensors(self, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor]:
        g = torch.Generator().manual_seed(7)
        shapes = (
            (self.batch, self.channels, *self.size),
            (self.outputs, self.channels // self.groups, *self.kernel),
            (self.outputs,),
        )
        x, w, b = (torch.randn(s, generator=g, dtype=torch.float64).to(dtype) for s in shapes)
        return x.requires_grad_(), w.requires_grad_(), b.requires_grad_()

    def place(self) -> Place:
        def two(v: int | tuple[int, int]) -> tuple[int, int]:
            return (v, v) if isinstance(v, int) else v

        mode = "constant" if self.mode == "zeros" else self.mode
        return Place(two(self.stride), self.sides, mode, two(self.dilation), self.groups)

    def window(self) -> dict[str, Any]:
        return {
            "stride": self.stride,
            "padding": self.padding,
            "dilation": self.dilation,
            "groups": self.groups,
        }

    def exact(self, x: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
        """What torch's own module computes."""
        layer = nn.Conv2d(
            self.channels, self.outputs, self.kernel, bias=b is not None, dtype=x.dtype,
            padding_mode=self.mode, **self.window(),
        )  # fmt: skip
        return layer._conv_forward(x, w, b)


CASES = [
    Case("plain"),
    Case("stride", stride=(2, 3), size=(7, 8)),
    Case("padding", padding=(2, 1), sides=(1, 1, 2, 2)),
    Case("dilation", dilation=(2, 3), size=(7, 6)),
    Case("everything", stride=2, padding=(2, 1), dilation=(1, 2), sides=(1, 1, 2, 2)),
    Case("same", padding="same", sides=(0, 1, 1, 1)),
    Case("same, dilated", padding="same", dilation=(2, 3), sides=(1, 2, 2, 2)),
    Case("valid", padding="valid"),
    Case("reflect", padding=(2, 1), mode="reflect", sides=(1, 1, 2, 2)),
    Case("replicate", padding=(2, 1), mode="replicate", sides=(1, 1, 2, 2)),
    Case("circular", padding=(2, 1), mode="circular", sides=(1, 1, 2, 2)),
    Case("reflect, same", padding="same", mode="reflect", sides=(0, 1, 1, 1)),
    Case("circular, stride", padding=2, stride=2, mode="circular", sides=(2, 2, 2, 2)),
    Case("groups", channels=8, outputs=4, groups=2),
    Case("groups, padded", channels=9, outputs=6, groups=3, padding=1, sides=(1, 1, 1, 1)),
    Case("depthwise", channels=4, outputs=8, groups=4),
    Case("1x1", kernel=(1, 1)),
    Case("one channel", channels=1),
    Case("one example", batch=1),
]
SOME = [c for c in CASES if c.name in ("everything", "reflect", "groups, padded", "same")]


def named(case: Case) -> str:
    return case.name


def conv(case: Case, x: Tensor, w: Tensor, b: Tensor | None, how: How, **more: Any) -> Tensor:
    return crs_conv2d(
        x, w, b, **case.window(), padding_mode=case.mode, policy=how.policy, ratio=how.ratio,
        backward_ratio=how.backward_ratio, min_samples=how.min_samples,
        generator=generators(how.seed), **more,
    )  # fmt: skip


def dy_like(y: Tensor) -> Tensor:
    g = torch.Generator().manual_seed(11)
    return torch.randn(y.shape, generator=g, dtype=torch.float64).to(y.dtype)


@pytest.mark.parametrize("case", CASES, ids=named)
@pytest.mark.parametrize("with_bias", [True, False])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_keeping_every_pair_gives_the_bits_of_torch(
    case: Case, with_bias: bool, dtype: torch.dtype
) -> None:
    x, w, b = case.tensors(dtype)
    inputs = (x, w, b) if with_bias else (x, w)
    bias = b if with_bias else None
    theirs = case.exact(x, w, bias)
    for how in (How("topk", 1.0, 1.0), How("exact", 0.2, 0.2), How("nps", 0.2, 0.2, 100)):  # type: ignore[arg-type]
        ours = conv(case, x, w, bias, how)
        assert torch.equal(ours, theirs)
        dy = dy_like(theirs)
        for mine, wanted in zip(
            torch.autograd.grad(ours, inputs, dy, retain_graph=True),
            torch.autograd.grad(theirs, inputs, dy, retain_graph=True),
            strict=True,
        ):
            assert torch.equal(mine, wanted)


@pytest.mark.parametrize("case", CASES, ids=named)
def test_an_exact_forward_product_has_the_bits_of_torch_beside_sampled_gradients(
    case: Case,
) -> None:
    x, w, b = case.tensors(torch.float32)
    y = conv(case, x, w, b, How(POLICIES[0], 1.0, 0.5))
    assert torch.equal(y, case.exact(x, w, b))


@pytest.mark.parametrize("case", CASES, ids=named)
@pytest.mark.parametrize("policy", POLICIES, ids=label)
def test_equals_the_slow_reference_on_the_same_pairs(case: Case, policy: Any) -> None:
    check(case, How(policy, 0.5, 0.5))


@pytest.mark.parametrize("case", SOME, ids=named)
@pytest.mark.parametrize("policy", POLICIES, ids=label)
@pytest.mark.parametrize(("ratio", "backward_ratio"), [(0.5, 1.0), (1.0, 0.5), (0.01, 0.01)])
def test_forward_and_backward_ratios_act_each_on_its_own(
    case: Case, policy: Any, ratio: float, backward_ratio: float
) -> None:
    check(case, How(policy, ratio, backward_ratio))


def check(case: Case, how: How) -> None:
    """Compare all three products with the reference."""
    x, w, b = case.tensors()
    y = conv(case, x, w, b, how)
    dy = dy_like(y)
    dx, dw, db = torch.autograd.grad(y, (x, w, b), dy)
    slow = slow_conv2d(x.detach(), w.detach(), dy, case.place(), how)
    torch.testing.assert_close(y.detach(), slow.y + b.detach().view(-1, 1, 1))
    torch.testing.assert_close(dx, slow.dx)
    torch.testing.assert_close(dw, slow.dw)
    torch.testing.assert_close(db, dy.sum((0, 2, 3)))


@pytest.mark.parametrize("case", SOME, ids=named)
@pytest.mark.parametrize("policy", UNBIASED, ids=label)
def test_each_product_is_right_on_average(case: Case, policy: Any) -> None:
    x, w, _ = case.tensors()
    g, draws = torch.Generator().manual_seed(2), 600
    exact = case.exact(x, w, None)
    dy = dy_like(exact)
    wanted = (exact.detach(), *torch.autograd.grad(exact, (x, w), dy))
    found: list[list[Tensor]] = [[], [], []]
    sampling: dict[str, Any] = {
        "policy": policy, "min_samples": 1, "generator": g, "padding_mode": case.mode,
    }  # fmt: skip
    for _ in range(draws):
        found[0].append(crs_conv2d(x, w, None, **case.window(), ratio=0.5, **sampling).detach())
        y = crs_conv2d(x, w, None, **case.window(), ratio=1.0, backward_ratio=0.5, **sampling)
        for grads, grad in zip(found[1:], torch.autograd.grad(y, (x, w), dy), strict=True):
            grads.append(grad)
    for samples, mean in zip(found, wanted, strict=True):
        all_ = torch.stack(samples)
        # 5.5 standard errors: these tensors have up to some 500 entries, and skewed draws.
        assert ((all_.mean(0) - mean).abs() <= 5.5 * all_.std(0) / draws**0.5 + 1e-9).all()


@pytest.mark.parametrize("case", CASES, ids=named)
@pytest.mark.parametrize("name", ["topk", "uniform+scaled", "uniform+replacement+scaled"])
def test_gradients_are_those_of_the_kept_product(case: Case, name: str) -> None:
    # Policies whose pairs and scales stay the same under small changes.
    how = How(next(p for p in POLICIES if label(p) == name), 0.5, 1.0)
    assert torch.autograd.gradcheck(lambda *t: conv(case, *t, how), case.tensors(), fast_mode=True)


@pytest.mark.parametrize("case", SOME, ids=named)
def test_a_single_image_needs_no_batch_dimension(case: Case) -> None:
    for how in (How(POLICIES[0], 0.5, 0.5), How(POLICIES[0], 1.0, 1.0)):
        x, w, b = case.tensors()
        y = conv(case, x[0], w, b, how)
        batched = conv(case, x[:1], w, b, how)
        assert torch.equal(y, batched[0])
        dy = dy_like(batched)
        one, two = (
            torch.autograd.grad(out, (x, w, b), d) for out, d in ((y, dy[0]), (batched, dy))
        )
        for mine, wanted in zip(one, two, strict=True):
            assert torch.equal(mine, wanted)


@pytest.mark.parametrize("case", [*SOME, Case("one channel", channels=1)], ids=named)
@pytest.mark.parametrize("policy", POLICIES, ids=label)
def test_factors_need_not_be_contiguous(policy: Any, case: Case) -> None:
    how = How(policy, 0.5, 0.5)
    x, w, b = case.tensors()
    y = conv(case, x, w, b, how)
    dy = dy_like(y)
    wanted = (y, *torch.autograd.grad(y, (x, w, b), dy))
    for form in (torch.channels_last, None):
        if form is None:
            xs = torch.stack([x.detach(), x.detach()], -1)[..., 0]
            ws = w.detach().transpose(0, 1).contiguous().transpose(0, 1)
        else:
            xs, ws = (torch.empty_like(t, memory_format=form).copy_(t.detach()) for t in (x, w))
        xs.requires_grad_()
        ws.requires_grad_()
        again = conv(case, xs, ws, b, how)
        for mine, old in zip(
            (again, *torch.autograd.grad(again, (xs, ws, b), dy)), wanted, strict=True
        ):
            torch.testing.assert_close(mine, old)


@pytest.mark.parametrize("dim", [0, 1, 2, 3])
def test_slices_are_taken_and_put_back_in_the_storage_of_the_images(dim: int) -> None:
    plain = torch.randn(4, 6, 5, 3, generator=torch.Generator().manual_seed(1))
    stored = plain.contiguous(memory_format=torch.channels_last)
    indices = torch.tensor([2, 0, 2])
    taken = take(stored, dim, indices)
    assert torch.equal(taken, take(plain, dim, indices))
    spread_out = spread(taken, dim, indices, plain.shape[dim])
    assert torch.equal(
        spread_out, spread(take(plain, dim, indices), dim, indices, plain.shape[dim])
    )
    assert storage_order(taken) == storage_order(spread_out) == storage_order(stored)
    assert storage_order(stored) == (0, 2, 3, 1)
    for keep in (0, 1):
        torch.testing.assert_close(norms(stored, keep), norms(plain, keep))


@pytest.mark.parametrize("needed", ["x", "w", "b", "none"])
def test_gradients_that_nobody_needs_are_not_computed(needed: str) -> None:
    case = Case("plain")
    for how in (How(POLICIES[0], 0.5, 0.5), How(POLICIES[0], 1.0, 1.0)):
        tensors = dict(zip("xwb", (t.detach() for t in case.tensors()), strict=True))
        if needed in tensors:
            tensors[needed].requires_grad_()
        meter = Meter()
        y = conv(case, tensors["x"], tensors["w"], tensors["b"], how, meter=meter)
        if needed in tensors:
            y.sum().backward()
            assert tensors[needed].grad is not None
        products = [r.product for r in meter.rows("conv", POLICIES[0], 0.5, 0.5)]
        extra = {"x": ["grad_input"], "w": ["grad_weight"]}.get(needed, [])
        assert products == ["forward", *extra]


@pytest.mark.parametrize("policy", POLICIES, ids=label)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_other_types_agree_with_float64(policy: Any, dtype: torch.dtype) -> None:
    case, how = SOME[-1], How(policy, 0.5, 0.5)
    x, w, _ = (t.detach().bfloat16().double() for t in case.tensors())
    xs, ws = (t.to(dtype).requires_grad_() for t in (x, w))
    y = conv(case, xs, ws, None, how)
    dy = dy_like(y).bfloat16()
    slow = slow_conv2d(x, w, dy.double(), case.place(), how)
    rtol = {torch.float32: 1e-5, torch.bfloat16: 0.05}[dtype]
    for mine, wanted in zip(
        (y.detach(), *torch.autograd.grad(y, (xs, ws), dy.to(dtype))),
        (slow.y, slow.dx, slow.dw),
        strict=True,
    ):
        assert mine.dtype == dtype
        torch.testing.assert_close(
            mine.double(), wanted, rtol=rtol, atol=rtol * float(wanted.abs().max())
        )


@pytest.mark.parametrize("policy", POLICIES, ids=label)
@pytest.mark.parametrize("case", SOME, ids=named)
def test_autocast_multiplies_in_its_type_and_keeps_the_gradients_types(
    policy: Any, case: Case
) -> None:
    x, w, b = case.tensors(torch.float32)
    how = How(policy, 0.5, 0.5)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = conv(case, x, w, b, how)
    assert y.dtype == torch.bfloat16
    slow = slow_conv2d(
        x.detach().double(), w.detach().double(), dy_like(y).double(), case.place(), how
    )
    wanted = slow.y + b.detach().double().view(-1, 1, 1)
    torch.testing.assert_close(y.detach().double(), wanted, rtol=0.05, atol=0.2)
    grads = torch.autograd.grad(y, (x, w, b), dy_like(y))
    assert [g.dtype for g in grads] == [torch.float32] * 3


def test_a_dead_layer_gives_zeros_and_no_nan() -> None:
    for case in SOME:
        for policy in POLICIES:
            x, w, _ = case.tensors()
            x = torch.zeros_like(x, requires_grad=True)
            y = conv(case, x, w, None, How(policy, 0.5, 0.5))
            assert not y.any()
            for grad in torch.autograd.grad(y, (x, w), dy_like(y)):
                assert torch.isfinite(grad).all()


def test_an_empty_batch_gives_zero_gradients() -> None:
    for policy in POLICIES:
        case = Case("empty", batch=0)
        x, w, b = case.tensors()
        y = conv(case, x, w, b, How(policy, 0.5, 0.5))
        assert y.shape == (0, 3, 4, 4)
        dx, dw = torch.autograd.grad(y, (x, w), y.detach())
        assert dx.shape == x.shape
        assert not dw.any()


def test_differentiating_twice_is_refused_in_words() -> None:
    x, w, b = Case("plain").tensors()
    y = conv(Case("plain"), x, w, b, How(POLICIES[0], 0.5, 1.0))
    (dx,) = torch.autograd.grad(y.square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        dx.sum().backward()


@given(
    batch=st.integers(1, 3),
    groups=st.integers(1, 3),
    channels=st.integers(1, 4),
    outputs=st.integers(1, 3),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    size=st.tuples(st.integers(3, 6), st.integers(3, 6)),
    stride=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    padding=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    dilation=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    mode=st.sampled_from(["zeros", "reflect", "replicate", "circular"]),
    ratio=st.floats(0.05, 1.0),
    backward_ratio=st.floats(0.05, 1.0),
    policy=st.sampled_from(POLICIES),
)
@settings(max_examples=60, deadline=None)
def test_any_window_agrees_with_the_reference(
    batch: int, groups: int, channels: int, outputs: int, kernel: tuple[int, int],
    size: tuple[int, int], stride: tuple[int, int], padding: tuple[int, int],
    dilation: tuple[int, int], mode: str, ratio: float, backward_ratio: float, policy: Any,
) -> None:  # fmt: skip
    rows, columns = padding
    assume(
        all(
            s + 2 * p > d * (k - 1)
            for s, p, d, k in zip(size, padding, dilation, kernel, strict=True)
        )
    )
    case = Case(
        "any", batch, channels * groups, outputs * groups, kernel, size, stride, padding, dilation,
        groups, mode, (columns, columns, rows, rows),
    )  # fmt: skip
    how = How(policy, ratio, backward_ratio)
    x, w, _ = case.tensors()
    y = conv(case, x, w, None, how)
    dy = dy_like(y)
    slow = slow_conv2d(x.detach(), w.detach(), dy, case.place(), how)
    for mine, wanted in zip(
        (y.detach(), *torch.autograd.grad(y, (x, w), dy)), (slow.y, slow.dx, slow.dw), strict=True
    ):
        torch.testing.assert_close(mine, wanted)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"weight": torch.zeros(5, 4, 3)}, "weight has shape (5, 4, 3); it must be (out_channels"),
        ({"weight": torch.zeros(5, 3, 3, 3)}, "x must be (batch, 3, height, width)"),
        ({"x": torch.zeros(4, 7)}, "x has shape (4, 7)"),
        ({"groups": 2}, "groups is 2 but weight has 5 out_channels"),
        ({"groups": 0}, "groups is 0"),
        ({"bias": torch.zeros(4)}, "bias has shape (4,) but weight has 5 out_channels"),
        ({"padding": "full"}, "padding 'full' is not known; give numbers, 'same' or 'valid'"),
        ({"padding": "same", "stride": 2}, "padding 'same' needs stride 1; got stride (2, 2)"),
        ({"padding_mode": "mirror"}, "there are: zeros, reflect, replicate, circular"),
        ({"stride": (1, 2, 3)}, "take one or two numbers; got (1, 2, 3)"),
        ({"x": torch.zeros(2, 4, 7, 7, dtype=torch.float64)}, "types float64, float32"),
    ],
)
def test_bad_arguments_are_told(change: dict[str, Any], text: str) -> None:
    arguments = {"x": torch.zeros(2, 4, 7, 7), "weight": torch.zeros(5, 4, 3, 3)} | change
    with pytest.raises(ShapeError) as caught:
        crs_conv2d(**arguments, policy="topk", ratio=0.5, min_samples=1)
    assert text in str(caught.value)


def test_the_score_is_that_of_the_unpadded_input() -> None:
    # Replicated borders double the norm of channel 1; unpadded, channel 0 is the larger.
    x = torch.zeros(1, 2, 3, 3)
    x[0, 0, 1, 1], x[0, 1, 0, 0] = 1.5, 1.0
    w = torch.ones(1, 2, 1, 1)
    y = crs_conv2d(
        x, w, padding=2, padding_mode="replicate", policy="topk", ratio=0.5, min_samples=1
    )
    torch.testing.assert_close(y, F.pad(x[:, :1], (2, 2, 2, 2), "replicate"))
