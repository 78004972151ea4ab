"""The networks that a spec can name, and their sizes."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from crs_core.spec.parts import Part, Sizes

ModelName = Literal["mlp", "cnn"]


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


Model = Annotated[MLPModel | CNNModel, Field(discriminator="name")]
