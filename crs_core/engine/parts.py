"""Everything a training is made of, put together from the spec."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from crs_core.convert import approximate, crs_layers
from crs_core.cost import Cost, plan_cost
from crs_core.data.facts import FACTS
from crs_core.engine.ledger import Ledger
from crs_core.engine.optimizers import build_optimizer, weights_apart
from crs_core.engine.place import Place
from crs_core.engine.randomness import Randomness
from crs_core.engine.ratios import ScheduledRatios
from crs_core.engine.tasks import Task, make_task
from crs_core.models import Dropout, build_network
from crs_core.ops import Generators, Meter
from crs_core.rules import TrainingLength, layer_plan, training_length
from crs_core.spec import JobSpec


@dataclass(frozen=True)
class Parts:
    """The pieces of one training. Weights, optimizer, generators, meters and task change."""

    device: torch.device
    length: TrainingLength
    cost: Cost
    task: Task
    randomness: Randomness
    model: nn.Module
    optimizer: torch.optim.Optimizer
    ledger: Ledger
    ratios: ScheduledRatios
    precision: Callable[[], AbstractContextManager[object]]
    """Gives the context that the network runs in: bf16 where the spec says so."""

    def state_dict(self) -> dict[str, Any]:
        """Give all that changes."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generators": self.randomness.state_dict(),
            "meters": self.ledger.state_dict(),
            "task": self.task.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Set all that changes."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.randomness.load_state_dict(state["generators"])
        self.ledger.load_state_dict(state["meters"])
        self.task.load_state_dict(state["task"])


def assemble(spec: JobSpec, place: Place, device: torch.device) -> Parts:
    """Load the data and build network, optimizer and generators.

    Raises SpecError, DatasetError.
    """
    plan, length, cost = layer_plan(spec), training_length(spec), plan_cost(spec)
    randomness = Randomness(spec.seed, device)
    task = make_task(spec, place, randomness, device)
    facts, weights = FACTS[spec.dataset.name], randomness.once("weights")
    model = build_network(spec.model, facts, generator=weights)
    model = approximate(model.to(device), spec.approximation)
    _hand_out_generators(model, randomness)
    meters = {name: Meter() for name in crs_layers(model)}
    for name, layer in crs_layers(model).items():
        layer.meter = meters[name]
    return Parts(
        device=device,
        length=length,
        cost=cost,
        task=task,
        randomness=randomness,
        model=model.train(),
        optimizer=_optimizer(spec, model),
        ledger=Ledger(plan, cost, meters),
        ratios=ScheduledRatios(plan, crs_layers(model), length.steps),
        precision=_precision(spec, device),
    )


def _hand_out_generators(model: nn.Module, randomness: Randomness) -> None:
    """Give every module that draws (sampled layers, dropout) generators of its own name."""
    sampled = crs_layers(model)
    for name, module in model.named_modules():
        if name in sampled:
            sampled[name].generator = Generators(
                *(randomness.generator(f"sampling/{name}/{p}") for p in Generators._fields)
            )
        elif isinstance(module, Dropout):
            module.generator = randomness.generator(f"dropout/{name}")


def _optimizer(spec: JobSpec, model: nn.Module) -> torch.optim.Optimizer:
    training, parameters = spec.training, model.parameters()
    is_apart = training.weight_decay_on == "weights"
    return build_optimizer(
        training.optimizer, weights_apart(parameters) if is_apart else parameters
    )


def _precision(spec: JobSpec, device: torch.device) -> Callable[[], AbstractContextManager[object]]:
    if spec.training.precision == "fp32":
        return nullcontext
    return lambda: torch.autocast(device.type, dtype=torch.bfloat16)
