"""Everything a spec can name, gathered from the library; only who holds which data set changes."""

from collections.abc import Mapping, Sequence
from functools import cache
from inspect import cleandoc, getdoc
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel

from api.schemas.service import (
    Catalog,
    Choice,
    DatasetChoice,
    MetricChoice,
    ModelChoice,
    PolicyChoice,
    Preset,
)
from crs_core.data.facts import DatasetFacts, ImageFacts, TextFacts, known
from crs_core.errors import SpecError
from crs_core.events import METRICS, TaskName
from crs_core.layers import LEARNS, layer_shapes
from crs_core.presets import PRESETS
from crs_core.spec import (
    CHOICES,
    SGD,
    Adam,
    AdamW,
    CNNModel,
    Constant,
    Convolution,
    Cosine,
    CountSketch,
    Exponential,
    ExponentialEntries,
    GPTModel,
    JobSpec,
    Linear,
    LSTMModel,
    MatrixProduct,
    MLPModel,
    Momentum,
    NormalEntries,
    Policy,
    PolicyName,
    RandomProjection,
    RandomWalk,
    StepDecay,
    StudySpec,
    TruncatedSVD,
    UniformEntries,
    WRNModel,
    broken_offers,
    own_networks,
    parse_any,
    parse_spec,
)

MODELS: tuple[type[BaseModel], ...] = (MLPModel, CNNModel, WRNModel, LSTMModel, GPTModel)
OPTIMIZERS: tuple[type[BaseModel], ...] = (SGD, Momentum, Adam, AdamW)
SCHEDULES: tuple[type[BaseModel], ...] = (Constant, StepDecay, Exponential, Cosine, Linear)
OPERATIONS: tuple[type[BaseModel], ...] = (MatrixProduct, Convolution)
DISTRIBUTIONS: tuple[type[BaseModel], ...] = (NormalEntries, UniformEntries, ExponentialEntries)
ALTERNATIVES: tuple[type[BaseModel], ...] = (
    RandomProjection, TruncatedSVD, CountSketch, RandomWalk,
)  # fmt: skip
"""The methods of a study that are no policies."""


USUAL_DATASET: Mapping[TaskName, str] = {"classification": "mnist", "language-modelling": "ptb"}
"""The one whose sizes stand for others where only the names of layers matter."""


class PolicyFacts(NamedTuple):
    """A policy in a sentence."""

    summary: str
    scales: Literal["never", "always", "optional"]


POLICIES: Mapping[PolicyName, PolicyFacts] = {
    "exact": PolicyFacts("Keep every pair: the product as torch computes it.", "never"),
    "topk": PolicyFacts(
        "Keep the k pairs of the largest score: the paper's choice; biased, without noise.", "never"
    ),
    "nps": PolicyFacts(
        "Norm-proportional sampling: draw k pairs with probabilities proportional to scores.",
        "optional",
    ),
    "uniform": PolicyFacts(
        "Draw k pairs, each equally likely, whatever their scores.",
        "optional",
    ),
    "bernoulli": PolicyFacts(
        "Keep each pair by a coin of its own, weighted by its score; k pairs on average, unbiased. "
        "Groups and heads are all filled up to the largest draw, so there it costs more than "
        "planned.",
        "always",
    ),
    "wta": PolicyFacts(
        "Winner takes all: keep the largest scores for certain and draw the rest of the k pairs "
        "from the others; unbiased, with less noise than drawing all.",
        "always",
    ),
    "meprop": PolicyFacts(
        "Forward exact; both gradients from the k outputs whose gradient is largest over the "
        "batch; biased. Leave the last layer exact by a rule.",
        "never",
    ),
}


def catalog(workers: Mapping[str, Sequence[str] | None]) -> Catalog:
    """Make the catalog; `workers` says which data sets' files each living worker has, if known."""
    return Catalog(
        models=_models() + _own_models(),
        datasets=[
            DatasetChoice(
                name=facts.name,
                title=facts.title,
                task=facts.task,
                **_kind(facts),
                train=facts.train,
                validation=facts.validation,
                test=facts.test,
                size_bytes=facts.size_bytes,
                bundled=facts.bundled,
                workers=[
                    w for w, has in workers.items() if facts.bundled or facts.name in (has or ())
                ],
                source=facts.source,
                license=facts.license,
            )
            for facts in known().values()
        ],
        policies=[
            PolicyChoice(
                name=name,
                summary=facts.summary,
                parameters=_parameters(Policy, keep=CHOICES[name]),
                scales=facts.scales,
            )
            for name, facts in POLICIES.items()
        ],
        optimizers=[_choice(kind) for kind in OPTIMIZERS],
        schedules=[_choice(kind) for kind in SCHEDULES],
        operations=[_choice(kind) for kind in OPERATIONS],
        distributions=[_choice(kind) for kind in DISTRIBUTIONS],
        alternatives=[_choice(kind) for kind in ALTERNATIVES],
        presets=_presets(),
        metrics=[
            MetricChoice(name=name, label=metric.label, unit=metric.unit, better=metric.better)
            for name, metric in METRICS.items()
        ],
        broken=list(broken_offers()),
        spec=_schema(JobSpec),
        study=_schema(StudySpec),
    )


def _kind(facts: DatasetFacts) -> dict[str, Any]:
    """Give what only data sets of this kind have."""
    match facts:
        case ImageFacts():
            return {"input_shape": list(facts.input_shape), "classes": facts.classes}
        case TextFacts():
            return {"vocabulary": facts.vocabulary}


@cache
def _models() -> list[ModelChoice]:
    return [
        ModelChoice(
            name=kind.model_fields["name"].default,
            summary=_summary(kind),
            parameters=_parameters(kind),
            task=LEARNS[kind.model_fields["name"].default],
            layers=list(layer_shapes(_with_defaults(kind))),
        )
        for kind in MODELS
    ]


@cache
def _own_models() -> list[ModelChoice]:
    """Give what installed packages offer; a process that lives sees none that come later."""
    return [
        ModelChoice(
            name=name,
            summary=f"{offer.what.title} (package {offer.package})",
            parameters=_parameters(offer.what.parameters),
            task="classification",
            layers=_own_layers(name),
        )
        for name, offer in own_networks().offers.items()
    ]


def _own_layers(name: str) -> list[str]:
    """Name the layers on the data set that ours are shown on; none where it needs parameters."""
    spec = {"model": {"name": name}, "dataset": {"name": "mnist"}, "training": {"epochs": 1}}
    try:
        return list(layer_shapes(parse_spec(spec)))
    except SpecError:
        return []


def _with_defaults(kind: type[BaseModel]) -> JobSpec:
    model = {"name": kind.model_fields["name"].default}
    dataset = {"name": USUAL_DATASET[LEARNS[model["name"]]]}
    return parse_spec({"model": model, "dataset": dataset, "training": {"epochs": 1}})


@cache
def _presets() -> list[Preset]:
    return [
        Preset(
            name=preset.name,
            title=preset.title,
            summary=preset.description,
            spec=parse_any(preset.spec),
        )
        for preset in PRESETS.values()
    ]


@cache
def _schema(kind: type[BaseModel]) -> dict[str, Any]:
    return kind.model_json_schema()


def _choice(kind: type[BaseModel]) -> Choice:
    return Choice(
        name=kind.model_fields["name"].default,
        summary=_summary(kind),
        parameters=_parameters(kind),
    )


def _summary(kind: type[BaseModel]) -> str:
    return cleandoc(getdoc(kind) or "").splitlines()[0]


def _parameters(kind: type[BaseModel], keep: Sequence[str] | None = None) -> dict[str, Any]:
    """Give the JSON schema without the name, which is chosen already."""
    schema = kind.model_json_schema()
    schema["properties"] = {
        name: part
        for name, part in schema["properties"].items()
        if name != "name" and (keep is None or name in keep)
    }
    schema["required"] = [
        name for name in schema.get("required", []) if name in schema["properties"]
    ]
    return schema
