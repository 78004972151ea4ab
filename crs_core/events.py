"""What a training job tells while it runs: events, as data.

`crs_core.engine.train` hands them to `on_event`. In the service they travel as JSON, one per line,
from the trainer to its supervisor, which makes rows of them.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

Product = Literal["forward", "grad_input", "grad_weight"]

TaskName = Literal["classification", "language-modelling"]
"""What a network learns, which is what its data set is for."""


class _Event(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=True, ser_json_inf_nan="constants"
    )


class Started(_Event):
    """Training begins, or goes on, at `step`. Points after `step` are void."""

    type: Literal["started"] = "started"
    step: int
    total_steps: int
    steps_per_epoch: int
    device: str
    threads: int
    versions: dict[str, str]
    """Of Python, torch and Colrow; `revision`, of git, where there is one; CUDA and GPU."""
    environment: dict[str, str] = {}
    """Hardware and operating system; who started the training may add variables and drivers."""
    resumed_from: str | None = None
    """File name of the checkpoint; None for a start from the beginning."""
    notes: tuple[str, ...] = ()
    """What a person should know, as of checkpoints that could not be used."""


class Points(_Event):
    """Values of metrics at one step; every name is a key of `METRICS`."""

    type: Literal["points"] = "points"
    step: int
    epoch: float
    values: dict[str, float]


class LayerRow(_Event):
    """One product of one layer, summed over the job so far."""

    layer: str
    product: Product
    policy: str
    ratio: float
    """Nominal: as the rule says."""
    pairs: int
    """Pairs there are in one product (per group)."""
    kept: float
    """Pairs kept in one product, mean over the job; pairs drawn twice count twice."""
    exact_macs: int
    performed_macs: int
    never_kept: float | None = None
    """Coverage: share of pairs never chosen so far. None where pairs have no lasting identity (the
    batch), or the product is exact."""
    error: float | None = None
    """Relative Frobenius error of the approximate product at the last probe."""


class Layers(_Event):
    """State of every layer at `step`; replaces what was said before."""

    type: Literal["layers"] = "layers"
    step: int
    rows: tuple[LayerRow, ...]


class CheckpointSaved(_Event):
    """A complete file, already renamed into place."""

    type: Literal["checkpoint"] = "checkpoint"
    step: int
    name: str
    """File name inside the attempt's folder."""
    size_bytes: int
    sha256: str
    best: bool = False
    """Whether validation was at its best there."""


class Noted(_Event):
    """Something that a person should know came up, and training goes on."""

    type: Literal["noted"] = "noted"
    text: str


class Finished(_Event):
    """Training ended by itself (`completed`) or because it was asked to stop."""

    type: Literal["finished"] = "finished"
    completed: bool
    step: int


class Failed(_Event):
    """Training cannot go on. `kind` tells causes apart, `message` says what to do."""

    type: Literal["failed"] = "failed"
    kind: Literal["spec", "dataset", "diverged", "out_of_memory", "device", "disk", "internal"]
    message: str


Event = Started | Points | Layers | CheckpointSaved | Noted | Finished | Failed
EVENT: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="type")])


class Metric(BaseModel):
    """How a metric is shown and which direction is better."""

    model_config = ConfigDict(frozen=True)
    label: str
    unit: str = ""
    better: Literal["higher", "lower", "none"] = "none"


METRICS: dict[str, Metric] = {
    "train_loss": Metric(label="Training loss", better="lower"),
    "train_accuracy": Metric(label="Training accuracy", better="higher"),
    "validation_loss": Metric(label="Validation loss", better="lower"),
    "validation_accuracy": Metric(label="Validation accuracy", better="higher"),
    "test_loss": Metric(label="Test loss", better="lower"),
    "test_accuracy": Metric(label="Test accuracy", better="higher"),
    "best_test_accuracy": Metric(label="Test accuracy at best validation", better="higher"),
    "validation_perplexity": Metric(label="Validation perplexity", better="lower"),
    "test_perplexity": Metric(label="Test perplexity", better="lower"),
    "best_test_perplexity": Metric(label="Test perplexity at best validation", better="lower"),
    "learning_rate": Metric(label="Learning rate"),
    "gradient_norm": Metric(label="Gradient norm"),
    "steps_per_s": Metric(label="Steps per second", unit="1/s", better="higher"),
    "seconds": Metric(label="Training time", unit="s", better="lower"),
    "sampling_seconds": Metric(label="Time spent in sampling", unit="s", better="lower"),
    "compute_reduction": Metric(label="Compute reduction, performed", better="higher"),
    "planned_compute_reduction": Metric(label="Compute reduction, planned", better="higher"),
    "macs": Metric(label="MACs performed", better="lower"),
    "peak_memory_bytes": Metric(label="Peak memory", unit="bytes", better="lower"),
    "frobenius_error": Metric(label="Frobenius error", better="lower"),
    "frobenius_error_std": Metric(label="Frobenius error, standard deviation of draws"),
    "spectral_error": Metric(label="Spectral error", better="lower"),
    "element_error": Metric(label="Per-element error", better="lower"),
    "rms_error": Metric(label="Frobenius error, root mean square", better="lower"),
    "expected_error": Metric(label="Frobenius error, root of the exact expectation"),
    "expectation_gap": Metric(label="Mean square less its expectation, in standard errors"),
    "error_bound": Metric(label="Bound of the Frobenius error"),
    "zero_error": Metric(label="Frobenius error of a result of zeros"),
    "product_seconds": Metric(label="Time of one approximate product", unit="s", better="lower"),
    "exact_product_seconds": Metric(label="Time of one exact product", unit="s"),
}
"""Every metric there is. The order is the order in which they are shown."""

STUDY_METRICS = (
    "frobenius_error", "frobenius_error_std", "spectral_error", "element_error", "rms_error",
    "expected_error", "expectation_gap", "error_bound", "zero_error", "product_seconds",
    "exact_product_seconds",
)  # fmt: skip
"""Those of a study, a value at each k; `crs_core.study` says what they are."""


QUALITY: dict[TaskName, str] = {
    "classification": "accuracy",
    "language-modelling": "perplexity",
}
"""By what a task is judged, q for short: `validation_q` says which step is the best one, `test_q`
is told there and at the end, `best_test_q` is that of the best step so far."""


def is_better(metric: str, value: float, than: float | None) -> bool:
    """Whether a value of a metric is better than another; the first one is better than None."""
    if than is None:
        return True
    return value > than if METRICS[metric].better == "higher" else value < than
