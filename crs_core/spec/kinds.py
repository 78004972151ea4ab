"""The kinds of jobs there are, parsed by one function, and what lists show of any of them."""

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

from pydantic import Discriminator, Tag, TypeAdapter, ValidationError

from crs_core.errors import SpecError
from crs_core.spec.job import JobSpec
from crs_core.spec.messages import field_errors
from crs_core.spec.own import STORED
from crs_core.spec.parts import Part
from crs_core.spec.study import StudySpec

KINDS: Mapping[str, type[Part]] = {"training": JobSpec, "matmul_error": StudySpec}
"""Every kind by its name. A spec that names none is a training."""

STUDIED = ("matmul_error", "conv2d_error")
"""What lists show as the model of a study: nothing that needs a data set."""


def _kind(data: object) -> str:
    if isinstance(data, Mapping):
        return str(data.get("kind", "training"))
    # What is no spec at all is refused as a training.
    return str(getattr(data, "kind", "training"))


AnySpec = Annotated[
    Annotated[JobSpec, Tag("training")] | Annotated[StudySpec, Tag("matmul_error")],
    Discriminator(_kind),
]
_ANY: TypeAdapter[JobSpec | StudySpec] = TypeAdapter(AnySpec)


def parse_any(data: Mapping[str, Any], *, stored: bool = False) -> JobSpec | StudySpec:
    """Check a mapping and make it a spec of the kind that it names; a training where none is named.

    One that is `stored` was checked when it came: its names may have gone with their package since.

    Raises SpecError, which names every field at fault in words of its own.
    """
    kind = data.get("kind", "training")
    if not isinstance(kind, str) or kind not in KINDS:
        known = ", ".join(map(repr, KINDS))
        raise SpecError.at("kind", f"{kind!r} is not known; there are: {known}")
    try:
        return _ANY.validate_python(data, context=STORED if stored else None)
    except ValidationError as error:
        raise SpecError(field_errors(error, KINDS[kind], inside=kind)) from None


class Facets(NamedTuple):
    """What lists and groups show of a spec, whatever its kind."""

    model: str
    """The network, or one of `STUDIED`."""
    dataset: str
    """The data set, or the distribution of the entries."""
    policies: tuple[str, ...]
    """The sampling policies or the method, each once, in the order of the rules; else `exact`."""
    ratio: float | None
    """Of the forward product; None where there are several."""


def facets(spec: Mapping[str, Any]) -> Facets:
    """Read the facets of a stored spec, the JSON of a spec of any kind."""
    if spec.get("kind", "training") == "training":
        # Rules that leave layers exact do not count beside a sampled one.
        rules = [r for r in spec["approximation"] if r["policy"]["name"] != "exact"]
        ratios = {rule["forward"] for rule in rules} or {1.0}
        return Facets(
            model=spec["model"]["name"],
            dataset=spec["dataset"]["name"],
            policies=tuple(dict.fromkeys(r["policy"]["name"] for r in rules)) or ("exact",),
            ratio=ratios.pop() if len(ratios) == 1 else None,
        )
    study = StudySpec.model_validate(spec, context=STORED)
    entries = dict.fromkeys(map(str, study.distributions))
    ratio = study.ratios[0] if len(study.ratios) == 1 else None
    return Facets(
        model="matmul_error" if study.operation.name == "matmul" else "conv2d_error",
        dataset=" x ".join(entries),
        policies=(study.method.name,),
        ratio=ratio,
    )
