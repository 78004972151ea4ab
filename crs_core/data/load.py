"""Data sets in memory: find or fetch the files, check them, give tensors."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from crs_core.spec import Dataset

OnProgress = Callable[[str, int, int], None]
"""Hears (file name, bytes there, bytes in all) while a file is fetched."""


@dataclass(frozen=True)
class Data:
    """A whole data set. Images are float32 from 0 to 1, N C H W; labels are int64, N."""

    train_x: Tensor
    train_y: Tensor
    validation_x: Tensor
    validation_y: Tensor
    test_x: Tensor
    test_y: Tensor


def load(
    dataset: Dataset,
    folder: Path | None,
    *,
    download: bool = False,
    on_progress: OnProgress | None = None,
) -> Data:
    """Give the data set that a spec names, from `folder/<name>/`.

    Raises DatasetError for a file that is missing, truncated or damaged, or cannot be fetched.
    """
    raise RuntimeError("the loading is being written")
