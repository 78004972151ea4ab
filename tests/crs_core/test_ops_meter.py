"""What a meter says of the products: counts, MACs, coverage, error, state."""

import copy
import pickle
from typing import Any

import pytest
import torch

from crs_core.cost import layer_cost
from crs_core.errors import CheckpointError
from crs_core.events import LayerRow
from crs_core.layers import Conv2d
from crs_core.ops import PRODUCTS, Meter, crs_conv2d, crs_linear, together
from crs_core.rules import LayerPlan
from crs_core.spec import Policy

TOPK = Policy(name="topk")


def factors(*shapes: tuple[int, ...], seed: int = 0) -> list[torch.Tensor]:
    g = torch.Generator().manual_seed(seed)
    return [torch.randn(s, generator=g).requires_grad_() for s in shapes]


def linear_rows(meter: Meter, steps: int = 1, **sampling: Any) -> dict[str, LayerRow]:
    """Train on fresh factors, 12 x 20 into 8."""
    how = {"policy": TOPK, "ratio": 0.5, "backward_ratio": 0.25, "min_samples": 1} | sampling
    for step in range(steps):
        x, w = factors((12, 20), (8, 20), seed=step)
        crs_linear(x, w, meter=meter, **how).square().sum().backward()
    policy = how["policy"] if isinstance(how["policy"], Policy) else Policy(name=how["policy"])
    rows = meter.rows("fc", policy, how["ratio"], how["backward_ratio"])
    return {row.product: row for row in rows}


def test_macs_are_counted_by_hand() -> None:
    rows = linear_rows(Meter(), steps=3)
    exact = 12 * 20 * 8
    assert list(rows) == list(PRODUCTS)
    for product, pairs, kept, performed in (
        ("forward", 20, 10, 12 * 10 * 8),
        ("grad_input", 8, 2, 12 * 10 * 2),
        ("grad_weight", 12, 3, 3 * 10 * 8),
    ):
        row = rows[product]
        assert (row.layer, row.policy, row.pairs, row.kept) == ("fc", "topk", pairs, kept)
        assert (row.exact_macs, row.performed_macs) == (3 * exact, 3 * performed)
        assert row.ratio == (0.5 if product == "forward" else 0.25)


def test_macs_of_a_convolution_are_counted_by_hand() -> None:
    meter = Meter()
    x, w = factors((6, 8, 9, 9), (4, 4, 3, 3))
    y = crs_conv2d(
        x, w, padding=1, groups=2, policy="topk", ratio=0.5, backward_ratio=0.5, min_samples=1,
        meter=meter,
    )  # fmt: skip
    y.sum().backward()
    rows = {r.product: r for r in meter.rows("conv", TOPK, 0.5, 0.5)}
    places = 9 * 9 * 3 * 3  # positions of the output, times those of the kernel
    exact = 6 * 4 * 4 * places
    assert {r.exact_macs for r in rows.values()} == {exact}
    assert [rows[p].pairs for p in PRODUCTS] == [4, 2, 6]
    assert [rows[p].kept for p in PRODUCTS] == [2, 1, 3]
    assert [rows[p].performed_macs * n for p, n in zip(PRODUCTS, (2, 4, 4), strict=True)] == [
        exact
    ] * 3
    assert meter.exact_macs == 3 * exact
    assert meter.performed_macs == exact // 2 + exact // 4 + exact // 4


def test_an_exact_product_is_recorded_as_exact() -> None:
    for sampling in ({"ratio": 1.0, "backward_ratio": 1.0}, {"min_samples": 1000}):
        rows = linear_rows(Meter(), **sampling)
        for row in rows.values():
            assert row.policy == "exact"
            assert row.kept == row.pairs
            assert row.performed_macs == row.exact_macs
            assert row.never_kept is None
            assert row.error is None


def test_a_product_that_keeps_all_is_exact_beside_sampled_ones() -> None:
    rows = linear_rows(Meter(), ratio=1.0)
    assert [rows[p].policy for p in PRODUCTS] == ["exact", "topk", "topk"]


def test_coverage_is_the_share_of_pairs_never_chosen() -> None:
    meter = Meter()
    x, w = torch.ones(4, 10), torch.ones(3, 10)
    for step, never in ((0, 0.7), (1, 0.4), (2, 0.4)):
        x = torch.zeros(4, 10)
        x[:, [0, 1, 2] if step == 0 else [3, 4, 5]] = 1.0
        crs_linear(x, w, policy="topk", ratio=0.3, min_samples=1, meter=meter)
        assert meter.rows("fc", TOPK, 0.3, 1.0)[0].never_kept == pytest.approx(never)


def test_the_batch_has_no_coverage() -> None:
    rows = linear_rows(Meter())
    assert rows["grad_weight"].never_kept is None
    assert rows["grad_input"].never_kept is not None


def test_groups_have_the_coverage_of_all_their_pairs() -> None:
    meter = Meter()
    x = torch.zeros(1, 4, 3, 3)
    x[:, [0, 3]] = 1.0
    w = torch.ones(2, 2, 1, 1)
    crs_conv2d(x, w, groups=2, policy="bernoulli", ratio=0.5, min_samples=1, meter=meter)
    # The two of score 0 are never chosen, whatever a group is filled up with.
    assert meter.rows("conv", Policy(name="bernoulli"), 0.5, 1.0)[0].never_kept == 0.5


def test_bernoulli_counts_what_it_drew() -> None:
    rows = linear_rows(Meter(), steps=300, policy=Policy(name="bernoulli"), ratio=0.5)
    assert rows["forward"].kept == pytest.approx(10, rel=0.05)
    assert rows["forward"].performed_macs == round(rows["forward"].kept * 300) * 12 * 8


@pytest.mark.parametrize("groups", [1, 6])
def test_bernoulli_performs_more_than_planned_where_groups_are_filled_up(groups: int) -> None:
    """Every group is multiplied with as many pairs as the largest draw of all has."""
    shape = Conv2d(12 * groups, groups, (1, 1), (3, 2), (3, 2), groups=groups)
    policy = Policy(name="bernoulli")
    planned = layer_cost(LayerPlan("conv", shape, policy, 0.5, 1.0, 1), batch=5)[0].planned_macs
    meter, generator = Meter(), torch.Generator().manual_seed(3)
    x, w = torch.ones(5, 12 * groups, 3, 2), torch.ones(groups, 12, 1, 1)
    for _ in range(400):
        crs_conv2d(
            x, w, groups=groups, policy=policy, ratio=0.5, min_samples=1, meter=meter,
            generator=generator,
        )  # fmt: skip
    row = meter.rows("conv", policy, 0.5, 1.0)[0]
    share = row.performed_macs / (400 * planned)
    # One group: 12 coins have a standard error of √3 / 6 / √400 = 1.4 % of the 6 pairs planned.
    # The mean of the largest of six draws is 8.2 pairs.
    assert share == pytest.approx(1.0 if groups == 1 else 8.2 / 6, abs=0.05)


def test_a_probe_measures_the_error_of_each_product() -> None:
    meter = Meter()
    meter.probe = True
    x, w = factors((12, 20), (8, 20))
    b = torch.randn(8, requires_grad=True)
    y = crs_linear(
        x, w, b, policy="topk", ratio=0.5, backward_ratio=0.5, min_samples=1, meter=meter
    )
    dy = torch.randn(12, 8)
    dx, dw = torch.autograd.grad(y, (x, w), dy)
    rows = {r.product: r for r in meter.rows("fc", TOPK, 0.5, 0.5)}
    for product, mine, exact in (
        ("forward", y - b, x @ w.t()),
        ("grad_input", dx, dy @ w),
        ("grad_weight", dw, dy.t() @ x),
    ):
        error = float(((mine - exact).norm() / exact.norm()).detach())
        assert rows[product].error == pytest.approx(error, rel=1e-4)
        assert 0.05 < error < 1.5


@pytest.mark.parametrize("mode", ["zeros", "reflect"])
def test_a_probe_measures_the_error_of_a_convolution(mode: Any) -> None:
    meter = Meter()
    meter.probe = True
    x, w = factors((6, 8, 9, 9), (4, 4, 3, 3))
    layer = torch.nn.Conv2d(8, 4, 3, padding=1, groups=2, bias=False, padding_mode=mode)
    exact = layer._conv_forward(x, w, None)
    y = crs_conv2d(
        x, w, torch.ones(4), padding=1, groups=2, policy="nps", ratio=0.5, backward_ratio=0.5,
        min_samples=1, meter=meter, padding_mode=mode,
    )  # fmt: skip
    dy = torch.randn(y.shape)
    pairs = zip(
        PRODUCTS,
        (y - 1, *torch.autograd.grad(y, (x, w), dy)),
        (exact, *torch.autograd.grad(exact, (x, w), dy)),
        strict=True,
    )
    rows = {r.product: r for r in meter.rows("conv", Policy(name="nps"), 0.5, 0.5)}
    for product, mine, wanted in pairs:
        error = float(((mine - wanted).norm() / wanted.norm()).detach())
        assert rows[product].error == pytest.approx(error, rel=1e-3)


def test_a_probe_changes_neither_numbers_nor_draws_nor_macs() -> None:
    results = []
    for probe in (False, True):
        meter = Meter()
        meter.probe = probe
        g = torch.Generator().manual_seed(3)
        x, w = factors((12, 20), (8, 20))
        y = crs_linear(
            x, w, policy="nps", ratio=0.5, backward_ratio=0.5, min_samples=1, generator=g,
            meter=meter,
        )  # fmt: skip
        results.append(
            (
                y,
                *torch.autograd.grad(y, (x, w), torch.ones(12, 8)),
                g.get_state(),
                meter.performed_macs,
            )
        )
    for without, with_ in zip(*results, strict=True):
        if isinstance(without, torch.Tensor):
            assert torch.equal(without, with_)
        else:
            assert without == with_


def test_an_exact_zero_product_has_no_infinite_error() -> None:
    meter = Meter()
    meter.probe = True
    crs_linear(
        torch.zeros(3, 4), torch.ones(2, 4), policy="topk", ratio=0.5, min_samples=1, meter=meter
    )
    assert meter.rows("fc", TOPK, 0.5, 1.0)[0].error == 0


def test_sampling_takes_time_and_exact_products_take_none() -> None:
    meter = Meter()
    linear_rows(meter)
    assert 0 < meter.sampling_seconds() < 1
    exact = Meter()
    linear_rows(exact, ratio=1.0, backward_ratio=1.0)
    assert exact.sampling_seconds() == 0


def test_no_rows_before_the_first_product() -> None:
    assert Meter().rows("fc", TOPK, 0.5, 1.0) == ()


def test_a_meter_goes_on_from_its_state() -> None:
    whole, first = Meter(), Meter()
    linear_rows(whole)
    linear_rows(first)
    state = pickle.loads(pickle.dumps(first.state_dict()))
    resumed = Meter()
    resumed.load_state_dict(state)
    assert linear_rows(resumed) == linear_rows(whole)
    # What was loaded is a copy: going on does not change the state.
    assert Meter().state_dict().keys() == state.keys()
    assert state["forward"]["calls"] == 1


def test_the_state_of_a_meter_loads_as_weights_only(tmp_path: Any) -> None:
    meter = Meter()
    linear_rows(meter)
    torch.save(meter.state_dict(), tmp_path / "meter.pt")
    again = Meter()
    again.load_state_dict(torch.load(tmp_path / "meter.pt", weights_only=True))
    assert again.rows("fc", TOPK, 0.5, 0.25) == meter.rows("fc", TOPK, 0.5, 0.25)


def test_a_meter_can_be_copied_and_pickled() -> None:
    meter = Meter()
    linear_rows(meter)
    meter.probe = True
    for other in (copy.deepcopy(meter), pickle.loads(pickle.dumps(meter))):
        assert other.probe
        assert other.rows("fc", TOPK, 0.5, 0.25) == meter.rows("fc", TOPK, 0.5, 0.25)
        linear_rows(other)
        assert other.exact_macs == 2 * meter.exact_macs


def test_a_state_of_something_else_is_told() -> None:
    with pytest.raises(CheckpointError, match="not the state of a meter: it holds \\['weight'\\]"):
        Meter().load_state_dict({"weight": torch.zeros(2)})


def test_devices_are_told_of_together() -> None:
    """One has 12 examples and the other 7; both have all 20 features."""
    meters = [Meter(), Meter()]
    meters[0].probe = meters[1].probe = True
    for meter, (examples, seed) in zip(meters, [(12, 1), (7, 2)], strict=True):
        for step in range(3):
            x, w = factors((examples, 20), (8, 20), seed=10 * seed + step)
            y = crs_linear(
                x, w, policy=TOPK, ratio=0.25, backward_ratio=0.25, min_samples=2, meter=meter
            )
            y.square().sum().backward()
    states = [meter.state_dict() for meter in meters]
    both = together(states, divided={"grad_weight"})
    alone = [{r.product: r for r in m.rows("fc", TOPK, 0.25, 0.25)} for m in meters]
    rows = {r.product: r for r in both.rows("fc", TOPK, 0.25, 0.25)}
    assert both.performed_macs == sum(m.performed_macs for m in meters)
    assert both.exact_macs == sum(m.exact_macs for m in meters)
    assert both.sampling_seconds() == pytest.approx(sum(m.sampling_seconds() for m in meters) / 2)
    assert (rows["forward"].pairs, rows["forward"].kept) == (20, 5)
    assert (rows["grad_input"].pairs, rows["grad_input"].kept) == (8, 2)
    assert (rows["grad_weight"].pairs, rows["grad_weight"].kept) == (12 + 7, 3 + 2)
    chosen = [state["forward"]["chosen"] for state in states]
    assert rows["forward"].never_kept == pytest.approx(
        1 - (chosen[0] | chosen[1]).float().mean().item()
    )
    assert not torch.equal(chosen[0], chosen[1])
    for product, row in rows.items():
        errors = [a[product].error for a in alone]
        assert row.error == pytest.approx(sum(e or 0 for e in errors) / 2)
