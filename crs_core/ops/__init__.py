"""Approximate operations, as functions: like torch's own, with a policy and ratios as keywords."""

from crs_core.ops.bmm import crs_bmm
from crs_core.ops.choice import Generators
from crs_core.ops.conv2d import crs_conv2d
from crs_core.ops.linear import crs_linear
from crs_core.ops.lstm import crs_lstm
from crs_core.ops.matmul import crs_matmul
from crs_core.ops.memory import Memory
from crs_core.ops.meter import PRODUCTS, Meter, together

__all__ = [
    "PRODUCTS",
    "Generators",
    "Memory",
    "Meter",
    "crs_bmm",
    "crs_conv2d",
    "crs_linear",
    "crs_lstm",
    "crs_matmul",
    "together",
]
