"""The networks that a spec can name, and their sizes."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from crs_core.spec.parts import Part, Sizes

ModelName = Literal["mlp", "cnn", "wrn"]


class MLPModel(Part):
    """Fully connected network with ReLU between its layers, named fc1, fc2, …"""

    name: Literal["mlp"] = "mlp"
    hidden: Sizes = Field((500, 500), min_length=1, max_length=32)


class CNNModel(Part):
    """Convolutions with ReLU and 2 x 2 max pooling (conv1, conv2, …), then fc1, dropout, fc2."""

    name: Literal["cnn"] = "cnn"
    channels: Sizes = Field((32, 64), min_length=1, max_length=8)
    kernel_size: int = Field(5, ge=1, le=31)
    hidden: int = Field(1024, ge=1, le=1_000_000)
    dropout: float = Field(0.5, ge=0, lt=1)

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


Model = Annotated[MLPModel | CNNModel | WRNModel, Field(discriminator="name")]
