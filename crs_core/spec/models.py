"""The networks that a spec can name, and their sizes."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self, get_args

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from crs_core.spec.names import ModelName
from crs_core.spec.own import OwnModel
from crs_core.spec.parts import Part, Sizes

InitialWeights = Annotated[
    Literal["uniform", "truncated_normal"],
    Field(
        description="uniform: torch's own, ±1/√(inputs of an output). truncated_normal: N(0, 0.1) "
        "cut at ±0.2 and biases of 0.1, as in TensorFlow's MNIST tutorial."
    ),
]


class MLPModel(Part):
    """Fully connected network with ReLU between its layers, named fc1, fc2, …"""

    name: Literal["mlp"] = "mlp"
    hidden: Sizes = Field((500, 500), min_length=1, max_length=32)
    dropout: float = Field(0.0, ge=0, lt=1, description="Behind every hidden layer.")
    initial_weights: InitialWeights = "uniform"


class CNNModel(Part):
    """Convolutions with ReLU and 2 x 2 max pooling (conv1, conv2, …), then fc1, dropout, fc2."""

    name: Literal["cnn"] = "cnn"
    channels: Sizes = Field((32, 64), min_length=1, max_length=8)
    kernel_size: int = Field(5, ge=1, le=31)
    hidden: int = Field(1024, ge=1, le=1_000_000)
    dropout: float = Field(0.5, ge=0, lt=1)
    initial_weights: InitialWeights = "uniform"

    @field_validator("kernel_size")
    @classmethod
    def _odd(cls, value: int) -> int:
        if value % 2 == 0:
            raise ValueError(
                f"kernel_size must be odd, so that padding keeps the size; got {value}"
            )
        return value


class WRNModel(Part):
    """Wide ResNet: conv1, three groups of residual blocks (group1.block1.conv1, …), then fc.

    28-10 is the paper's. `group[23].*` are the convolutions with 320 and 640 filters there.
    """

    name: Literal["wrn"] = "wrn"
    depth: int = Field(28, ge=10, le=1_000, description="6 n + 4: n blocks in each group.")
    width: int = Field(10, ge=1, le=1_000, description="16, 32 and 64 filters times this.")
    shortcut: Literal["pool", "conv"] = Field(
        "pool",
        description="Where sizes change: average and fill up with zeros, or a 1 x 1 convolution.",
    )
    leakiness: float = Field(0.1, ge=0, lt=1, description="Slope of ReLU below 0.")

    @field_validator("depth")
    @classmethod
    def _whole_blocks(cls, value: int) -> int:
        if value % 6 != 4:
            below, above = value - (value - 4) % 6, value - (value - 4) % 6 + 6
            raise ValueError(
                f"depth must be 6 n + 4 for n blocks in each of the three groups; got {value}, so "
                f"give {below} or {above}"
            )
        return value


class LSTMModel(Part):
    """Recurrent language model: embedding, lstm1, lstm2, … and output, with dropout between them.

    Trained on `sequence_length` words at a time; the state is carried over to the next batch.
    """

    name: Literal["lstm"] = "lstm"
    hidden: int = Field(650, ge=1, le=65_536, description="Width of the embedding and the layers.")
    layers: int = Field(2, ge=1, le=32)
    sequence_length: int = Field(35, ge=1, le=65_536, description="Words that a step unrolls.")
    dropout: float = Field(0.5, ge=0, lt=1, description="On the connections that do not recur.")
    tied: bool = Field(default=False, description="One weight for embedding and output.")


class GPTModel(Part):
    """Decoder-only transformer: embedding, block1, block2, … and output, normalised beforehand.

    A word sees the words before it in its window of `sequence_length`, no others.
    """

    name: Literal["gpt"] = "gpt"
    width: int = Field(128, ge=1, le=65_536)
    depth: int = Field(4, ge=1, le=256)
    heads: int = Field(4, ge=1, le=1024)
    sequence_length: int = Field(64, ge=1, le=65_536, description="Words of a window.")
    dropout: float = Field(0.1, ge=0, lt=1)
    sampled_attention: bool = Field(
        default=False, description="Make the two products of attention layers that rules see."
    )

    @model_validator(mode="after")
    def _heads_share_the_width(self) -> Self:
        if self.width % self.heads:
            raise ValueError(
                f"heads share the width evenly, but {self.width} is no multiple of {self.heads}; "
                "change `width` or `heads`"
            )
        return self


OurModel = Annotated[
    MLPModel | CNNModel | WRNModel | LSTMModel | GPTModel, Field(discriminator="name")
]


def _whose(value: object) -> str:
    """Tell ours from a package's by the name; what has no name is judged as one of ours."""
    name = value.get("name") if isinstance(value, Mapping) else getattr(value, "name", None)
    is_own = isinstance(name, str) and name not in get_args(ModelName)
    return "own" if is_own else "ours"


Model = Annotated[
    Annotated[OurModel, Tag("ours")] | Annotated[OwnModel, Tag("own")], Discriminator(_whose)
]
