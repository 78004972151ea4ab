"""The data set `digits`, read from the file that the scikit-learn package ships."""

import gzip
import hashlib

import numpy as np
from numpy.typing import NDArray

from crs_core.data.facts import PackageFile
from crs_core.errors import DatasetError

SHUFFLE_SEED = 0
"""Of the one order in which the examples are split, whatever the seed of a training."""


def read_digits(file: PackageFile) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Give all images, N H W with pixels from 0 to 16, and their labels, in a fixed shuffled order.

    In the file each line is an example, and groups of writers follow each other, so that its end
    would make a test set of other writers. RandomState's stream is frozen by NumPy's policy (NEP
    19): the split is the same with every version.

    Raises DatasetError where scikit-learn is not installed, or its file is not the one we know.
    """
    lines = gzip.decompress(_content(file)).decode().splitlines()
    table = np.loadtxt(lines, delimiter=",", dtype=np.uint8)
    table = table[np.random.RandomState(SHUFFLE_SEED).permutation(len(table))]
    return table[:, :-1].reshape(-1, 8, 8), table[:, -1]


def _content(file: PackageFile) -> bytes:
    path = file.locate()
    if path is None:
        raise DatasetError(
            f"digits is read from a file of {file.distribution}, which is not installed; install "
            f"{file.distribution}"
        )
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DatasetError(
            f"{path} cannot be read: {error.strerror or error}; install {file.distribution} anew"
        ) from error
    digest = hashlib.sha256(content).hexdigest()
    if (len(content), digest) != (file.size, file.sha256):
        raise DatasetError(
            f"{path} is damaged or another version's: it has {len(content)} bytes with SHA-256 "
            f"{digest}, but {file.size} bytes with {file.sha256} are needed; install a version of "
            f"{file.distribution} that ships this file"
        )
    return content
