"""What this package offers, described. Api and supervisors import this file: no torch here."""

from math import prod

from pydantic import Field

from crs_core.layers import LayerShape, Linear
from crs_core.own import DataSet, Network
from crs_core.spec import Part


class ResidualMLP(Part):
    """Parameters of the network, with the limits and words that the form shows."""

    width: int = Field(48, ge=1, le=100_000, description="Features of every block.")
    blocks: int = Field(2, ge=1, le=100)


def layers(
    parameters: ResidualMLP, image: tuple[int, int, int], classes: int
) -> dict[str, LayerShape]:
    """Give the layers by the names of their modules, from input to output."""
    width = parameters.width
    shapes: dict[str, LayerShape] = {"embed": Linear(prod(image), width, needs_input_grad=False)}
    for i in range(parameters.blocks):
        shapes[f"blocks.{i}.expand"] = Linear(width, 2 * width)
        shapes[f"blocks.{i}.contract"] = Linear(2 * width, width)
    shapes["out"] = Linear(width, classes)
    return shapes


RESIDUAL_MLP = Network(
    title="Fully connected blocks, each added to its input",
    parameters=ResidualMLP,
    layers=layers,
    build="colrow_example.network:build",
)

TUMOURS = DataSet(
    title="Tumours, 30 measurements each, malignant or benign",
    input_shape=(1, 1, 30),
    classes=2,
    train=429,
    validation=60,
    test=140,
    load="colrow_example.data:load",
    source="W. Wolberg, O. Mangasarian, N. Street, W. Street, Breast Cancer Wisconsin "
    "(Diagnostic), UCI Machine Learning Repository, 1995, as scikit-learn ships it",
    license="CC BY 4.0",
)
