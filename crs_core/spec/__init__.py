"""A job as data: what to train, on what, approximated how.

`JobSpec` is the one definition of a job: the REST API, the database, the command line, the web
form (by way of OpenAPI) and the training engine all read it. It is frozen, refuses fields that it
does not know, and imports no torch. What one field alone can tell is checked here; what needs the
layers of the network or the size of the data set (a rule that matches no layer, a batch larger
than the data) is checked by `crs_core.rules.layer_plan`.
"""

from crs_core.spec.datasets import Augmentation, Dataset, DatasetName
from crs_core.spec.job import JobSpec, Report, Resources, parse_spec
from crs_core.spec.messages import field_error, field_errors
from crs_core.spec.models import CNNModel, MLPModel, Model, ModelName, WRNModel
from crs_core.spec.parts import MAX_EPOCHS, MAX_STEPS
from crs_core.spec.policies import Mode, Policy, PolicyName, Rule
from crs_core.spec.ratios import Ratio, RatioSchedule
from crs_core.spec.training import (
    SGD,
    Adam,
    AdamW,
    Constant,
    Cosine,
    Exponential,
    Linear,
    Momentum,
    Optimizer,
    Schedule,
    StepDecay,
    Training,
)

__all__ = [
    "MAX_EPOCHS",
    "MAX_STEPS",
    "SGD",
    "Adam",
    "AdamW",
    "Augmentation",
    "CNNModel",
    "Constant",
    "Cosine",
    "Dataset",
    "DatasetName",
    "Exponential",
    "JobSpec",
    "Linear",
    "MLPModel",
    "Mode",
    "Model",
    "ModelName",
    "Momentum",
    "Optimizer",
    "Policy",
    "PolicyName",
    "Ratio",
    "RatioSchedule",
    "Report",
    "Resources",
    "Rule",
    "Schedule",
    "StepDecay",
    "Training",
    "WRNModel",
    "field_error",
    "field_errors",
    "parse_spec",
]
