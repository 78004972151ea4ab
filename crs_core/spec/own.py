"""Networks and data sets of installed packages, as parts of a spec."""

from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points
from typing import Annotated, Any, Final, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from crs_core.errors import SpecError
from crs_core.own import DataSet, Found, Network, Offer, find
from crs_core.spec.names import DatasetName, ModelName
from crs_core.spec.parts import Part

STORED: Final = {"stored": True}
"""Context of validation for a spec that was checked when it came.

The package that offered its network or data set may be gone since; it can still be read.
"""


@cache
def own_networks() -> Found[Network]:
    """Find the networks that packages offer, once in a process."""
    return find(entry_points(group="colrow.models"), Network, taken=get_args(ModelName))


@cache
def own_datasets() -> Found[DataSet]:
    """Find the data sets that packages offer, once in a process."""
    return find(entry_points(group="colrow.datasets"), DataSet, taken=get_args(DatasetName))


def broken_offers() -> tuple[str, ...]:
    """Say what packages offer that can't be used, and why."""
    kinds = {"network": own_networks().broken, "data set": own_datasets().broken}
    return tuple(f"{kind} {broken}" for kind, found in kinds.items() for broken in found)


class OwnModel(Part):
    """A network that an installed package offers: its name, and its own parameters beside it."""

    model_config = ConfigDict(extra="allow")

    name: str = Field(
        min_length=1,
        max_length=50,
        description="As the package's entry point says.",
        json_schema_extra={"not": {"enum": list(get_args(ModelName))}},
    )

    @model_validator(mode="before")
    @classmethod
    def _with_its_parameters(cls, value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, Mapping) or info.context == STORED:
            return value
        name, found = value.get("name"), own_networks()
        if not isinstance(name, str):
            return value
        if name not in found.offers:
            raise ValueError(found.unknown(name, get_args(ModelName)))
        parameters = _parameters(found.offers[name], value)
        # As JSON has them, so that a spec is the same before and after it was stored.
        return {"name": name, **parameters.model_dump(mode="json")}

    def offer(self) -> Offer[Network]:
        """Give what the package offers. Raises SpecError where it is gone."""
        found = own_networks()
        if self.name not in found.offers:
            raise SpecError.at("model", found.unknown(self.name, get_args(ModelName)))
        return found.offers[self.name]

    def parameters(self) -> BaseModel:
        """Give the parameters as the package's own class."""
        return _parameters(self.offer(), self.model_dump())


def _parameters(offer: Offer[Network], value: Mapping[str, Any]) -> BaseModel:
    """Check parameters; pydantic's errors, with their fields, become those of the spec."""
    try:
        return offer.what.parameters.model_validate({k: v for k, v in value.items() if k != "name"})
    except ValidationError:
        raise
    except Exception as error:
        raise ValueError(
            f"package {offer.package} fails on these parameters ({type(error).__name__}: {error}); "
            "give others, or mend the package"
        ) from error


def _known(name: str, info: ValidationInfo) -> str:
    found = own_datasets()
    if name in get_args(DatasetName) or name in found.offers or info.context == STORED:
        return name
    raise ValueError(found.unknown(name, get_args(DatasetName)))


AnyDatasetName = Annotated[
    str,
    Field(
        max_length=50,
        description="One of ours, or one that an installed package offers; see the catalog.",
        examples=list(get_args(DatasetName)),
    ),
    AfterValidator(_known),
]
