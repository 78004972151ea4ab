"""Every experiment by its name, in the order in which they are run and shown."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from colrow.errors import ColrowError
from colrow.reproduction import mnist
from colrow.reproduction.parts import Experiment

_ALL = (mnist.TABLE1, mnist.TABLE2, mnist.FIGURE2B, mnist.FIGURE1C, mnist.FIGURE2A)

EXPERIMENTS: Mapping[str, Experiment] = MappingProxyType({e.name: e for e in _ALL})


def chosen(names: Sequence[str]) -> list[Experiment]:
    """Give the experiments of these names, all if there is none. Raises ColrowError."""
    for name in names:
        if name not in EXPERIMENTS:
            raise ColrowError(
                f"there is no table or figure {name!r} to reproduce; there are: "
                f"{', '.join(EXPERIMENTS)}"
            )
    return [EXPERIMENTS[name] for name in dict.fromkeys(names)] or list(_ALL)
