"""A job as data: what to train, on what, approximated how.

`JobSpec` is the one definition of a training job, `StudySpec` of a study: the REST API, the
database, the command line, the web form (by way of OpenAPI) and the engine all read them. They are
frozen, refuse fields that they do not know, and import no torch. What one field alone can tell is
checked here; what needs the layers of the network or the size of the data set (a rule that matches
no layer, a batch larger than the data) is checked by `crs_core.rules.layer_plan`.
"""

from crs_core.spec.datasets import Augmentation, Dataset
from crs_core.spec.job import JobSpec, Report, Resources, parse_spec
from crs_core.spec.kinds import KINDS, STUDIED, AnySpec, Facets, facets, parse_any
from crs_core.spec.labels import gates_label, policy_words, rules_label
from crs_core.spec.messages import field_error, field_errors
from crs_core.spec.models import (
    CNNModel,
    GPTModel,
    InitialWeights,
    LSTMModel,
    MLPModel,
    Model,
    WRNModel,
)
from crs_core.spec.names import DatasetName, ModelName
from crs_core.spec.own import STORED, OwnModel, broken_offers, own_datasets, own_networks
from crs_core.spec.parts import MAX_EPOCHS, MAX_STEPS, Part
from crs_core.spec.paths import flatten
from crs_core.spec.policies import CHOICES, Gate, Mode, Policy, PolicyName, Rule
from crs_core.spec.ratios import Ratio, RatioSchedule
from crs_core.spec.study import (
    Convolution,
    CountSketch,
    ExponentialEntries,
    MatrixProduct,
    NormalEntries,
    RandomProjection,
    RandomWalk,
    StudySpec,
    TruncatedSVD,
    UniformEntries,
)
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
    "CHOICES",
    "KINDS",
    "MAX_EPOCHS",
    "MAX_STEPS",
    "SGD",
    "STORED",
    "STUDIED",
    "Adam",
    "AdamW",
    "AnySpec",
    "Augmentation",
    "CNNModel",
    "Constant",
    "Convolution",
    "Cosine",
    "CountSketch",
    "Dataset",
    "DatasetName",
    "Exponential",
    "ExponentialEntries",
    "Facets",
    "GPTModel",
    "Gate",
    "InitialWeights",
    "JobSpec",
    "LSTMModel",
    "Linear",
    "MLPModel",
    "MatrixProduct",
    "Mode",
    "Model",
    "ModelName",
    "Momentum",
    "NormalEntries",
    "Optimizer",
    "OwnModel",
    "Part",
    "Policy",
    "PolicyName",
    "RandomProjection",
    "RandomWalk",
    "Ratio",
    "RatioSchedule",
    "Report",
    "Resources",
    "Rule",
    "Schedule",
    "StepDecay",
    "StudySpec",
    "Training",
    "TruncatedSVD",
    "UniformEntries",
    "WRNModel",
    "broken_offers",
    "facets",
    "field_error",
    "field_errors",
    "flatten",
    "gates_label",
    "own_datasets",
    "own_networks",
    "parse_any",
    "parse_spec",
    "policy_words",
    "rules_label",
]
