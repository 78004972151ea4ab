"""From rules to the layer plan: which policy and ratios hold for each layer of a job's network.

Here also is checked what no single field of a spec can tell: that every rule finds a layer, and
that the training fits its data.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from crs_core.data.facts import FACTS
from crs_core.errors import FieldError, SpecError
from crs_core.layers import LayerShape, layer_shapes
from crs_core.spec import MAX_STEPS, Cosine, Dataset, JobSpec, Linear, Policy, Rule

EXACT = Policy(name="exact")


@dataclass(frozen=True)
class LayerPlan:
    """What the rules resolve to for one layer."""

    name: str
    shape: LayerShape
    policy: Policy = EXACT
    forward: float = 1.0
    backward: float = 1.0
    min_samples: int = 1
    rule: int | None = None
    """Which rule of the spec holds, counted from 0; None where none does: exact."""


@dataclass(frozen=True)
class TrainingLength:
    """How many examples and steps a training has."""

    train: int
    """Examples trained on, after `validation` and `train_limit`."""
    validation: int
    steps_per_epoch: int
    """Full batches; the examples left over sit out that epoch."""
    steps: int
    """Of the whole training."""


def holding_rules(names: Iterable[str], rules: Sequence[Rule]) -> dict[str, int]:
    """Give for each layer name the index of the last rule that matches it; others are absent.

    Raises SpecError for rules that match no layer at all.
    """
    names = list(names)
    unmatched = [
        FieldError(
            f"approximation.{i}.layers",
            f"{rule.layers!r} matches no layer; there are: {', '.join(names) or 'none'}",
        )
        for i, rule in enumerate(rules)
        if not any(fnmatchcase(name, rule.layers) for name in names)
    ]
    if unmatched:
        raise SpecError(unmatched)
    return {
        name: i for name in names for i, rule in enumerate(rules) if fnmatchcase(name, rule.layers)
    }


def layer_plan(spec: JobSpec) -> tuple[LayerPlan, ...]:
    """Resolve the rules of a spec, layer by layer from input to output, and check the whole.

    Raises SpecError, which names every field at fault: a rule that matches no layer, a network that
    does not fit the images, and what `training_length` raises.
    """
    errors: list[FieldError] = []
    plan: tuple[LayerPlan, ...] = ()
    try:
        training_length(spec)
    except SpecError as error:
        errors += error.errors
    try:
        shapes = layer_shapes(spec)
        holding = holding_rules(shapes, spec.approximation)
        plan = tuple(
            _planned(name, shape, spec.approximation, holding.get(name))
            for name, shape in shapes.items()
        )
    except SpecError as error:
        errors += error.errors
    if errors:
        raise SpecError(errors)
    return plan


def _planned(name: str, shape: LayerShape, rules: Sequence[Rule], index: int | None) -> LayerPlan:
    if index is None:
        return LayerPlan(name, shape)
    rule = rules[index]
    return LayerPlan(name, shape, rule.policy, rule.forward, rule.backward, rule.min_samples, index)


def split_sizes(dataset: Dataset) -> tuple[int, int]:
    """Count the examples for training and for validation.

    Raises SpecError where validation leaves nothing to train on, or `train_limit` is more than it
    leaves.
    """
    facts = FACTS[dataset.name]
    validation = facts.validation if dataset.validation is None else dataset.validation
    rest = facts.train - validation
    if rest < 1:
        raise SpecError.at(
            "dataset.validation",
            f"{validation} examples for validation leave none to train on; {facts.name} has "
            f"{facts.train}, so give at most {facts.train - 1}",
        )
    if dataset.train_limit is not None and dataset.train_limit > rest:
        raise SpecError.at(
            "dataset.train_limit",
            f"{dataset.train_limit} examples are asked for, but {facts.name} has {rest} beside the "
            f"{validation} for validation; give at most {rest}, or leave `train_limit` out",
        )
    return dataset.train_limit or rest, validation


def training_length(spec: JobSpec) -> TrainingLength:
    """Count the examples and steps of a training. Batches are full, always.

    Raises SpecError as `split_sizes` does, and where `batch_size` is more than the examples, the
    epochs come to more than MAX_STEPS or the warm-up is longer than the training.
    """
    train, validation = split_sizes(spec.dataset)
    training, schedule = spec.training, spec.training.schedule
    if training.batch_size > train:
        raise SpecError.at(
            "training.batch_size",
            f"a batch of {training.batch_size} is more than the {train} training examples; "
            f"give at most {train}",
        )
    steps_per_epoch = train // training.batch_size
    steps = training.steps or (training.epochs or 0) * steps_per_epoch
    if steps > MAX_STEPS:
        raise SpecError.at(
            "training.epochs",
            f"{training.epochs} epochs of {steps_per_epoch} steps are {steps} steps, and a "
            f"training has at most {MAX_STEPS}; give at most {MAX_STEPS // steps_per_epoch} "
            "epochs, or a larger batch",
        )
    if isinstance(schedule, Cosine | Linear) and schedule.warmup_steps > steps:
        raise SpecError.at(
            "training.schedule.warmup_steps",
            f"a warm-up of {schedule.warmup_steps} steps is longer than the training, which has "
            f"{steps}; give at most {steps}",
        )
    return TrainingLength(train, validation, steps_per_epoch, steps)
