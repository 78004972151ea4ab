"""Planned MACs against those that torch performs, and against the paper's figures."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from crs_core.convert import approximate
from crs_core.cost import budget, layer_cost, plan_cost
from crs_core.data.facts import FACTS
from crs_core.errors import RatioError, SpecError
from crs_core.layers import Conv2d, Linear
from crs_core.models import build
from crs_core.rules import LayerPlan
from crs_core.spec import JobSpec, Policy, parse_spec

TOPK = Policy(name="topk")


def make_spec(dataset: str, model: dict, *rules: dict, **training: object) -> JobSpec:
    return parse_spec(
        {
            "model": model,
            "dataset": {"name": dataset},
            "approximation": list(rules),
            "training": {"steps": 3, "batch_size": 6, **training},
        }
    )


@pytest.mark.parametrize(
    ("n", "ratio", "min_samples", "k"),
    [
        (784, 0.4, 10, 314),
        (10, 1.0, 1, 10),
        (10, 0.05, 10, 10),
        (10, 0.05, 1, 1),
        (100, 0.05, 10, 10),
        (5, 0.5, 1, 2),  # halves go to even
        (7, 0.5, 1, 4),
        (3, 0.1, 99, 3),
        (1, 0.001, 1, 1),
        (0, 0.5, 1, 0),
    ],
)
def test_budget(n, ratio, min_samples, k):
    assert budget(n, ratio, min_samples) == k


@pytest.mark.parametrize("ratio", [0.0, -0.1, 1.0001, float("nan")])
def test_a_ratio_outside_its_range_is_refused(ratio):
    with pytest.raises(RatioError, match=f"above 0 and at most 1; got {ratio}"):
        budget(10, ratio, 1)


@pytest.mark.parametrize(
    ("dataset", "model"),
    [
        ("digits", {"name": "mlp", "hidden": [11, 3, 5]}),
        ("mnist", {"name": "mlp", "hidden": [20]}),
        ("digits", {"name": "cnn", "channels": [2, 5, 3], "kernel_size": 3, "hidden": 7}),
        ("mnist", {"name": "cnn", "channels": [3, 4], "hidden": 8}),
        ("digits", {"name": "wrn", "depth": 10, "width": 1}),
        ("cifar-100", {"name": "wrn", "depth": 10, "width": 2, "shortcut": "conv"}),
    ],
)
def test_exact_macs_are_those_that_torch_performs(dataset, model):
    """Every product that reaches torch is counted, in forward and in autograd's backward."""
    spec = make_spec(dataset, model)
    facts, cost = FACTS[dataset], plan_cost(spec)
    network = build(spec.model, facts.input_shape, facts.classes)
    x = torch.rand(spec.training.batch_size, *facts.input_shape)
    forward = FlopCounterMode(display=False)
    with forward:
        loss = network(x).square().sum()
    backward = FlopCounterMode(display=False)
    with backward:
        loss.backward()

    def planned(*products: str) -> int:
        return sum(p.exact_macs for p in cost.layers if p.product in products)

    assert forward.get_total_flops() == 2 * planned("forward")
    assert backward.get_total_flops() == 2 * planned("grad_input", "grad_weight")
    by_module = {
        name.removeprefix(f"{type(network).__name__}."): sum(counts.values())
        for name, counts in forward.get_flop_counts().items()
    }
    for product in cost.layers:
        if product.product == "forward":
            assert by_module[product.layer] == 2 * product.exact_macs
    assert cost.exact_macs == 3 * sum(p.exact_macs for p in cost.layers)


@pytest.mark.parametrize("policy", ["topk", "nps", "uniform"])
@pytest.mark.parametrize(
    ("dataset", "model"),
    [
        ("digits", {"name": "mlp", "hidden": [40, 30]}),
        ("mnist", {"name": "cnn", "channels": [8, 6], "hidden": 20}),
        ("digits", {"name": "wrn", "depth": 10, "width": 1}),
    ],
)
def test_planned_macs_are_those_that_torch_performs_in_the_approximate_network(
    dataset, model, policy
):
    rule = {"policy": policy, "forward": 0.4, "backward": 0.3, "min_samples": 3}
    spec = make_spec(dataset, model, rule, batch_size=16, steps=1)
    facts, cost = FACTS[dataset], plan_cost(spec)
    network = build(spec.model, facts.input_shape, facts.classes)
    network = approximate(network, spec.approximation).train()
    x = torch.rand(spec.training.batch_size, *facts.input_shape)
    with FlopCounterMode(display=False) as counter:
        network(x).square().sum().backward()
    assert counter.get_total_flops() == 2 * cost.planned_macs < 2 * cost.exact_macs


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        (
            Conv2d(6, 8, (3, 5), in_size=(9, 11), out_size=(5, 5), stride=(2, 2), padding=(1, 1)),
            (2, 6, 9, 11),
        ),
        (
            Conv2d(6, 8, (3, 5), in_size=(9, 11), out_size=(7, 7), groups=2),
            (2, 6, 9, 11),
        ),
    ],
)
def test_strides_and_groups_are_counted_as_torch_counts_them(shape, size):
    layer = torch.nn.Conv2d(
        shape.in_channels,
        shape.out_channels,
        shape.kernel_size,
        shape.stride,
        shape.padding,
        groups=shape.groups,
    )
    x = torch.rand(size, requires_grad=True)
    y = layer(x)
    assert tuple(y.shape[2:]) == shape.out_size
    with FlopCounterMode(display=False) as counter:
        layer(x)
    products = layer_cost(LayerPlan("conv", shape), batch=size[0])
    assert [p.product for p in products] == ["forward", "grad_input", "grad_weight"]
    # All three products have the same MACs: each output value meets each weight once.
    assert {2 * p.exact_macs for p in products} == {counter.get_total_flops()}


def test_a_linear_layer_keeps_its_share_in_all_three_products():
    plan = LayerPlan("fc", Linear(20, 30, positions=4), TOPK, 0.25, 0.5, 1)
    forward, grad_input, grad_weight = layer_cost(plan, batch=5)
    rows = 5 * 4
    assert (forward.pairs, forward.k, forward.planned_macs) == (20, 5, rows * 5 * 30)
    assert (grad_input.pairs, grad_input.k, grad_input.planned_macs) == (30, 15, rows * 15 * 5)
    assert (grad_weight.pairs, grad_weight.k, grad_weight.planned_macs) == (rows, 10, 10 * 30 * 5)
    assert {p.exact_macs for p in (forward, grad_input, grad_weight)} == {rows * 20 * 30}
    assert [p.ratio for p in (forward, grad_input, grad_weight)] == [0.25, 0.5, 0.5]


def test_a_grouped_convolution_chooses_within_each_group():
    shape = Conv2d(12, 20, (3, 3), in_size=(7, 7), out_size=(5, 5), groups=4)
    forward, grad_input, grad_weight = layer_cost(LayerPlan("c", shape, TOPK, 0.7, 0.5, 1), batch=6)
    unit = 9 * 25
    assert (forward.pairs, forward.k, forward.planned_macs) == (3, 2, 6 * 4 * 2 * 5 * unit)
    assert (grad_input.pairs, grad_input.k, grad_input.planned_macs) == (5, 2, 6 * 4 * 2 * 2 * unit)
    assert (grad_weight.pairs, grad_weight.k, grad_weight.planned_macs) == (
        6,
        3,
        3 * 4 * 2 * 5 * unit,
    )


def test_one_input_channel_per_group_is_exact_forward():
    shape = Conv2d(3, 6, (3, 3), in_size=(5, 5), out_size=(3, 3), groups=3)
    forward, *_ = layer_cost(LayerPlan("c", shape, TOPK, 0.1, 0.1, 1), batch=6)
    assert (forward.pairs, forward.k) == (1, 1)
    assert forward.planned_macs == forward.exact_macs


def test_the_layer_that_reads_the_data_has_no_input_gradient():
    cost = plan_cost(make_spec("digits", {"name": "mlp", "hidden": [5]}))
    assert [(p.layer, p.product) for p in cost.layers] == [
        ("fc1", "forward"),
        ("fc1", "grad_weight"),
        ("fc2", "forward"),
        ("fc2", "grad_input"),
        ("fc2", "grad_weight"),
    ]


ALL40 = {"policy": "topk", "forward": 0.4, "min_samples": 1}
CONV1_EXACT = {"layers": "conv1", "policy": "exact"}


@pytest.mark.parametrize(
    ("model", "rules", "percent"),
    [
        ("mlp", [{"policy": "topk", "forward": 0.4, "backward": 0.05, "min_samples": 10}], 79.5),
        ("mlp", [ALL40], 60.0),
        (
            "cnn",
            [
                {"policy": "topk", "forward": 0.4, "backward": 0.2, "min_samples": 10},
                CONV1_EXACT,
            ],
            78.6,
        ),
        ("cnn", [{"policy": "topk", "forward": 0.3, "min_samples": 1}], 66.9),
        # Which layer is the last is said by rule.
        (
            "mlp",
            [
                {"policy": "meprop", "backward": 30 / 500, "min_samples": 1},
                {"layers": "fc3", "policy": "exact"},
            ],
            54.1,
        ),
        ("mlp", [], 0.0),
    ],
)
def test_the_paper_s_reductions(model, rules, percent):
    cost = plan_cost(make_spec("mnist", {"name": model}, *rules, batch_size=50))
    assert round(100 * cost.reduction, 1) == percent


HALF = {"policy": "topk", "forward": 0.5, "min_samples": 1}


@pytest.mark.parametrize(
    ("shortcut", "rules", "percent"),
    [
        # All convolutions but the first, which has three channels.
        ("pool", [{**HALF, "layers": "group*"}], 50.0),
        ("pool", [{**HALF, "layers": "*.conv?"}], 50.0),
        # The convolutions with 320 and 640 filters.
        ("pool", [{**HALF, "layers": "group[23].*"}], 33.9),
        ("conv", [{**HALF, "layers": "group[23].*"}], 34.0),
        ("pool", [], 0.0),
    ],
)
def test_the_paper_s_reductions_of_the_wide_residual_network(shortcut, rules, percent):
    model = {"name": "wrn", "depth": 28, "width": 10, "shortcut": shortcut}
    cost = plan_cost(make_spec("cifar-100", model, *rules, batch_size=128, steps=75_000))
    assert round(100 * cost.reduction, 1) == percent


def test_meprop_plans_the_output_features_that_it_keeps_in_both_gradients():
    plan = LayerPlan("fc", Linear(20, 30, positions=4), Policy(name="meprop"), 1.0, 0.2, 1)
    forward, grad_input, grad_weight = layer_cost(plan, batch=5)
    assert (forward.pairs, forward.k, forward.planned_macs) == (20, 20, forward.exact_macs)
    for product in (grad_input, grad_weight):
        assert (product.pairs, product.k, product.planned_macs) == (30, 6, 20 * 20 * 6)


def test_a_ratio_of_one_plans_the_exact_macs():
    cost = plan_cost(make_spec("digits", {"name": "mlp"}, {"policy": "topk"}))
    assert cost.planned_macs == cost.exact_macs
    assert cost.reduction == 0.0
    assert {p.policy.name for p in cost.layers} == {"topk"}


def test_a_training_costs_its_steps():
    cost = plan_cost(make_spec("digits", {"name": "mlp"}, ALL40, batch_size=100, steps=25))
    assert (cost.steps, cost.steps_per_epoch) == (25, 10)
    assert cost.planned_macs == 25 * sum(p.planned_macs for p in cost.layers)


def test_a_spec_that_cannot_be_planned_is_refused():
    with pytest.raises(SpecError, match="matches no layer"):
        plan_cost(make_spec("digits", {"name": "mlp"}, {**ALL40, "layers": "conv1"}))
