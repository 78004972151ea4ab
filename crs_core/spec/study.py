"""A study as data: the error of approximate products on matrices of random entries.

Section 3.2 of Adelman & Silberstein 2018 and its Figures 1a and 1b, and the same for a convolution.
A study has one method and a list of ratios; a sweep over methods makes a figure.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from crs_core.spec.job import Resources
from crs_core.spec.own import STORED
from crs_core.spec.parts import Part, as_tuple
from crs_core.spec.policies import Policy, PolicyName, as_policy
from crs_core.spec.ratios import Ratio

Size = Annotated[int, Field(ge=1, le=1_000_000)]


class MatrixProduct(Part):
    """A product A B of an m x n and an n x p matrix; its pairs are columns of A, rows of B."""

    name: Literal["matmul"] = "matmul"
    m: Size = Field(100, description="Rows of A.")
    n: Size = Field(100, description="Columns of A and rows of B: the pairs there are.")
    p: Size = Field(100, description="Columns of B.")


class Convolution(Part):
    """A convolution at stride 1 of square images and square kernels; its pairs are channels."""

    name: Literal["conv2d"] = "conv2d"
    batch: Size = Field(4, description="Images.")
    channels: Size = Field(32, description="Input channels: the pairs there are.")
    image_size: Size = Field(16, description="Height and width of an image.")
    filters: Size = Field(24, description="Output channels.")
    kernel_size: int = Field(3, ge=1, le=99, description="Height and width of a kernel.")
    padding: int = Field(1, ge=0, le=99, description="Zeros around an image.")

    @model_validator(mode="after")
    def _kernel_fits(self) -> Self:
        if self.kernel_size > self.image_size + 2 * self.padding:
            raise ValueError(
                f"a kernel of {self.kernel_size} does not fit images of {self.image_size} with "
                f"{self.padding} zeros around; give a smaller `kernel_size` or more `padding`"
            )
        return self

    @property
    def output_size(self) -> int:
        """Height and width of the result."""
        return self.image_size + 2 * self.padding - self.kernel_size + 1


Operation = Annotated[MatrixProduct | Convolution, Field(discriminator="name")]


class NormalEntries(Part):
    """Independent entries, normal with this mean and standard deviation."""

    name: Literal["normal"] = "normal"
    mean: float = Field(0.0, ge=-1e6, le=1e6)
    std: float = Field(1.0, ge=0, le=1e6)

    @model_validator(mode="after")
    def _is_not_zero(self) -> Self:
        if self.mean == self.std == 0:
            raise ValueError(
                "mean and std of 0 give matrices of zeros, to which no error is relative; give one "
                "of the two"
            )
        return self

    def __str__(self) -> str:
        return f"normal({self.mean:g},{self.std:g})"

    @property
    def is_non_negative(self) -> bool:
        """Whether no entry can be below 0."""
        return self.std == 0 and self.mean >= 0


class UniformEntries(Part):
    """Independent entries, uniform from `low` to `high`."""

    name: Literal["uniform"] = "uniform"
    low: float = Field(0.0, ge=-1e6, le=1e6)
    high: float = Field(1.0, ge=-1e6, le=1e6)

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"`low` must be below `high`; got {self.low:g} and {self.high:g}")
        return self

    def __str__(self) -> str:
        return f"uniform({self.low:g},{self.high:g})"

    @property
    def is_non_negative(self) -> bool:
        """Whether no entry can be below 0."""
        return self.low >= 0


class ExponentialEntries(Part):
    """Independent entries, exponential with this mean: never negative, some large."""

    name: Literal["exponential"] = "exponential"
    mean: float = Field(1.0, gt=0, le=1e6)

    def __str__(self) -> str:
        return f"exponential({self.mean:g})"

    @property
    def is_non_negative(self) -> bool:
        """Whether no entry can be below 0."""
        return True


Entries = NormalEntries | UniformEntries | ExponentialEntries
Distribution = Annotated[Entries, Field(discriminator="name")]


class RandomProjection(Part):
    """A R Rᵀ B with an n x k matrix R of random entries: independent normal ones, or signs."""

    name: Literal["random_projection"] = "random_projection"
    entries: Literal["normal", "sign"] = "normal"


class TruncatedSVD(Part):
    """A of rank k by its singular value decomposition, times B."""

    name: Literal["svd"] = "svd"


class CountSketch(Part):
    """Compressed matrix multiplication (Pagh 2013): a sketch of the product, by way of the FFT."""

    name: Literal["count_sketch"] = "count_sketch"
    buckets_per_pair: int = Field(
        4,
        ge=1,
        le=100_000,
        description="Buckets for each of the k pairs. With 4 a sketch costs, at 100 x 100, about "
        "what k pairs do.",
    )
    repetitions: int = Field(
        1, ge=1, le=99, description="Independent sketches, odd; an entry is their median."
    )

    @model_validator(mode="after")
    def _odd(self) -> Self:
        if self.repetitions % 2 == 0:
            raise ValueError(
                f"`repetitions` must be odd, so that there is a middle one; got {self.repetitions}"
            )
        return self


class RandomWalk(Part):
    """Walks from row to pair to column (Cohen & Lewis 1999), for non-negative matrices."""

    name: Literal["random_walk"] = "random_walk"
    walks_per_pair: int = Field(
        8,
        ge=1,
        le=100_000,
        description="Walks from each row for each of the k pairs. With 8 they cost, at 100 x 100, "
        "about what k pairs do.",
    )


OtherMethod = RandomProjection | TruncatedSVD | CountSketch | RandomWalk
OtherName = Literal["random_projection", "svd", "count_sketch", "random_walk"]
Method = Annotated[
    Annotated[Policy | OtherMethod, Field(discriminator="name")],
    BeforeValidator(
        as_policy, json_schema_input_type=PolicyName | OtherName | Policy | OtherMethod
    ),
]

SPECTRAL_DRAWS = 100

_NORMAL = NormalEntries()
_TWENTIETHS = tuple(k / 20 for k in range(1, 21))


class StudySpec(Part):
    """How far approximate products of random matrices are from the exact ones, ratio by ratio."""

    kind: Literal["matmul_error"]
    operation: Operation = MatrixProduct()
    distribution: Distribution = Field(
        _NORMAL, description="Of the entries of A, or of the images."
    )
    distribution_b: Distribution | None = Field(
        None, description="Of the entries of B, or of the kernels; left out: the same."
    )
    method: Method = Field(description="A policy or an alternative to sampling, or just its name.")
    score: Literal["norms", "optimal"] = Field(
        "norms",
        description="`norms` is Eq. 8; `optimal`, of a convolution alone, the norm of each "
        "channel's own convolution (Eq. 7), which is too expensive to train with.",
    )
    ratios: Annotated[tuple[Ratio, ...], BeforeValidator(as_tuple)] = Field(
        _TWENTIETHS, min_length=1, max_length=1000, description="Shares of pairs, rising."
    )
    draws: int = Field(1000, ge=1, le=10_000_000, description="Of each ratio.")
    spectral_draws: int = Field(
        SPECTRAL_DRAWS,
        ge=0,
        le=10_000_000,
        description="How many of them measure the spectral error too, at most all: singular values "
        "take longer than the product.",
    )
    matrices: Literal["one", "fresh"] = Field(
        "fresh", description="One pair of matrices for all draws, or new ones for each draw."
    )
    resources: Resources = Resources()
    seed: int = Field(0, ge=0, le=2**63 - 1)

    @property
    def distributions(self) -> tuple[Entries, Entries]:
        """Of the first and the second factor."""
        return self.distribution, self.distribution_b or self.distribution

    @model_validator(mode="before")
    @classmethod
    def _as_many_spectral_draws_as_there_are(cls, data: Any) -> Any:
        draws = data.get("draws") if isinstance(data, Mapping) else None
        if isinstance(draws, int) and 0 < draws < SPECTRAL_DRAWS:
            return {"spectral_draws": draws, **data}
        return data

    @field_validator("spectral_draws")
    @classmethod
    def _some_of_the_draws(cls, value: int, info: ValidationInfo) -> int:
        draws = info.data.get("draws")
        if draws is not None and value > draws and info.context != STORED:
            raise ValueError(
                f"this says how many of the {draws} `draws` measure the spectral error too: give "
                f"at most {draws}, or more `draws`; got {value}"
            )
        return value

    @field_validator("resources")
    @classmethod
    def _one_device(cls, value: Resources, info: ValidationInfo) -> Resources:
        if value.devices > 1 and info.context != STORED:
            raise ValueError(
                "a study measures on one device, there is nothing to share: leave `devices` out; "
                f"got {value.devices}"
            )
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        method, is_policy = self.method, isinstance(self.method, Policy)
        if method.name == "meprop":
            raise ValueError(
                "policy 'meprop' samples the gradients of a training; a study has one product: "
                "choose another `method`"
            )
        if isinstance(method, Policy) and (method.coverage, method.refresh_every) != (None, 1):
            raise ValueError(
                "a study keeps the pairs that its ratio says, and scores them anew in each draw: "
                "leave out `coverage` and `refresh_every`"
            )
        if self.score == "optimal" and self.operation.name != "conv2d":
            raise ValueError(
                "the score 'optimal' is of a convolution; in a matrix product it is the same as "
                "'norms': leave `score` out"
            )
        if self.score == "optimal" and method.name in ("exact", "uniform"):
            raise ValueError(f"policy {method.name!r} looks at no scores: leave `score` out")
        if not is_policy and self.operation.name != "matmul":
            raise ValueError(
                f"the method {method.name!r} is for matrix products; choose `operation: {{name: "
                "matmul}`, or a policy"
            )
        negative = [str(d) for d in self.distributions if not d.is_non_negative]
        if isinstance(method, RandomWalk) and negative:
            raise ValueError(
                f"the method 'random_walk' needs matrices without negative entries, and "
                f"{negative[0]} has some; choose exponential, or uniform with `low` of 0 or more"
            )
        if any(a >= b for a, b in pairwise(self.ratios)):
            raise ValueError("the `ratios` must rise, each above the one before")
        return self
