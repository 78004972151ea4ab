"""Plain exact networks: they know nothing of sampling."""

from crs_core.models.build import build, build_network
from crs_core.models.dropout import Dropout
from crs_core.models.initialize import initialize
from crs_core.models.language import build_language_model
from crs_core.models.words import LanguageModel

__all__ = [
    "Dropout",
    "LanguageModel",
    "build",
    "build_language_model",
    "build_network",
    "initialize",
]
