"""`colrow plan`: what a spec costs and saves, worked out here; no service is asked."""

from typing import TYPE_CHECKING

import typer

from colrow.commands.jobs import SpecArgument
from colrow.commands.session import session

if TYPE_CHECKING:
    from rich.console import Console

    from crs_core.spec import JobSpec, StudySpec


def plan(context: typer.Context, file: SpecArgument) -> None:
    """Show what a spec costs and saves, per layer or size; nothing is run."""
    from colrow.specfile import read_spec
    from crs_core.spec import StudySpec, parse_any

    spec, out = parse_any(read_spec(file)), session(context).out
    if isinstance(spec, StudySpec):
        _show_study(spec, out)
    else:
        _show_training(spec, out)


def _show_study(spec: "StudySpec", out: "Console") -> None:
    from colrow.figures import count, share
    from colrow.study_tables import study_plan_table
    from crs_core.planning import plan_job
    from crs_core.study.plan import study_plan

    plan, cost = study_plan(spec), plan_job(spec)
    out.print(study_plan_table(plan))
    out.print(
        f"{spec.draws:,} draws of each size; MACs: {count(cost.exact_macs)} exact, "
        f"{count(cost.planned_macs)} planned; planned compute reduction {share(cost.reduction)}"
    )


def _show_training(spec: "JobSpec", out: "Console") -> None:
    from colrow.answers import PlanLayer
    from colrow.figures import count, share
    from colrow.tables import plan_table
    from crs_core.cost import plan_cost, training_reduction
    from crs_core.rules import layer_plan

    cost = plan_cost(spec)
    layers: list[PlanLayer] = []
    for layer in layer_plan(spec):
        products = [p for p in cost.layers if p.layer == layer.name]
        layers.append(
            {
                "name": layer.name,
                "kind": type(layer.shape).__name__.lower(),
                "policy": layer.policy.model_dump(),
                "forward": layer.forward,
                "backward": layer.backward,
                "min_samples": layer.min_samples,
                "schedule": None if layer.schedule is None else layer.schedule.model_dump(),
                "gates": None if layer.gates is None else list(layer.gates),
                "rule": layer.rule,
                "products": [
                    {
                        "product": p.product,
                        "ratio": p.ratio,
                        "pairs": p.pairs,
                        "kept": p.k,
                        "exact_macs": p.exact_macs,
                        "planned_macs": p.planned_macs,
                        "reduction": training_reduction([p], cost.steps),
                    }
                    for p in products
                ],
                "exact_macs": sum(p.exact_macs for p in products),
                "planned_macs": sum(p.planned_macs for p in products),
                "reduction": training_reduction(products, cost.steps),
            }
        )
    out.print(plan_table(layers))
    if any(layer["schedule"] for layer in layers):
        out.print(
            "kept and MACs: in a step at the rule's own ratios; "
            "reduction: over the whole training, its schedule included"
        )
    out.print(
        f"{cost.steps:,} steps of {spec.training.batch_size} examples; "
        f"MACs: {count(cost.exact_macs)} exact, {'at most ' if cost.is_bound else ''}"
        f"{count(cost.planned_macs)} planned; "
        f"planned compute reduction {'at least ' if cost.is_bound else ''}{share(cost.reduction)}"
    )
