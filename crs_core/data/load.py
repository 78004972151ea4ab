"""Data sets of images in memory: find or fetch the files, check them, give tensors.

Pixels are divided by the data set's largest value and nothing more: MNIST's become 0 to 1, as in
the paper (Adelman & Silberstein 2018); no mean is taken off. The whole data set is held once. Small
ones are held as float32: a batch is then one `index_select`, which on the CPU is cheaper than a
conversion per step. Colour photographs, 600 MB that way, stay bytes; `pixels` makes floats of a
batch.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from crs_core.data.digits import read_digits
from crs_core.data.download import OnProgress
from crs_core.data.facts import FACTS, ImageFacts, PackageFile, RecordFiles
from crs_core.data.files import read_files
from crs_core.data.idx import parse_idx
from crs_core.data.records import Records, read_records
from crs_core.rules import split_sizes
from crs_core.spec import Dataset

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Data:
    """A whole data set. Images are N C H W, float32 from 0 to 1 or uint8; labels are int64, N.

    Training and validation are views of the same memory.
    """

    train_x: Tensor
    train_y: Tensor
    validation_x: Tensor
    validation_y: Tensor
    test_x: Tensor
    test_y: Tensor
    notes: tuple[str, ...] = ()
    """What the reader of a job's results should know of the data."""


def pixels(images: Tensor, facts: ImageFacts) -> Tensor:
    """Give images as float32 from 0 to 1, on their device; floats are taken to be so already."""
    return images.float().div_(facts.pixel_max) if images.dtype == torch.uint8 else images


def load(
    dataset: Dataset,
    folder: Path | None,
    *,
    download: bool = False,
    on_progress: OnProgress | None = None,
) -> Data:
    """Give the data set that a spec names, from `folder/<name>/` or an installed package.

    Validation is the end of the training part, in the order of the files (of the shuffle, for
    digits), as is MNIST's custom; training is its beginning. With `download`, files that are
    missing or damaged are fetched.

    Raises DatasetError for a file that is missing, truncated or damaged, or can't be fetched, and
    SpecError where validation or `train_limit` asks for more than there is.
    """
    facts = FACTS[dataset.name]
    assert isinstance(facts, ImageFacts)
    train, validation = split_sizes(dataset)
    notes: tuple[str, ...] = ()
    if isinstance(facts.origin, PackageFile):
        images, labels = read_digits(facts.origin)
        x, y = _tensors(facts, images[: facts.train], labels[: facts.train])
        test_x, test_y = _tensors(facts, images[facts.train :], labels[facts.train :])
    elif isinstance(facts.origin, RecordFiles):
        records, tests = read_records(facts, folder, download=download, on_progress=on_progress)
        x, y = _bytes(records)
        test_x, test_y = _bytes(tests)
        notes = _note(facts, records)
    else:
        arrays = _from_folder(facts, folder, download=download, on_progress=on_progress)
        x, y = _tensors(facts, *arrays[:2])
        test_x, test_y = _tensors(facts, *arrays[2:])
    begin = facts.train - validation
    return Data(x[:train], y[:train], x[begin:], y[begin:], test_x, test_y, notes)


def _bytes(records: Records) -> tuple[Tensor, Tensor]:
    labels = torch.from_numpy(records.labels.astype(np.int64))
    return torch.from_numpy(records.images), labels


def _note(facts: ImageFacts, records: Records) -> tuple[str, ...]:
    if records.is_official:
        return ()
    return (
        f"{facts.name} is in a known order that is not the official one: validation holds other "
        "images, so compare only with jobs of the same files",
    )


def _from_folder(
    facts: ImageFacts, folder: Path | None, *, download: bool, on_progress: OnProgress | None
) -> list[Bytes]:
    """Give what the data set's files hold, in their order."""
    contents = read_files(facts, folder, download=download, on_progress=on_progress)
    _, height, width = facts.input_shape
    images, labels = f"{facts.name}'s images", f"{facts.name}'s labels"
    kinds = [
        (images, (facts.train, height, width)),
        (labels, (facts.train,)),
        (images, (facts.test, height, width)),
        (labels, (facts.test,)),
    ]
    return [
        parse_idx(content, shape, name=name)
        for content, (name, shape) in zip(contents, kinds, strict=True)
    ]


def _tensors(facts: ImageFacts, images: Bytes, labels: Bytes) -> tuple[Tensor, Tensor]:
    pixels = torch.from_numpy(images.astype(np.float32)).div_(facts.pixel_max)
    return pixels.reshape(-1, *facts.input_shape), torch.from_numpy(labels.astype(np.int64))
