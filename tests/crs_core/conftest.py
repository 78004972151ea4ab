"""Real data sets for the tests of the library, where there are any.

Their folder is COLROW_DATA, else the neighbour of the checkout. Tests that ask for a data set
that is not there are left out and counted in `config.left_out`; all others make their own files.
"""

import os
from pathlib import Path

import pytest

from crs_core.data.facts import FACTS, present

NEIGHBOUR = Path(__file__).parents[3] / "shared" / "datasets"
DATA_FOLDER = Path(os.environ.get("COLROW_DATA") or NEIGHBOUR)
NEEDS = {
    "mnist_folder": "mnist",
    "fashion_mnist_folder": "fashion-mnist",
    "cifar_100_folder": "cifar-100",
    "ptb_folder": "ptb",
    "wikitext_folder": "wikitext-2",
}
"""The fixtures that stand for real files, and whose files they are."""


@pytest.fixture
def mnist_folder() -> Path:
    """The folder of all data sets, with MNIST in it."""
    return DATA_FOLDER


@pytest.fixture
def fashion_mnist_folder() -> Path:
    """The folder of all data sets, with Fashion-MNIST in it."""
    return DATA_FOLDER


@pytest.fixture
def cifar_100_folder() -> Path:
    """The folder of all data sets, with CIFAR-100 in it."""
    return DATA_FOLDER


@pytest.fixture
def ptb_folder() -> Path:
    """The folder of all data sets, with PTB in it."""
    return DATA_FOLDER


@pytest.fixture
def wikitext_folder() -> Path:
    """The folder of all data sets, with WikiText-2 in it."""
    return DATA_FOLDER


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs a data set that is not there."""
    absent = {f: name for f, name in NEEDS.items() if not present(name, DATA_FOLDER)}
    for fixture, name in absent.items():
        out = [i for i in items if fixture in getattr(i, "fixturenames", ())]
        if out:
            config.hook.pytest_deselected(items=out)
            items[:] = [i for i in items if i not in out]
            counts = config.__dict__.setdefault("left_out", {})
            counts[f"{FACTS[name].title} (COLROW_DATA)"] = len(out)
