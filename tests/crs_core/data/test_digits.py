"""Digits, from the file that scikit-learn ships, without scikit-learn's code."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest
import torch

from crs_core.data.digits import read_digits
from crs_core.data.facts import DIGITS
from crs_core.data.load import load
from crs_core.errors import DatasetError
from crs_core.spec import Dataset

SPEC = Dataset(name="digits")


def test_digits_are_split_into_parts_of_all_classes():
    data = load(SPEC, None)
    assert [len(x) for x in (data.train_x, data.validation_x, data.test_x)] == [1077, 180, 540]
    assert data.train_x.shape[1:] == (1, 8, 8)
    everything = torch.cat([data.train_x, data.validation_x, data.test_x])
    assert everything.dtype == torch.float32
    assert set((everything * 16).unique().tolist()) == set(map(float, range(17)))
    for y in (data.train_y, data.validation_y, data.test_y):
        counts = torch.bincount(y, minlength=10) / len(y)
        assert ((counts > 0.05) & (counts < 0.15)).all()


def test_the_order_is_the_same_for_ever():
    images, labels = read_digits(DIGITS.origin)
    assert labels[:10].tolist() == [2, 8, 2, 6, 6, 7, 1, 9, 8, 5]
    assert labels[1257:1267].tolist() == [1, 9, 9, 7, 1, 8, 5, 0, 8, 7]
    digest = hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest()
    assert digest == "0113aa32bd8e58750a54bcdae2a9bf5194cfb4bae3ad71eb5b1be3553b9c0c54"


def test_the_examples_are_those_of_scikit_learn():
    """In another process: scikit-learn's import must not change what this one finds."""
    code = (
        "import numpy as np; from sklearn.datasets import load_digits; "
        "from crs_core.data.digits import read_digits; from crs_core.data.facts import DIGITS; "
        "images, labels = read_digits(DIGITS.origin); theirs = load_digits(); "
        "order = np.random.RandomState(0).permutation(1797); "
        "assert np.array_equal(images, theirs.images[order]); "
        "assert np.array_equal(labels, theirs.target[order])"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_reading_does_not_import_the_package_that_ships_the_file():
    code = (
        "import sys; from pathlib import Path; from crs_core.data.load import load; "
        "from crs_core.spec import Dataset; load(Dataset(name='digits'), None); "
        "sys.exit(bool({'sklearn', 'scipy'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def message() -> str:
    with pytest.raises(DatasetError) as caught:
        load(SPEC, None, download=True)
    return str(caught.value)


def test_without_scikit_learn_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    assert message() == (
        "digits is read from a file of scikit-learn, which is not installed; install scikit-learn"
    )


def test_a_version_without_the_file_is_told(shipped_digits):
    assert message() == (
        f"{shipped_digits} cannot be read: No such file or directory; install scikit-learn anew"
    )


@pytest.mark.parametrize("size", [57_522, 57_523])
def test_another_versions_file_is_told_by_size_and_checksum(shipped_digits, size):
    content = np.random.default_rng(7).bytes(size)
    shipped_digits.write_bytes(content)
    assert message() == (
        f"{shipped_digits} is damaged or another version's: it has {size} bytes with SHA-256 "
        f"{hashlib.sha256(content).hexdigest()}, but 57523 bytes with "
        "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22 are needed; install a "
        "version of scikit-learn that ships this file"
    )
