"""Every experiment by its name, in the order in which they are run and shown."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from colrow.errors import ColrowError
from colrow.reproduction import alternatives, beyond, images, initial, mnist, products, texts
from colrow.reproduction.parts import Experiment

_ALL = (
    mnist.TABLE1,
    mnist.TABLE2,
    products.FIGURE1A,
    products.FIGURE1B,
    products.FIGURE1_MIXED,
    mnist.FIGURE1C,
    mnist.FIGURE2A,
    mnist.FIGURE2B,
    alternatives.ALTERNATIVES,
    alternatives.CONVOLUTION,
    texts.LSTM_RELATIONS,
    images.WRN_RELATIONS,
    texts.LSTM_FULL,
    images.FIGURE2C,
    initial.INITIAL_WEIGHTS,
    beyond.BEYOND,
    beyond.GPT,
)

EXPERIMENTS: Mapping[str, Experiment] = MappingProxyType({e.name: e for e in _ALL})


def chosen(names: Sequence[str], *, quick: bool = False) -> list[Experiment]:
    """Give the experiments of these names; without names all, at full length without a GPU's.

    Raises ColrowError.
    """
    for name in names:
        if name not in EXPERIMENTS:
            raise ColrowError(
                f"there is no table or figure {name!r} to reproduce; there are: "
                f"{', '.join(EXPERIMENTS)}"
            )
    if not names:
        return [e for e in _ALL if quick or not e.needs_gpu]
    return [EXPERIMENTS[name] for name in dict.fromkeys(names)]
