"""crs_lstm is torch's LSTM with a sampled product at each step."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crs_core.cost import GATES
from crs_core.errors import RatioError, ShapeError
from crs_core.ops import Meter, crs_linear, crs_lstm
from crs_core.spec import Policy
from tests.crs_core.reference import POLICIES, UNBIASED, generators, label

T, B, N, H = 4, 5, 7, 3
SOME_GATES: list[Any] = [None, ("forget",), ("input", "output"), ("output", "cell", "forget")]
Numbers = tuple[Tensor, ...]


def arguments(dtype: torch.dtype = torch.float64) -> list[Tensor]:
    """x, h, c, both weights and both biases."""
    g = torch.Generator().manual_seed(0)
    shapes = [(T, B, N), (B, H), (B, H), (4 * H, N), (4 * H, H), (4 * H,), (4 * H,)]
    return [torch.randn(s, generator=g, dtype=torch.float64).to(dtype) for s in shapes]


def upstream() -> list[Tensor]:
    g = torch.Generator().manual_seed(1)
    return [torch.randn(s, generator=g, dtype=torch.float64) for s in ((T, B, H), (B, H), (B, H))]


def with_gradients(run: Any, given: list[Tensor]) -> tuple[Numbers, Numbers]:
    """Outputs (y, h, c) and the gradients to everything that came in."""
    leaves = [t.clone().requires_grad_() for t in given]
    outputs = run(*leaves)
    dys = [d.to(o.dtype) for d, o in zip(upstream(), outputs, strict=True)]
    return tuple(o.detach() for o in outputs), torch.autograd.grad(outputs, leaves, dys)


def ours(**sampling: Any) -> Any:
    sampling = {"min_samples": 1, "generator": generators(), **sampling}

    def run(x: Tensor, h: Tensor, c: Tensor, *parameters: Tensor) -> Numbers:
        y, (h, c) = crs_lstm(x, (h, c), *parameters, **sampling)
        return y, h, c

    return run


def torch_s(x: Tensor, h: Tensor, c: Tensor, *parameters: Tensor) -> Numbers:
    y, h, c = torch.lstm(x, [h[None], c[None]], parameters, True, 1, 0.0, True, False, False)
    return y, h[0], c[0]


def slow(gates: Any = None, **sampling: Any) -> Any:
    """Each step by itself: the sampled gates by `crs_linear`, all else by autograd."""
    of_gate = {g: list(range(i * H, (i + 1) * H)) for i, g in enumerate(GATES)}
    rows = [r for g in GATES for r in of_gate[g] if gates is None or g in gates]
    others = [r for r in range(4 * H) if r not in rows]
    sampling = {"min_samples": 1, "generator": generators(), **sampling}

    def run(x: Tensor, h: Tensor, c: Tensor, *parameters: Tensor) -> Numbers:
        w_ih, w_hh, b_ih, b_hh = parameters
        weight, ys = torch.cat([w_ih, w_hh], 1), []
        for t in range(T):
            xh = torch.cat([x[t], h], 1)
            z = x.new_zeros(B, 4 * H)
            z = z.index_add(1, torch.tensor(rows), crs_linear(xh, weight[rows], **sampling))
            if others:
                z = z.index_add(1, torch.tensor(others), F.linear(xh, weight[others]))
            i, f, g, o = (z + b_ih + b_hh).chunk(4, 1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
            ys.append(h)
        return torch.stack(ys), h, c

    return run


def assert_same(one: tuple[Numbers, Numbers], other: tuple[Numbers, Numbers]) -> None:
    for mine, theirs in zip((*one[0], *one[1]), (*other[0], *other[1]), strict=True):
        torch.testing.assert_close(mine, theirs)


@pytest.mark.parametrize("gates", SOME_GATES, ids=str)
@pytest.mark.parametrize("policy", [*POLICIES, Policy(name="exact")], ids=label)
def test_keeping_every_pair_gives_the_bits_of_torch(policy: Policy, gates: Any) -> None:
    mine = with_gradients(ours(policy=policy, ratio=1.0, gates=gates), arguments())
    theirs = with_gradients(torch_s, arguments())
    for a, b in zip((*mine[0], *mine[1]), (*theirs[0], *theirs[1]), strict=True):
        assert torch.equal(a, b)


def test_an_exact_forward_product_beside_sampled_gradients_is_torch_s() -> None:
    mine = with_gradients(ours(policy="topk", ratio=1.0, backward_ratio=0.5), arguments())
    theirs = with_gradients(torch_s, arguments())
    for a, b in zip(mine[0], theirs[0], strict=True):
        torch.testing.assert_close(a, b)
    assert not torch.allclose(mine[1][3], theirs[1][3])


@pytest.mark.parametrize("gates", SOME_GATES, ids=str)
@pytest.mark.parametrize("policy", POLICIES, ids=label)
@pytest.mark.parametrize(
    ("ratio", "backward_ratio"), [(0.5, 1.0), (0.5, 0.5), (1.0, 0.5), (0.1, 0.1)]
)
def test_equals_the_slow_reference_on_the_same_pairs(
    policy: Policy, ratio: float, backward_ratio: float, gates: Any
) -> None:
    how = {"policy": policy, "ratio": ratio, "backward_ratio": backward_ratio, "gates": gates}
    assert_same(with_gradients(ours(**how), arguments()), with_gradients(slow(**how), arguments()))


@pytest.mark.parametrize("policy", UNBIASED, ids=label)
def test_the_gates_product_is_right_on_average(policy: Policy) -> None:
    """One step; the product is read back from the output gate, whose sigmoid is undone.

    4,000 draws; the mean is within 4.5 standard errors of the exact product, entry by entry.
    """
    x, _, c, *parameters = arguments()
    x, h, c = x[:1], torch.zeros(B, H).double(), torch.full_like(c, 50.0)
    parameters[2].zero_()
    parameters[3].zero_()
    parameters[2][H : 2 * H] = 60.0  # the forget gate is open, so that tanh(c) is 1
    g = generators(5)
    draws = torch.stack(
        [
            crs_lstm(
                x, (h, c), *parameters, policy=policy, ratio=0.5, min_samples=1,
                gates=["output"], generator=g,
            )[0][0].logit()
            for _ in range(4000)
        ]
    )  # fmt: skip
    exact = x[0] @ parameters[0][3 * H :].t()
    error = (draws.mean(0) - exact).abs() / (draws.std(0) / len(draws) ** 0.5)
    assert error.max() < 4.5


def test_gradients_are_those_of_the_kept_product() -> None:
    """For a choice that no small step changes, numbers differ as the gradient says."""

    def run(*given: Tensor) -> Numbers:
        return ours(policy="uniform", ratio=0.5, generator=generators(3))(*given)

    leaves = [t.requires_grad_() for t in arguments()]
    assert torch.autograd.gradcheck(run, leaves)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_other_types_are_near_float64(dtype: torch.dtype) -> None:
    """The same pairs by uniform draws; 2 % and 5 % of the largest number."""
    sampling = {"policy": "uniform", "ratio": 0.6, "backward_ratio": 0.8}
    rounded = [t.double() for t in arguments(dtype)]
    wanted = with_gradients(ours(**sampling), rounded)
    found = with_gradients(ours(**sampling), arguments(dtype))
    for mine, exact in zip((*found[0], *found[1]), (*wanted[0], *wanted[1]), strict=True):
        bound = 1e-4 if dtype == torch.float32 else 0.05
        assert (mine.double() - exact).abs().max() < bound * exact.abs().max()
    assert all(g.dtype == dtype for g in found[1])


def test_autocast_multiplies_in_its_type_and_keeps_the_gradients_types() -> None:
    given = arguments(torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs, gradients = with_gradients(ours(policy="topk", ratio=0.5), given)
    assert outputs[0].dtype == torch.bfloat16
    assert outputs[2].dtype == torch.float32
    assert {g.dtype for g in gradients} == {torch.float32}


def test_each_step_has_a_kept_set_of_its_own() -> None:
    """Columns that are large at one step alone are kept at that step alone."""
    x, h, c, *parameters = arguments()
    x = 1e-3 * x
    x[1, :, 2] = 100.0
    x[3, :, 5] = 100.0
    meter = Meter()
    crs_lstm(x, (0 * h, c), *parameters, policy="topk", ratio=0.1, min_samples=1, meter=meter)
    (row,) = meter.rows("lstm1", Policy(name="topk"), 0.1, 1.0)
    assert (row.pairs, row.kept) == (N + H, 1.0)
    assert row.never_kept is not None
    assert row.never_kept <= 1 - 2 / (N + H)


def test_biases_may_be_left_out() -> None:
    x, h, c, w_ih, w_hh, *_ = arguments()
    zero = torch.zeros(4 * H).double()
    for ratio in (0.5, 1.0):
        how = {"policy": "topk", "ratio": ratio, "min_samples": 1}
        without, _ = crs_lstm(x, (h, c), w_ih, w_hh, **how)
        one, _ = crs_lstm(x, (h, c), w_ih, w_hh, zero, **how)
        both, _ = crs_lstm(x, (h, c), w_ih, w_hh, zero, zero, **how)
        torch.testing.assert_close(without, both)
        torch.testing.assert_close(one, both)


@pytest.mark.parametrize("gates", SOME_GATES, ids=str)
@pytest.mark.parametrize(("ratio", "backward_ratio"), [(1.0, 1.0), (0.5, 0.5), (1.0, 0.4)])
def test_a_meter_counts_the_products_of_every_step(
    ratio: float, backward_ratio: float, gates: Any
) -> None:
    meter, sampled = Meter(), 4 if gates is None else len(gates)
    how = {"ratio": ratio, "backward_ratio": backward_ratio, "gates": gates}
    with_gradients(ours(policy="topk", meter=meter, **how), arguments())
    k = round(ratio * (N + H))
    k_out, k_batch = round(backward_ratio * sampled * H), round(backward_ratio * B)
    others = B * (N + H) * (4 - sampled) * H
    wanted = {
        "forward": (N + H, k, B * k * sampled * H + others),
        "grad_input": (sampled * H, k_out, B * k * k_out + others),
        "grad_weight": (B, k_batch, k_batch * k * sampled * H + others),
    }
    rows = meter.rows("lstm1", Policy(name="topk"), ratio, backward_ratio)
    assert {r.product: (r.pairs, r.kept, r.performed_macs / T) for r in rows} == wanted
    assert {r.exact_macs for r in rows} == {T * B * (N + H) * 4 * H}


def test_a_probe_measures_the_last_step_and_changes_nothing() -> None:
    how: dict[str, Any] = {"policy": "topk", "ratio": 0.5, "backward_ratio": 0.6}
    meter = Meter()
    meter.probe = True
    assert_same(
        with_gradients(ours(meter=meter, **how), arguments()),
        with_gradients(ours(**how), arguments()),
    )
    rows = meter.rows("lstm1", Policy(name="topk"), 0.5, 0.6)
    assert all(r.error is not None and 0 < r.error < 1.5 for r in rows)
    x, h, c, *parameters = arguments()
    y = crs_lstm(x, (h, c), *parameters, min_samples=1, generator=generators(), **how)[0]
    xh = torch.cat([x[-1], y[-2]], 1)
    weight = torch.cat(parameters[:2], 1)
    z = crs_linear(xh, weight, min_samples=1, **how)
    exact = F.linear(xh, weight)
    assert rows[0].error == pytest.approx(((z - exact).norm() / exact.norm()).item())


def test_one_step_of_one_example_works() -> None:
    x, h, c, *parameters = arguments()
    y, (h1, c1) = crs_lstm(
        x[:1, :1], (h[:1], c[:1]), *parameters, policy="bernoulli", ratio=0.5, min_samples=1
    )
    assert (y.shape, h1.shape, c1.shape) == ((1, 1, H), (1, H), (1, H))
    assert torch.equal(y[0], h1)


def test_a_dead_input_gives_no_nan() -> None:
    x, h, c, *parameters = arguments()
    for policy in POLICIES:
        y, _ = crs_lstm(0 * x, (0 * h, c), *parameters, policy=policy, ratio=0.5, min_samples=1)
        assert y.isfinite().all()


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({0: torch.zeros(T, B, 6)}, ShapeError, r"weight_ih has 7 in_features; x must be \(steps"),
        ({0: torch.zeros(0, B, N)}, ShapeError, "with at least one step"),
        ({1: torch.zeros(B, 2)}, ShapeError, r"h has shape \(5, 2\); for a batch of 5 it must be"),
        ({2: torch.zeros(6, H)}, ShapeError, r"c has shape \(6, 3\)"),
        ({3: torch.zeros(11, N)}, ShapeError, r"weight_ih must be \(12, in_features\)"),
        ({4: torch.zeros(4, H)}, ShapeError, r"weight_hh has shape \(4, 3\); it must be"),
        ({"ratio": 0.0}, RatioError, "above 0 and at most 1; got 0.0"),
        ({"min_samples": 0}, RatioError, "at least 1; got 0"),
    ],
)
def test_bad_arguments_are_told(change: dict[Any, Any], error: Any, message: str) -> None:
    how: dict[str, Any] = {"policy": "topk", "ratio": 0.5}
    given = arguments(torch.float32)
    for at, value in change.items():
        if isinstance(at, int):
            given[at] = value
        else:
            how[at] = value
    x, h, c, *parameters = given
    with pytest.raises(error, match=message):
        crs_lstm(x, (h, c), *parameters, **how)


def test_the_gates_stand_in_torch_s_order() -> None:
    """A large bias of one gate does what that gate is for."""
    layer = nn.LSTM(N, H).double()
    for p in layer.parameters():
        nn.init.zeros_(p)
    _, (_, c) = layer(torch.zeros(1, B, N).double(), (torch.zeros(1, B, H).double(),) * 2)
    assert c.abs().max() == 0
    at = GATES.index("cell") * H
    with torch.no_grad():
        layer.bias_ih_l0[at : at + H] = 60.0
        layer.bias_ih_l0[: GATES.index("input") + H] = 60.0
    _, (_, c) = layer(torch.zeros(1, B, N).double())
    torch.testing.assert_close(c, torch.ones_like(c))
