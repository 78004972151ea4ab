"""Specs to start from: the paper's rows and figures, and small ones that end within minutes.

A preset is one spec, so a figure that sets methods side by side has one for each method of
interest; all of it together is in `colrow/examples/` and in `colrow reproduce`. Torch is not
imported.
"""

from collections.abc import Mapping
from types import MappingProxyType

from crs_core.presets.beyond import BEYOND
from crs_core.presets.digits import DIGITS
from crs_core.presets.mnist import MNIST
from crs_core.presets.preset import Preset
from crs_core.presets.studies import STUDIES
from crs_core.presets.texts import TEXTS
from crs_core.presets.wrn import WIDE

__all__ = ["PRESETS", "Preset"]

PRESETS: Mapping[str, Preset] = MappingProxyType(
    {p.name: p for p in (*MNIST, *DIGITS, *BEYOND, *WIDE, *TEXTS, *STUDIES)}
)
"""Every preset by its name, in the order in which they are shown."""
