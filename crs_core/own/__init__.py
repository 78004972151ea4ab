"""Networks and data sets of installed packages, beside ours.

A package installed beside api and workers names them as entry points, by the name that specs use:

    [project.entry-points."colrow.models"]
    residual-mlp = "my_package.colrow:RESIDUAL_MLP"

    [project.entry-points."colrow.datasets"]
    tumours = "my_package.colrow:TUMOURS"

Behind them stand a `Network` and a `DataSet`: descriptions, whose module imports neither torch nor
anything else that is slow, since api and supervisors import it. They name the functions that do the
work as text; only the trainer imports those. What a client sends chooses among names; nothing of it
is ever executed.
"""

from crs_core.own.descriptors import DataSet, Network
from crs_core.own.discovery import Broken, Found, Offer, find, named_function

__all__ = ["Broken", "DataSet", "Found", "Network", "Offer", "find", "named_function"]
