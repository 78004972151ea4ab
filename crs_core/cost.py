"""What a job costs in multiply-accumulates (MACs), exact and as its rules plan it.

The definition is the paper's (Adelman & Silberstein 2018, sections 3.3 and 5): the MACs of the
fully connected and convolutional products, forward and backward. Not counted are the gradient to
the network's input, which nobody needs, element-wise work, and sampling itself; nothing here tells
time. Gradients to an embedding's output and to a recurrent layer's initial state are counted. A
layer has three products:

    forward      contracts over input features, or the input channels of a group
    grad_input   contracts over output features, or the output channels of a group
    grad_weight  contracts over the examples of the batch (every position of them, if linear)

A recurrent layer has them at each of its time steps: its input features are those of [x, h], and
its output features those of the gates that are sampled; the other gates are exact. In a batched
product A B of one head grad_input is that of A and contracts over the columns of B, grad_weight is
that of B and contracts over the rows of A.

The pairs S kept in the forward product are the only ones that the gradients see, so both gradient
products shrink by the same share before `backward` samples them again. `meprop` drops output
features (channels) from both gradient products, so there these are the pairs of grad_weight too.

Devices that share a batch sample each on its own shard. So `min_samples` examples stay on each of
them, where a single device keeps as many of the whole batch: the more devices, the less is saved in
grad_weight. Costs are of all devices together.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import prod
from typing import get_args

from crs_core.errors import RatioError
from crs_core.events import Product
from crs_core.layers import LSTM, Batched, Conv2d, LayerShape, Linear
from crs_core.ratios import ratio_by_step, runs, sampled_steps
from crs_core.rules import LayerPlan, layer_plan, training_length
from crs_core.shards import shards
from crs_core.spec import Gate, JobSpec, Policy

GATES: tuple[Gate, ...] = get_args(Gate)


def budget(n: int, ratio: float, min_samples: int) -> int:
    """Give k, how many of n pairs are kept: min(n, max(min_samples, round(ratio n))).

    Python's `round`, halves to even. Where k = n the exact product is taken.
    """
    if not 0 < ratio <= 1:
        raise RatioError(
            f"a ratio is the share of pairs to keep, above 0 and at most 1; got {ratio}"
        )
    return min(n, max(min_samples, round(ratio * n)))


@dataclass(frozen=True)
class ProductCost:
    """One product of one layer, in one training step at the ratios that its rule says."""

    layer: str
    product: Product
    policy: Policy
    ratio: float
    """Nominal, as the rule says; in the gradient products it comes on top of the forward ratio."""
    pairs: int
    """Pairs there are (per group, time step or head); examples, on all devices together."""
    k: int
    """Pairs kept, likewise; with `coverage` at most, for `bernoulli` on
    average: it draws a number of pairs for each group (head), and all are filled up to the largest,
    so with several groups more MACs are performed than are planned."""
    exact_macs: int
    planned_macs: int
    planned_total: int | None = None
    """MACs planned over all steps of the training, schedule included; None from `layer_cost`."""


@dataclass(frozen=True)
class Cost:
    """MACs of a whole training; `layers` holds each product in one step, input to output."""

    exact_macs: int
    planned_macs: int
    steps: int
    steps_per_epoch: int
    layers: tuple[ProductCost, ...]

    @property
    def reduction(self) -> float:
        """The planned compute reduction, 1 - planned/exact; the least there is if `is_bound`."""
        return 1 - self.planned_macs / self.exact_macs

    @property
    def is_bound(self) -> bool:
        """Whether `planned_macs` is the most: some policy may keep fewer pairs (`coverage`)."""
        return any(p.policy.coverage is not None for p in self.layers)


def plan_cost(spec: JobSpec) -> Cost:
    """Count the MACs of the training that a spec describes.

    Raises SpecError as `layer_plan` does.
    """
    plan, length = layer_plan(spec), training_length(spec)
    layers = tuple(
        product
        for layer in plan
        for product in training_cost(
            layer, spec.training.batch_size, length.steps, devices=spec.resources.devices
        )
    )
    return Cost(
        exact_macs=length.steps * sum(p.exact_macs for p in layers),
        planned_macs=sum(p.planned_total or 0 for p in layers),
        steps=length.steps,
        steps_per_epoch=length.steps_per_epoch,
        layers=layers,
    )


def training_reduction(products: Iterable[ProductCost], steps: int) -> float:
    """Give the planned reduction of some products of `plan_cost`, over a training of `steps`."""
    products = tuple(products)
    exact = steps * sum(p.exact_macs for p in products)
    return 1 - sum(p.planned_total or 0 for p in products) / exact


def training_cost(
    plan: LayerPlan, batch: int, steps: int, *, devices: int = 1
) -> tuple[ProductCost, ...]:
    """Count the products of one layer, with their totals over a training of `steps`.

    Steps in which every product keeps the same number of pairs are counted together, so the cost
    grows with how often that number changes, and with the length only as its logarithm.
    """
    products = layer_cost(plan, batch, devices=devices)
    if plan.schedule is None:
        return tuple(replace(p, planned_total=steps * p.planned_macs) for p in products)
    forward = ratio_by_step(plan.forward, plan.schedule, steps)
    backward = ratio_by_step(plan.backward, plan.schedule, steps)
    on_each = [p for size in _sizes(batch, devices) for p in _on_one_device(plan, size)]
    forward_pairs = {p.pairs for p in on_each if p.product == "forward"}
    backward_pairs = {p.pairs for p in on_each if p.product != "forward"}

    def kept_at(step: int) -> tuple[int, ...]:
        ahead, back = forward(step), backward(step)
        return (
            *[budget(n, ahead, plan.min_samples) for n in forward_pairs],
            *[budget(n, back, plan.min_samples) for n in backward_pairs],
        )

    totals = [0] * len(products)
    sampled = sampled_steps(plan.schedule, steps)
    for phase in (range(sampled.start), sampled, range(sampled.stop, steps)):
        step = phase.start
        for count, _ in runs(kept_at, phase):
            now = replace(plan, forward=forward(step), backward=backward(step))
            for i, product in enumerate(layer_cost(now, batch, devices=devices)):
                totals[i] += count * product.planned_macs
            step += count
    return tuple(replace(p, planned_total=t) for p, t in zip(products, totals, strict=True))


def layer_cost(plan: LayerPlan, batch: int, *, devices: int = 1) -> tuple[ProductCost, ...]:
    """Count the products of one layer in one step; a layer without input gradient has two."""
    if devices == 1:
        return _on_one_device(plan, batch)
    counts = _sizes(batch, devices)
    of_sizes = [_on_one_device(plan, size) for size in counts]
    return tuple(
        _together(alike, list(counts.values()), divided=alike[0].product in divided(plan))
        for alike in zip(*of_sizes, strict=True)
    )


def divided(plan: LayerPlan) -> frozenset[Product]:
    """Name the products of a layer whose pairs are examples, which devices divide among them."""
    if plan.policy.name == "meprop" or isinstance(plan.shape, Batched):
        return frozenset()
    return frozenset({"grad_weight"})


def _sizes(batch: int, devices: int) -> Counter[int]:
    """Count the shards of each size; there are two sizes at most."""
    return Counter(shard.size for shard in shards(batch, devices))


def _together(alike: tuple[ProductCost, ...], counts: list[int], *, divided: bool) -> ProductCost:
    """Add up one product as it is on shards of some sizes, of which there are `counts`."""

    def total(numbers: Iterable[int]) -> int:
        return sum(count * number for count, number in zip(counts, numbers, strict=True))

    return replace(
        alike[0],
        pairs=total(p.pairs for p in alike) if divided else alike[0].pairs,
        k=total(p.k for p in alike) if divided else alike[0].k,
        exact_macs=total(p.exact_macs for p in alike),
        planned_macs=total(p.planned_macs for p in alike),
    )


def _on_one_device(plan: LayerPlan, batch: int) -> tuple[ProductCost, ...]:
    """Count the products of one layer in one step on a shard of `batch` examples."""
    size = _size(plan.shape, batch, len(plan.gates or GATES))
    k_forward = budget(size.inputs, plan.forward, plan.min_samples)
    products: list[ProductCost] = []

    def add(product: Product, ratio: float, pairs: int, *, on_kept: bool) -> None:
        k = budget(pairs, ratio, plan.min_samples)
        planned = size.macs // pairs * k
        if on_kept:
            planned = planned // size.inputs * k_forward
        products.append(
            ProductCost(
                plan.name,
                product,
                plan.policy,
                ratio,
                pairs,
                k,
                size.macs + size.exact_macs,
                planned + size.exact_macs,
            )
        )

    add("forward", plan.forward, size.inputs, on_kept=False)
    if plan.shape.needs_input_grad:
        add("grad_input", plan.backward, size.outputs, on_kept=True)
    examples = size.outputs if plan.policy.name == "meprop" else size.examples
    add("grad_weight", plan.backward, examples, on_kept=True)
    return tuple(products)


@dataclass(frozen=True)
class _Size:
    """The pairs of the three products, and the MACs of any one of them: all three cost the same."""

    inputs: int
    outputs: int
    examples: int
    macs: int
    exact_macs: int = 0
    """Beside them, of gates that are not sampled."""


def _size(shape: LayerShape, batch: int, gates: int) -> _Size:
    match shape:
        case Linear(in_features=n, out_features=o, positions=positions):
            rows = batch * positions
            return _Size(n, o, rows, rows * n * o)
        case Conv2d(groups=groups):
            inputs = shape.in_channels // groups
            outputs = shape.out_channels // groups
            window = prod(shape.kernel_size) * prod(shape.out_size)
            return _Size(inputs, outputs, batch, batch * groups * inputs * outputs * window)
        case LSTM(in_features=n, hidden=hidden, steps=steps):
            of_gate = batch * steps * (n + hidden) * hidden
            return _Size(
                n + hidden,
                gates * hidden,
                batch,
                gates * of_gate,
                exact_macs=(len(GATES) - gates) * of_gate,
            )
        case Batched(count=count, rows=rows, inner=inner, columns=columns):
            return _Size(inner, columns, rows, batch * count * rows * inner * columns)
