"""The data set: real measurements that scikit-learn ships."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from colrow_example.offers import TUMOURS


def load(_folder: Path | None) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Give training and test examples in one fixed shuffled order, each measurement standardised.

    The folder would be the data set's own; this one needs no files.
    """
    from sklearn.datasets import load_breast_cancer

    x, y = load_breast_cancer(return_X_y=True)
    order = np.random.RandomState(0).permutation(len(x))
    x, y, train = x[order], y[order], TUMOURS.train
    x = (x - x[:train].mean(0)) / x[:train].std(0)
    images = x.reshape(-1, *TUMOURS.input_shape).astype(np.float32)
    return images[:train], y[:train], images[train:], y[train:]
