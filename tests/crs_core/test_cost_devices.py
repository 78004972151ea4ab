"""What a job costs where several devices share its batches."""

import pytest

from crs_core.cost import layer_cost, plan_cost
from crs_core.layers import LSTM, Batched, Conv2d, Linear
from crs_core.rules import LayerPlan
from crs_core.spec import Policy, parse_spec


@pytest.mark.parametrize(
    ("shape", "policy"),
    [
        (Linear(20, 30, positions=4), "topk"),
        (Linear(20, 30, positions=4), "meprop"),
        (Conv2d(12, 20, (3, 3), in_size=(7, 7), out_size=(5, 5), groups=4), "topk"),
        (LSTM(9, 7, steps=3), "topk"),
        (Batched(count=2, rows=11, inner=8, columns=5), "topk"),
    ],
)
def test_devices_cost_together_what_their_shards_cost_one_by_one(shape, policy):
    """A batch of 8 on three devices is 3 + 3 + 2."""
    plan = LayerPlan("l", shape, Policy(name=policy), 0.5, 0.3, 2)
    shares_rows = policy == "topk" and not isinstance(shape, Batched)
    one_by_one = zip(*(layer_cost(plan, n) for n in (3, 3, 2)), strict=True)
    for product, alone in zip(layer_cost(plan, 8, devices=3), one_by_one, strict=True):
        assert product.exact_macs == sum(p.exact_macs for p in alone)
        assert product.planned_macs == sum(p.planned_macs for p in alone)
        if product.product == "grad_weight" and shares_rows:
            assert product.pairs == layer_cost(plan, 8)[-1].pairs
            assert product.k == sum(p.k for p in alone)
        else:
            assert (product.pairs, product.k) == (alone[0].pairs, alone[0].k)


def test_a_floor_of_rows_on_every_device_saves_less():
    rule = {"policy": "topk", "forward": 0.4, "backward": 0.05, "min_samples": 10}
    spec = {
        "model": {"name": "mlp"},
        "dataset": {"name": "mnist"},
        "approximation": [rule],
        "training": {"steps": 3, "batch_size": 50},
    }
    alone, cost = (
        plan_cost(parse_spec({**spec, "resources": {"devices": devices}})) for devices in (1, 2)
    )
    assert cost.exact_macs == alone.exact_macs
    assert cost.planned_macs > alone.planned_macs
    kept = {p.layer: p.k for p in cost.layers if p.product == "grad_weight"}
    assert kept["fc1"] == 20
    assert {p.layer: p.k for p in alone.layers if p.product == "grad_weight"}["fc1"] == 10
