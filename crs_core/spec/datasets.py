"""The data sets that a spec can name."""

from typing import Literal, Self

from pydantic import Field, model_validator

from crs_core.spec.parts import Part

DatasetName = Literal["digits", "mnist", "fashion-mnist", "cifar-10", "cifar-100"]


class Augmentation(Part):
    """Random changes of the training images, drawn anew for every batch."""

    crop_padding: int = Field(
        0, ge=0, le=1_000, description="Zeros on every side, before a crop of the image's own size."
    )
    flip: bool = Field(default=False, description="Mirror every other image, left to right.")

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.crop_padding and not self.flip:
            raise ValueError(
                "an augmentation without `crop_padding` and `flip` changes nothing; give one of "
                "them, or leave `augmentation` out"
            )
        return self


class Dataset(Part):
    """A data set and how much of its training part is held back for validation.

    `validation` is a count of examples; left out, the data set's own custom holds (5,000 of
    MNIST's 60,000, 5,000 of CIFAR's 50,000). It can't be 0: the best epoch would have to be chosen
    by the test examples.
    """

    name: DatasetName
    validation: int | None = Field(None, ge=1, le=10_000_000)
    train_limit: int | None = Field(
        None, ge=1, description="Use only the first so many training examples."
    )
    augmentation: Augmentation | None = Field(
        None, description="Images only: random crops and flips in training."
    )
    whiten: bool = Field(
        default=False,
        description="Images only: give each image mean 0 and deviation 1, in evaluation too.",
    )
