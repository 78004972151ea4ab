"""Make an exact model approximate: swap its layers for their twins, by rule."""

from collections.abc import Callable, Sequence
from typing import Any

from torch import nn

from crs_core.errors import SpecError
from crs_core.nn import CRSLSTM, BatchedProduct, CRSBatchedProduct, CRSConv2d, CRSLinear
from crs_core.rules import holding_rules
from crs_core.spec import Rule

Twin = CRSLinear | CRSConv2d | CRSLSTM | CRSBatchedProduct

SWAPS: dict[type[nn.Module], Callable[..., Twin]] = {
    nn.Linear: CRSLinear.twin,
    nn.Conv2d: CRSConv2d.twin,
    nn.LSTM: CRSLSTM.twin,
    BatchedProduct: CRSBatchedProduct.twin,
}
"""What is supported, by exact type: a subclass may compute something else."""


def approximate(model: nn.Module, rules: Sequence[Rule]) -> nn.Module:
    """Swap the layers of `model` by `rules`, in place, and give the model.

    Each rule has a glob over module names; the last that matches a layer holds for it, whole.
    Twins share the parameters of the layers they replace; hooks do not move over. A layer with no
    rule, or whose rule says `exact`, stays as it is, and so does a layer that is approximate
    already. A model that is itself a supported layer (its name is '') has no place to be swapped
    in: its twin is returned.

    Make the optimizer afterwards: a large weight may be stored anew (`CRSLinear`), and torch's
    fused optimizers do not look whether the state they have is stored as the weight is.

    Raises SpecError for a rule that matches no supported layer (it names the layers there are), and
    for one with `gates` that holds for a layer that has none.
    """
    layers = {n: m for n, m in model.named_modules(remove_duplicate=False) if type(m) in SWAPS}
    twins: dict[nn.Module, Twin] = {}
    for name, index in holding_rules(layers, rules).items():
        rule, exact = rules[index], layers[name]
        if rule.policy.name == "exact":
            continue
        # A layer that stands in two places has one twin, by the rule of the first.
        if exact not in twins:
            twins[exact] = SWAPS[type(exact)](
                exact,
                **_of_kind(rule, index, name, exact),
                policy=rule.policy,
                ratio=rule.forward,
                backward_ratio=rule.backward,
                min_samples=rule.min_samples,
            )
        if not name:
            return twins[exact]
        parent, _, child = name.rpartition(".")
        setattr(model.get_submodule(parent), child, twins[exact])
    return model


def _of_kind(rule: Rule, index: int, name: str, exact: nn.Module) -> dict[str, Any]:
    """Give the choices of a rule that only one kind of layer has."""
    if rule.gates is None:
        return {}
    if not isinstance(exact, nn.LSTM):
        raise SpecError.at(
            f"approximation.{index}.gates",
            f"only recurrent layers have gates, but {name or 'the model'} is a "
            f"{type(exact).__name__}; leave `gates` out, or name recurrent layers only",
        )
    return {"gates": rule.gates}


def crs_layers(model: nn.Module) -> dict[str, Twin]:
    """Give the approximate layers of a model by name, in the model's order."""
    return {name: m for name, m in model.named_modules() if isinstance(m, Twin)}
