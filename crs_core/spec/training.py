"""How a network is trained: length, batches, optimizer, learning rate."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from crs_core.spec.parts import MAX_EPOCHS, MAX_STEPS, Part, Sizes


class SGD(Part):
    """Plain stochastic gradient descent."""

    name: Literal["sgd"] = "sgd"
    lr: float = Field(0.1, gt=0, le=1000)
    weight_decay: float = Field(0.0, ge=0, le=100)


class Momentum(Part):
    """Gradient descent with momentum (`torch.optim.SGD`)."""

    name: Literal["momentum"] = "momentum"
    lr: float = Field(0.1, gt=0, le=1000)
    momentum: float = Field(0.9, ge=0, lt=1)
    nesterov: bool = False
    weight_decay: float = Field(0.0, ge=0, le=100)


class Adam(Part):
    """Adam (`torch.optim.Adam`)."""

    name: Literal["adam"] = "adam"
    lr: float = Field(0.001, gt=0, le=1000)
    beta1: float = Field(0.9, ge=0, lt=1)
    beta2: float = Field(0.999, ge=0, lt=1)
    eps: float = Field(1e-8, gt=0, le=1)
    weight_decay: float = Field(0.0, ge=0, le=100)


class AdamW(Part):
    """Adam with decoupled weight decay (`torch.optim.AdamW`)."""

    name: Literal["adamw"] = "adamw"
    lr: float = Field(0.001, gt=0, le=1000)
    beta1: float = Field(0.9, ge=0, lt=1)
    beta2: float = Field(0.999, ge=0, lt=1)
    eps: float = Field(1e-8, gt=0, le=1)
    weight_decay: float = Field(0.01, ge=0, le=100)


Optimizer = Annotated[SGD | Momentum | Adam | AdamW, Field(discriminator="name")]


class Constant(Part):
    """The optimizer's learning rate, unchanged."""

    name: Literal["constant"] = "constant"


class StepDecay(Part):
    """Multiply the learning rate by `factor` at each of the milestones."""

    name: Literal["step"] = "step"
    milestones: Sizes = Field(min_length=1)
    factor: float = Field(0.1, gt=0, lt=1)
    unit: Literal["epochs", "steps"] = Field("epochs", description="What `milestones` count.")


class Exponential(Part):
    """Multiply the learning rate by `decay` after every epoch from epoch `after` on."""

    name: Literal["exponential"] = "exponential"
    decay: float = Field(0.95, gt=0, lt=1)
    after: int = Field(0, ge=0, le=MAX_EPOCHS)


class Cosine(Part):
    """Warm up over `warmup_steps`, then follow half a cosine down to `final_share` of lr."""

    name: Literal["cosine"] = "cosine"
    warmup_steps: int = Field(0, ge=0, le=MAX_STEPS)
    final_share: float = Field(0.0, ge=0, le=1)


class Linear(Part):
    """Warm up linearly over `warmup_steps`, then fall linearly to `final_share` of lr."""

    name: Literal["linear"] = "linear"
    warmup_steps: int = Field(0, ge=0, le=MAX_STEPS)
    final_share: float = Field(0.0, ge=0, le=1)


Schedule = Annotated[
    Constant | StepDecay | Exponential | Cosine | Linear, Field(discriminator="name")
]


class Training(Part):
    """Length, batches and optimizer. Give `epochs` or `steps`, not both."""

    epochs: int | None = Field(None, ge=1, le=MAX_EPOCHS)
    steps: int | None = Field(None, ge=1, le=MAX_STEPS)
    batch_size: int = Field(50, ge=1, le=10_000_000)
    optimizer: Optimizer = Adam()
    schedule: Schedule = Constant()
    weight_decay_on: Literal["all", "weights"] = Field(
        "all",
        description="What the optimizer's weight_decay acts on: every parameter, or the matrices "
        "and kernels alone, not biases and normalisation.",
    )
    clip_norm: float | None = Field(None, gt=0, description="Largest norm of the whole gradient.")
    precision: Literal["fp32", "bf16"] = "fp32"

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if (self.epochs is None) == (self.steps is None):
            raise ValueError("give either `epochs` or `steps`, one of the two")
        return self
