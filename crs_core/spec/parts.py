"""What the parts of a spec have in common: frozen, strict, no field that is not known."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

MAX_EPOCHS = 100_000
MAX_STEPS = 1_000_000_000


class Part(BaseModel):
    """A part of a spec."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        validate_default=True,
        json_schema_serialization_defaults_required=True,
    )


def as_tuple(value: object) -> object:
    """Let a list, all that JSON has, stand for a tuple."""
    return tuple(value) if isinstance(value, list) else value


Sizes = Annotated[tuple[Annotated[int, Field(ge=1, le=1_000_000)], ...], BeforeValidator(as_tuple)]
