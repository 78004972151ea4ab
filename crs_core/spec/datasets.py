"""The data sets that a spec can name."""

from typing import Literal

from pydantic import Field

from crs_core.spec.parts import Part

DatasetName = Literal["digits", "mnist", "fashion-mnist", "cifar-10", "cifar-100"]


class Dataset(Part):
    """A data set and how much of its training part is held back for validation.

    `validation` is a count of examples; left out, the data set's own custom holds (5,000 of
    MNIST's 60,000).
    """

    name: DatasetName
    validation: int | None = Field(None, ge=1, le=10_000_000)
    train_limit: int | None = Field(
        None, ge=1, description="Use only the first so many training examples."
    )
