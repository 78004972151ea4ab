"""Plain exact networks: they know nothing of sampling."""

from crs_core.models.build import build, build_network
from crs_core.models.dropout import Dropout
from crs_core.models.initialize import initialize

__all__ = ["Dropout", "build", "build_network", "initialize"]
