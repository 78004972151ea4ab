"""Drop-in twins of modules of torch.nn: parameters, and one call into `crs_core.ops`."""

from crs_core.nn.bmm import BatchedProduct, CRSBatchedProduct
from crs_core.nn.conv2d import CRSConv2d
from crs_core.nn.linear import CRSLinear
from crs_core.nn.lstm import CRSLSTM

__all__ = ["CRSLSTM", "BatchedProduct", "CRSBatchedProduct", "CRSConv2d", "CRSLinear"]
