"""Drop-in twins of modules of torch.nn: parameters, and one call into `crs_core.ops`."""

from crs_core.nn.conv2d import CRSConv2d
from crs_core.nn.linear import CRSLinear

__all__ = ["CRSConv2d", "CRSLinear"]
