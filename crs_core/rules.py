"""From rules to the layer plan: which policy and ratios hold for each layer of a job's network.

Here also is checked what no single field of a spec can tell: that every rule finds a layer, that
the training fits its data, and the schedules of the rules the training.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from crs_core.data.facts import TextFacts, known
from crs_core.errors import FieldError, SpecError
from crs_core.layers import LSTM, Batched, LayerShape, layer_shapes
from crs_core.ratios import ratio_at, sampled_steps
from crs_core.spec import (
    MAX_STEPS,
    Cosine,
    Dataset,
    Gate,
    GPTModel,
    JobSpec,
    Linear,
    LSTMModel,
    Policy,
    RatioSchedule,
    Rule,
)

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
    schedule: RatioSchedule | None = None
    """How the ratios come about; None where they hold from the first step."""
    gates: tuple[Gate, ...] | None = None
    """Of a recurrent layer: whose product is sampled; None for all."""


@dataclass(frozen=True)
class TrainingLength:
    """How many examples and steps a training has."""

    train: int
    """Examples trained on, after `validation` and `train_limit`; of a text, words."""
    validation: int
    steps_per_epoch: int
    """Full batches; the examples left over sit out that epoch, and so do the words of a text."""
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
    does not fit the images, a schedule that does not fit the training, and what `training_length`
    raises.
    """
    errors = _not_for(spec.dataset)
    plan: tuple[LayerPlan, ...] = ()
    try:
        errors += _schedule_errors(spec.approximation, training_length(spec).steps)
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


def _not_for(dataset: Dataset) -> list[FieldError]:
    """Name the options of a data set that are for images only, if it has none."""
    facts = known()[dataset.name]
    asked = {"augmentation": dataset.augmentation is not None, "whiten": dataset.whiten}
    return [
        FieldError(
            f"dataset.{option}",
            f"`{option}` is for images, but {facts.name} is for {facts.task}; leave it out",
        )
        for option, is_asked in asked.items()
        if is_asked and facts.task != "classification"
    ]


def _planned(name: str, shape: LayerShape, rules: Sequence[Rule], index: int | None) -> LayerPlan:
    if index is None:
        return LayerPlan(name, shape)
    rule = rules[index]
    if rule.gates and not isinstance(shape, LSTM):
        raise SpecError.at(
            f"approximation.{index}.gates",
            f"only recurrent layers have gates, but {name} is of kind {shape.kind}; leave `gates` "
            "out, or name recurrent layers only",
        )
    if rule.policy.name == "meprop" and isinstance(shape, LSTM | Batched):
        raise SpecError.at(
            f"approximation.{index}.policy",
            f"policy 'meprop' is one of linear layers and convolutions, but {name} is of kind "
            f"{shape.kind}; choose another policy, or leave that layer exact by a rule",
        )
    return LayerPlan(
        name, shape, rule.policy, rule.forward, rule.backward, rule.min_samples, index,
        rule.schedule, rule.gates,
    )  # fmt: skip


def plan_at(plan: LayerPlan, step: int, steps: int) -> LayerPlan:
    """Give the plan of a layer with the ratios that hold at `step` of a training of `steps`."""
    return replace(
        plan,
        forward=ratio_at(plan.forward, plan.schedule, step, steps),
        backward=ratio_at(plan.backward, plan.schedule, step, steps),
    )


def _schedule_errors(rules: Sequence[Rule], steps: int) -> list[FieldError]:
    """Find schedules that leave nothing to sample, or go on after the last step they have."""
    errors: list[FieldError] = []
    for i, rule in enumerate(rules):
        schedule, at = rule.schedule, f"approximation.{i}.schedule"
        if schedule is None:
            continue
        sampled = sampled_steps(schedule, steps)
        if not sampled:
            errors.append(FieldError(at, _nothing_left(schedule, steps)))
            continue
        ends = {"end_step": schedule.end_step, "milestones": max(schedule.milestones, default=None)}
        errors += [
            FieldError(
                f"{at}.{field}",
                f"step {end} is past the last sampled step, {sampled[-1]} (of {steps} steps, "
                f"counted from 0); give at most {sampled[-1]}",
            )
            for field, end in ends.items()
            if end is not None and end > sampled[-1]
        ]
    return errors


def _nothing_left(schedule: RatioSchedule, steps: int) -> str:
    first, last = schedule.exact_first_steps, schedule.exact_last
    said = [f"the first {first} steps"] * (first > 0) + [f"the last {last:g}"] * (last > 0)
    given = ["`exact_first_steps`"] * (first > 0) + ["`exact_last`"] * (last > 0)
    return (
        f"{' and '.join(said)} of the training are exact, which leaves nothing of its {steps} "
        f"steps to sample; give a smaller {' or '.join(given)}"
    )


def split_sizes(dataset: Dataset) -> tuple[int, int]:
    """Count the examples (of a text, the words) for training and for validation.

    Raises SpecError where validation leaves nothing to train on, `train_limit` is more than it
    leaves, or `validation` is given for a text, which has that part.
    """
    facts = known()[dataset.name]
    if isinstance(facts, TextFacts):
        return _words(dataset, facts), facts.validation
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


def _words(dataset: Dataset, facts: TextFacts) -> int:
    """Count the words to train on."""
    if dataset.validation is not None:
        raise SpecError.at(
            "dataset.validation",
            f"{facts.name} has a validation part of its own, {facts.validation} words; leave "
            "`validation` out",
        )
    limit = dataset.train_limit
    if limit is not None and limit > facts.train:
        raise SpecError.at(
            "dataset.train_limit",
            f"{limit} words are asked for, but {facts.name} has {facts.train} to train on; give at "
            "most that, or leave `train_limit` out",
        )
    return limit or facts.train


def _sequences(words: int, rows: int, length: int) -> int:
    """Count the sequences of a row; each word is learned from those before, the first is not."""
    each, most_rows = words // rows, words // (length + 1)
    if each <= length:
        advice = f"shorten the sequence to at most {each - 1}"
        if each < 2:
            advice = "shorten the sequence and the batch"
        if most_rows:
            advice = f"shorten the sequence, or the batch to at most {most_rows}"
        raise SpecError.at(
            "model.sequence_length",
            f"a sequence of {length} words and the word that follows are longer than the text: its "
            f"{words} words in {rows} rows (`training.batch_size`) give {each} each; {advice}",
        )
    return (each - 1) // length


def training_length(spec: JobSpec) -> TrainingLength:
    """Count the examples and steps of a training. Batches are full, always.

    A text is cut into as many rows as a batch holds; each step takes the next `sequence_length`
    words of every row.

    Raises SpecError as `split_sizes` does, and where `batch_size` is more than the examples or less
    than the devices that share it, a sequence is longer than the text, the epochs come to more than
    MAX_STEPS, or the warm-up is longer than the training.
    """
    train, validation = split_sizes(spec.dataset)
    training, schedule = spec.training, spec.training.schedule
    if training.batch_size > train:
        raise SpecError.at(
            "training.batch_size",
            f"a batch of {training.batch_size} is more than the {train} training examples; "
            f"give at most {train}",
        )
    devices = spec.resources.devices
    if training.batch_size < devices:
        raise SpecError.at(
            "training.batch_size",
            f"a batch of {training.batch_size} can't be shared by {devices} devices "
            f"(`resources.devices`), since each takes at least one example; give at least "
            f"{devices}, or fewer devices",
        )
    steps_per_epoch = train // training.batch_size
    if isinstance(spec.model, LSTMModel | GPTModel):
        steps_per_epoch = _sequences(train, training.batch_size, spec.model.sequence_length)
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
