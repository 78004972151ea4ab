"""A job as data: what to train, on what, approximated how.

`JobSpec` is the one definition of a job: the REST API, the database, the command line, the web
form (by way of OpenAPI) and the training engine all read it. It is frozen, refuses fields that it
does not know, and imports no torch. What one field alone can tell is checked here; what needs the
layers of the network or the size of the data set (a rule that matches no layer, a batch larger
than the data) is checked by `crs_core.rules.layer_plan`.

One idea in one long file: whoever asks what a job can say reads it from top to bottom.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from crs_core.errors import FieldError, SpecError

PolicyName = Literal["exact", "topk", "nps", "uniform", "bernoulli"]
ModelName = Literal["mlp", "cnn"]
DatasetName = Literal["digits", "mnist", "fashion-mnist"]

MAX_EPOCHS = 100_000
MAX_STEPS = 1_000_000_000


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        validate_default=True,
        json_schema_serialization_defaults_required=True,
    )


def _as_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


Sizes = Annotated[tuple[Annotated[int, Field(ge=1, le=1_000_000)], ...], BeforeValidator(_as_tuple)]


class Policy(_Part):
    """How pairs are chosen; see `crs_core.sampling` for the formulas.

    `replacement` and `scaled` are choices of `nps` and `uniform` alone. `topk` never scales, and
    `bernoulli` always does.
    """

    name: PolicyName
    replacement: bool = Field(default=False, description="Draw with replacement (nps, uniform).")
    scaled: bool = Field(default=False, description="Scale a kept pair by 1/(k p) (nps, uniform).")

    @model_validator(mode="after")
    def _only_what_the_policy_has(self) -> Self:
        if self.name not in ("nps", "uniform") and (self.replacement or self.scaled):
            raise ValueError(
                f"policy {self.name!r} has no `replacement` or `scaled`; leave them out "
                "(they are choices of 'nps' and 'uniform')"
            )
        return self


def _as_policy(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


def _as_ratio(value: object) -> object:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and not 0 < value <= 1:
        raise ValueError(
            f"a ratio is the share of pairs to keep, above 0 and at most 1; got {value}"
        )
    return value


Ratio = Annotated[float, Field(gt=0, le=1), BeforeValidator(_as_ratio)]


class Rule(_Part):
    """Which layers get which policy and ratios. The last rule that matches a layer holds, whole."""

    layers: Annotated[str, Field(min_length=1, max_length=200)] = Field(
        "*", description="Glob over module names, as in `*`, `fc*`, `conv[12]`."
    )
    policy: Annotated[
        Policy, BeforeValidator(_as_policy, json_schema_input_type=PolicyName | Policy)
    ] = Field(description="A policy, or just its name.")
    forward: Ratio = Field(1.0, description="Share of pairs kept in the forward product.")
    backward: Ratio = Field(
        1.0, description="Share kept in the two gradient products, on top of `forward`."
    )
    min_samples: int = Field(
        10, ge=1, le=1_000_000, description="The least number of pairs kept in a sampled product."
    )

    @model_validator(mode="after")
    def _exact_keeps_all(self) -> Self:
        if self.policy.name == "exact" and (self.forward != 1.0 or self.backward != 1.0):
            raise ValueError(
                "policy 'exact' keeps every pair: leave out `forward` and `backward`, or name a "
                "sampling policy"
            )
        return self


class MLPModel(_Part):
    """Fully connected network with ReLU between its layers, named fc1, fc2, …"""

    name: Literal["mlp"] = "mlp"
    hidden: Sizes = Field((500, 500), min_length=1, max_length=32)


class CNNModel(_Part):
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


class Dataset(_Part):
    """A data set and how much of its training part is held back for validation.

    `validation` is a count of examples; left out, the data set's own custom holds (5,000 of
    MNIST's 60,000).
    """

    name: DatasetName
    validation: int | None = Field(None, ge=1, le=10_000_000)
    train_limit: int | None = Field(
        None, ge=1, description="Use only the first so many training examples."
    )


class SGD(_Part):
    """Plain stochastic gradient descent."""

    name: Literal["sgd"] = "sgd"
    lr: float = Field(0.1, gt=0, le=1000)
    weight_decay: float = Field(0.0, ge=0, le=100)


class Momentum(_Part):
    """Gradient descent with momentum (`torch.optim.SGD`)."""

    name: Literal["momentum"] = "momentum"
    lr: float = Field(0.1, gt=0, le=1000)
    momentum: float = Field(0.9, ge=0, lt=1)
    nesterov: bool = False
    weight_decay: float = Field(0.0, ge=0, le=100)


class Adam(_Part):
    """Adam (`torch.optim.Adam`)."""

    name: Literal["adam"] = "adam"
    lr: float = Field(0.001, gt=0, le=1000)
    beta1: float = Field(0.9, ge=0, lt=1)
    beta2: float = Field(0.999, ge=0, lt=1)
    eps: float = Field(1e-8, gt=0, le=1)
    weight_decay: float = Field(0.0, ge=0, le=100)


class AdamW(_Part):
    """Adam with decoupled weight decay (`torch.optim.AdamW`)."""

    name: Literal["adamw"] = "adamw"
    lr: float = Field(0.001, gt=0, le=1000)
    beta1: float = Field(0.9, ge=0, lt=1)
    beta2: float = Field(0.999, ge=0, lt=1)
    eps: float = Field(1e-8, gt=0, le=1)
    weight_decay: float = Field(0.01, ge=0, le=100)


Optimizer = Annotated[SGD | Momentum | Adam | AdamW, Field(discriminator="name")]


class Constant(_Part):
    """The optimizer's learning rate, unchanged."""

    name: Literal["constant"] = "constant"


class StepDecay(_Part):
    """Multiply the learning rate by `factor` at each of the milestones (in epochs)."""

    name: Literal["step"] = "step"
    milestones: Sizes = Field(min_length=1)
    factor: float = Field(0.1, gt=0, lt=1)


class Exponential(_Part):
    """Multiply the learning rate by `decay` after every epoch from epoch `after` on."""

    name: Literal["exponential"] = "exponential"
    decay: float = Field(0.95, gt=0, lt=1)
    after: int = Field(0, ge=0, le=MAX_EPOCHS)


class Cosine(_Part):
    """Warm up over `warmup_steps`, then follow half a cosine down to `final_share` of lr."""

    name: Literal["cosine"] = "cosine"
    warmup_steps: int = Field(0, ge=0, le=MAX_STEPS)
    final_share: float = Field(0.0, ge=0, le=1)


class Linear(_Part):
    """Warm up linearly over `warmup_steps`, then fall linearly to `final_share` of lr."""

    name: Literal["linear"] = "linear"
    warmup_steps: int = Field(0, ge=0, le=MAX_STEPS)
    final_share: float = Field(0.0, ge=0, le=1)


Schedule = Annotated[
    Constant | StepDecay | Exponential | Cosine | Linear, Field(discriminator="name")
]


class Training(_Part):
    """Length, batches and optimizer. Give `epochs` or `steps`, not both."""

    epochs: int | None = Field(None, ge=1, le=MAX_EPOCHS)
    steps: int | None = Field(None, ge=1, le=MAX_STEPS)
    batch_size: int = Field(50, ge=1, le=10_000_000)
    optimizer: Optimizer = Adam()
    schedule: Schedule = Constant()
    clip_norm: float | None = Field(None, gt=0, description="Largest norm of the whole gradient.")
    precision: Literal["fp32", "bf16"] = "fp32"

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if (self.epochs is None) == (self.steps is None):
            raise ValueError("give either `epochs` or `steps`, one of the two")
        return self


class Report(_Part):
    """How often a job reports and saves. Steps are optimizer steps."""

    every_steps: int = Field(100, ge=1, le=MAX_STEPS)
    probe_every_steps: int | None = Field(
        None,
        ge=1,
        le=MAX_STEPS,
        description="Measure every approximate product's error this often; left out: each epoch.",
    )
    checkpoint_every_s: float = Field(60.0, ge=0, le=86_400)


class Resources(_Part):
    """What a job needs of the slot that runs it."""

    kind: Literal["any", "cpu", "cuda"] = "any"
    devices: int = Field(1, ge=1, le=1)
    threads: int | None = Field(
        None, ge=1, le=1024, description="CPU threads; left out: the slot's share of the host."
    )


class JobSpec(_Part):
    """One training job. Everything but `model`, `dataset` and `training` has a default."""

    model: Model
    dataset: Dataset
    approximation: Annotated[tuple[Rule, ...], BeforeValidator(_as_tuple)] = Field(
        (), max_length=100
    )
    training: Training
    report: Report = Report()
    resources: Resources = Resources()
    seed: int = Field(0, ge=0, le=2**63 - 1)


def parse_spec(data: Mapping[str, Any]) -> JobSpec:
    """Check a mapping and make it a spec.

    Raises SpecError, which names every field at fault in words of its own.
    """
    try:
        return JobSpec.model_validate(data)
    except ValidationError as error:
        raise SpecError(field_errors(error)) from None


def field_errors(error: ValidationError) -> list[FieldError]:
    """Say in plain words what pydantic found, one entry per field."""
    return [field_error(e) for e in error.errors(include_url=False)]


def field_error(detail: Any) -> FieldError:
    """Say it of one entry of `ValidationError.errors()`."""
    return FieldError(_loc(detail), _message(detail))


def _loc(error: Any) -> str:
    # A union puts the tag it chose into the path; the reader wrote no such key.
    parts = [str(p) for p in error["loc"]]
    tags = {"mlp", "cnn", "sgd", "momentum", "adam", "adamw"} | {
        "constant", "step", "exponential", "cosine", "linear",
    }  # fmt: skip
    kept = [
        p
        for i, p in enumerate(parts)
        if not (p in tags and i and parts[i - 1] in ("model", "optimizer", "schedule"))
    ]
    return ".".join(kept)


def _message(error: Any) -> str:
    got, context = error.get("input"), error.get("ctx", {})
    match error["type"]:
        case "extra_forbidden":
            return "this field is not known; remove it or mend its name"
        case "missing":
            return "this field is missing"
        case "union_tag_invalid":
            return f"{context['tag']!r} is not known; there are: {context['expected_tags']}"
        case "union_tag_not_found":
            return "`name` is missing: it says which kind this is"
        case "literal_error":
            return f"{got!r} is not known; there are: {context['expected']}"
        case "value_error":
            return str(context["error"])
        case "finite_number":
            return f"this must be a finite number; got {got}"
        case _:
            shown = repr(got)
            return f"{error['msg']}; got {shown if len(shown) <= 80 else shown[:77] + '...'}"
