"""The data sets that a spec can name."""

from typing import Literal, Self

from pydantic import Field, model_validator

from crs_core.spec.parts import Part

DatasetName = Literal[
    "digits", "mnist", "fashion-mnist", "cifar-10", "cifar-100", "ptb", "wikitext-2", "pydoc"
]


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
    """A data set and how much of its training part is used.

    `validation` is a count of images held back from training; left out, the data set's own custom
    holds (5,000 of MNIST's 60,000, 5,000 of CIFAR's 50,000). It can't be 0: the best epoch would
    have to be chosen by the test examples. Texts have a validation part of their own.
    """

    name: DatasetName
    validation: int | None = Field(
        None, ge=1, le=10_000_000, description="Images held back for validation."
    )
    train_limit: int | None = Field(
        None, ge=1, description="Use only the first so many training examples (of a text, words)."
    )
    augmentation: Augmentation | None = Field(
        None, description="Images only: random crops and flips in training."
    )
    whiten: bool = Field(
        default=False,
        description="Images only: give each image mean 0 and deviation 1, in evaluation too.",
    )
