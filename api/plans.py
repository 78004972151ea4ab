"""The plan of a spec, as the api answers it."""

from itertools import groupby

from api.schemas.jobs import Plan, PlanLayer, PlanProduct
from crs_core.cost import ProductCost, plan_cost
from crs_core.rules import LayerPlan, layer_plan
from crs_core.spec import JobSpec


def plan_of(spec: JobSpec) -> Plan:
    """Resolve a spec and count what it costs. Raises SpecError."""
    cost = plan_cost(spec)
    layers = {layer.name: layer for layer in layer_plan(spec)}
    return Plan(
        spec=spec,
        layers=[
            _layer(layers[name], list(products))
            for name, products in groupby(cost.layers, key=lambda p: p.layer)
        ],
        steps=cost.steps,
        steps_per_epoch=cost.steps_per_epoch,
        exact_macs=cost.exact_macs,
        planned_macs=cost.planned_macs,
        planned_compute_reduction=cost.reduction,
    )


def _layer(layer: LayerPlan, products: list[ProductCost]) -> PlanLayer:
    exact = sum(p.exact_macs for p in products)
    planned = sum(p.planned_macs for p in products)
    return PlanLayer(
        name=layer.name,
        kind=layer.shape.kind,
        policy=layer.policy,
        forward=layer.forward,
        backward=layer.backward,
        min_samples=layer.min_samples,
        rule=layer.rule,
        products=[
            PlanProduct(
                product=p.product,
                ratio=p.ratio,
                pairs=p.pairs,
                kept=p.k,
                exact_macs=p.exact_macs,
                planned_macs=p.planned_macs,
            )
            for p in products
        ],
        exact_macs=exact,
        planned_macs=planned,
        reduction=1 - planned / exact,
    )
