"""The plan of a spec, or of a sweep, as the api answers it."""

from collections.abc import Sequence
from itertools import groupby

from api.schemas.jobs import Plan, PlanLayer, PlanProduct
from api.schemas.sweeps import PlannedJob, SweepPlan
from crs_core.cost import Cost, ProductCost, training_reduction
from crs_core.planning import plan_job
from crs_core.rules import LayerPlan, layer_plan
from crs_core.spec import JobSpec, StudySpec
from store.grid import Member


def plan_of(spec: JobSpec | StudySpec) -> Plan:
    """Resolve a spec and count what it costs; a study has no layers. Raises SpecError."""
    cost = plan_job(spec)
    layers = {layer.name: layer for layer in layer_plan(spec)} if isinstance(spec, JobSpec) else {}
    return Plan(
        spec=spec,
        layers=[
            _layer(layers[name], list(products), cost.steps)
            for name, products in groupby(cost.layers, key=lambda p: p.layer)
        ],
        steps=cost.steps,
        steps_per_epoch=cost.steps_per_epoch,
        exact_macs=cost.exact_macs,
        planned_macs=cost.planned_macs,
        planned_compute_reduction=cost.reduction,
        planned_is_bound=cost.is_bound,
    )


def _layer(layer: LayerPlan, products: list[ProductCost], steps: int) -> PlanLayer:
    return PlanLayer(
        name=layer.name,
        kind=layer.shape.kind,
        policy=layer.policy,
        forward=layer.forward,
        backward=layer.backward,
        min_samples=layer.min_samples,
        schedule=layer.schedule,
        gates=None if layer.gates is None else list(layer.gates),
        rule=layer.rule,
        products=[
            PlanProduct(
                product=p.product,
                ratio=p.ratio,
                pairs=p.pairs,
                kept=p.k,
                exact_macs=p.exact_macs,
                planned_macs=p.planned_macs,
                reduction=training_reduction([p], steps),
            )
            for p in products
        ],
        exact_macs=sum(p.exact_macs for p in products),
        planned_macs=sum(p.planned_macs for p in products),
        reduction=training_reduction(products, steps),
    )


def plan_of_sweep(members: Sequence[Member], costs: Sequence[Cost]) -> SweepPlan:
    """Say what a sweep would make."""
    exact = sum(cost.exact_macs for cost in costs)
    planned = sum(cost.planned_macs for cost in costs)
    return SweepPlan(
        count=len(members),
        exact_macs=exact,
        planned_macs=planned,
        planned_compute_reduction=1 - planned / exact,
        jobs=[
            PlannedJob(
                name=member.label,
                settings=member.settings,
                planned_compute_reduction=cost.reduction,
            )
            for member, cost in zip(members, costs, strict=True)
        ],
    )
