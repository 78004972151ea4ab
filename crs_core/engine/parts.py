"""Everything a training is made of, put together from the spec."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from crs_core.convert import approximate, crs_layers
from crs_core.cost import Cost, plan_cost
from crs_core.data.facts import known
from crs_core.engine.batchnorm import normalise_together
from crs_core.engine.ledger import Ledger
from crs_core.engine.optimizers import build_optimizer, weights_apart
from crs_core.engine.place import Place
from crs_core.engine.randomness import Randomness
from crs_core.engine.ranks import Ranks
from crs_core.engine.ratios import ScheduledRatios
from crs_core.engine.tasks import Task, make_task
from crs_core.models import Dropout, build_network
from crs_core.ops import Generators, Meter
from crs_core.rules import TrainingLength, layer_plan, training_length
from crs_core.spec import JobSpec, OwnModel


@dataclass(frozen=True)
class Parts:
    """The pieces of one training. Weights, optimizer, generators, meters and task change."""

    device: torch.device
    ranks: Ranks
    length: TrainingLength
    cost: Cost
    task: Task
    randomness: Randomness
    model: nn.Module
    network: nn.Module
    """The same, to run a batch with: where several ranks share it, gradients become their mean."""
    weight: Tensor | None
    """What the gradient of a rank's loss counts in that mean; None for 1."""
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
            "memories": {n: m.memory.state_dict() for n, m in crs_layers(self.model).items()},
            **self.own_state(),
        }

    def own_state(self) -> dict[str, Any]:
        """Give what changes and is not the same on all ranks."""
        return {
            "generators": self.randomness.state_dict(),
            "meters": self.ledger.state_dict(),
            "task": self.task.state_dict(),
        }

    def load_state_dict(
        self, state: Mapping[str, Any], others: Sequence[Mapping[str, Any]]
    ) -> None:
        """Set all that changes; `others` holds the own states of the ranks behind the first."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        for name, layer in crs_layers(self.model).items():
            layer.memory.load_state_dict(state["memories"][name], self.device)
        own = state if self.ranks.is_first else others[self.ranks.rank - 1]
        self.randomness.load_state_dict(own["generators"])
        self.ledger.load_state_dict(own["meters"])
        self.task.load_state_dict(own["task"])


def assemble(spec: JobSpec, place: Place, device: torch.device, ranks: Ranks) -> Parts:
    """Load the data and build network, optimizer and generators.

    Raises SpecError, DatasetError.
    """
    plan, length, cost = layer_plan(spec), training_length(spec), plan_cost(spec)
    randomness = Randomness(spec.seed, device)
    task = make_task(spec, place, randomness, device, ranks)
    facts, weights = known()[spec.dataset.name], randomness.once("weights")
    model = build_network(spec.model, facts, generator=weights)
    model = channels_last(approximate(model.to(device), spec.approximation))
    if ranks.count > 1:
        model = normalise_together(model, device)
    _hand_out_generators(model, randomness, ranks, spec.training.batch_size)
    meters = {name: Meter() for name in crs_layers(model)}
    for name, layer in crs_layers(model).items():
        layer.meter = meters[name]
    model.train()
    return Parts(
        device=device,
        ranks=ranks,
        length=length,
        cost=cost,
        task=task,
        randomness=randomness,
        model=model,
        network=model if ranks.count == 1 else _in_parallel(spec, model, device),
        weight=_weight(ranks, spec.training.batch_size, device),
        optimizer=_optimizer(spec, model),
        ledger=Ledger(plan, cost, meters, ranks),
        ratios=ScheduledRatios(plan, crs_layers(model), length.steps),
        precision=_precision(spec, device),
    )


def _hand_out_generators(
    model: nn.Module, randomness: Randomness, ranks: Ranks, batch_size: int
) -> None:
    """Give every module that draws (sampled layers, dropout) generators of its own name.

    Ranks sample each on its own; the masks of dropout are drawn by all alike, for all.
    """
    sampled = crs_layers(model)
    rank = "" if ranks.is_first else f"/rank-{ranks.rank}"
    for name, module in model.named_modules():
        if name in sampled:
            sampled[name].generator = Generators(
                *(randomness.generator(f"sampling/{name}/{p}{rank}") for p in Generators._fields)
            )
        elif isinstance(module, Dropout):
            module.generator = randomness.generator(f"dropout/{name}")
            module.shard = ranks.shard(batch_size)


def channels_last(model: nn.Module) -> nn.Module:
    """Store kernels with the channels of one place together; images then come to lie so as well.

    Pooling and convolutions take up to a tenth of the time so on a CPU, and tensor cores want it.
    Parameters stay the same objects, with the same shapes.
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            weight = module.weight.data
            # Not `contiguous`: for a single channel that changes nothing, and images would not
            # come to lie so.
            module.weight.data = torch.empty_like(weight, memory_format=torch.channels_last).copy_(
                weight
            )
    return model


def _in_parallel(spec: JobSpec, model: nn.Module, device: torch.device) -> nn.Module:
    """Have gradients become their mean over the ranks, while they are computed.

    Otherwise gradients are put together anew after the first step, also after the first of a
    training that goes on from a checkpoint: from three ranks on, sums are then taken in another
    order, and its last bits differ. Looking for unused parameters keeps the order as it is, and
    costs less on a CPU than what it looks at. Networks of packages may really have some.
    """
    keeps_order = device.type == "cpu" or isinstance(spec.model, OwnModel)
    return DistributedDataParallel(
        model, gradient_as_bucket_view=True, find_unused_parameters=keeps_order
    )


def _weight(ranks: Ranks, batch_size: int, device: torch.device) -> Tensor | None:
    """Give what a mean over ranks has to be weighted by to be the mean over the batch."""
    if ranks.count == 1:
        return None
    return torch.tensor(ranks.shard(batch_size).share * ranks.count, device=device)


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
