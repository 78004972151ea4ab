"""What the MLP's initial weights change: the paper does not say how it draws them."""

from typing import Any

from colrow.reproduction import mnist
from colrow.reproduction.parts import Experiment, NoLoss, Number, Recipe, Setting


def _as_in_tensorflow(spec: Any) -> dict[str, Any]:
    return {**spec, "model": {**spec["model"], "initial_weights": "truncated_normal"}}


_TENSORFLOW = Recipe(
    "MLP on MNIST, truncated normal",
    full=_as_in_tensorflow(mnist.MLP.full),
    quick=_as_in_tensorflow(mnist.MLP.quick),
)
_EXACT = Setting(_TENSORFLOW, "exact", seeds=5, quick_seeds=1)
_TABLE2 = Setting(
    _TENSORFLOW, mnist.MLP_TABLE2.series, mnist.MLP_TABLE2.rules, seeds=5, quick_seeds=1
)

INITIAL_WEIGHTS = Experiment(
    "initial-weights",
    "The MLP's initial weights: torch's own, or those of TensorFlow's tutorial",
    "The paper does not say how its MLP begins. Elsewhere in this report it begins as in torch, "
    "uniform within 1/√(inputs); here also with N(0, 0.1) cut at 0.2 and biases of 0.1, as in the "
    "code that the paper names for its CNN. 20 epochs, five seeds, about two minutes a job on one "
    "core. Seeds share the order of the data, and no initial weights.",
    (mnist.MLP_EXACT, mnist.MLP_TABLE2, _EXACT, _TABLE2),
    (
        Number("so begun the exact MLP reaches 98.16 %", _EXACT, 0.9816, mnist.POINTS),
        Number("so begun it reaches 98.1 % with 79 % less compute", _TABLE2, 0.981, mnist.POINTS),
        NoLoss("so begun it loses little with 79 % less compute", _TABLE2, _EXACT, mnist.MARGIN),
        NoLoss("exact loses nothing to torch's weights", _EXACT, mnist.MLP_EXACT, mnist.MARGIN),
    ),
    priority=35,
    of_paper=False,
)
