"""Data sets in memory: find or fetch the files, check them, give tensors.

Pixels are divided by the data set's largest value and nothing more: MNIST's become 0 to 1, as in
the paper (Adelman & Silberstein 2018); no mean is taken off. The whole data set is held once, as
float32: a batch is then one `index_select`, which on the CPU is cheaper than a conversion per step.
"""

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from crs_core.data.digits import read_digits
from crs_core.data.download import OnProgress, fetch
from crs_core.data.facts import FACTS, DatasetFacts, FileFacts, PackageFile, found
from crs_core.data.idx import parse_idx
from crs_core.errors import DatasetError
from crs_core.rules import split_sizes
from crs_core.spec import Dataset

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Data:
    """A whole data set. Images are float32 from 0 to 1, N C H W; labels are int64, N.

    Training and validation are views of the same memory.
    """

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
    """Give the data set that a spec names, from `folder/<name>/` or an installed package.

    Validation is the end of the training part, in the order of the files (of the shuffle, for
    digits), as is MNIST's custom; training is its beginning. With `download`, files that are
    missing or damaged are fetched.

    Raises DatasetError for a file that is missing, truncated or damaged, or can't be fetched, and
    SpecError where validation or `train_limit` asks for more than there is.
    """
    facts = FACTS[dataset.name]
    train, validation = split_sizes(dataset)
    if isinstance(facts.origin, PackageFile):
        images, labels = read_digits(facts.origin)
        x, y = _tensors(facts, images[: facts.train], labels[: facts.train])
        test_x, test_y = _tensors(facts, images[facts.train :], labels[facts.train :])
    else:
        arrays = _from_folder(facts, folder, download=download, on_progress=on_progress)
        x, y = _tensors(facts, *arrays[:2])
        test_x, test_y = _tensors(facts, *arrays[2:])
    begin = facts.train - validation
    return Data(x[:train], y[:train], x[begin:], y[begin:], test_x, test_y)


def _from_folder(
    facts: DatasetFacts, folder: Path | None, *, download: bool, on_progress: OnProgress | None
) -> list[Bytes]:
    """Give what the data set's files hold, in their order."""
    if folder is None:
        raise DatasetError(
            f"{facts.name} is read from files, but no data folder is given; name the folder that "
            f"has its {len(facts.files)} files in {facts.name}/, or into which they may be fetched"
        )
    home = folder / facts.name

    def content(file: FileFacts) -> bytes:
        try:
            return _content(file, home, facts)
        except DatasetError as error:
            if not download:
                raise
            unusable = error
        try:
            fetch(file, home, on_progress=on_progress)
        except DatasetError as error:
            if _any(file, home) is None:
                raise
            why = str(unusable).removesuffix(", or allow downloads")
            raise DatasetError(f"{why}. {error}") from None
        return _content(file, home, facts)

    _, height, width = facts.input_shape
    images, labels = f"{facts.name}'s images", f"{facts.name}'s labels"
    kinds = [
        (images, (facts.train, height, width)),
        (labels, (facts.train,)),
        (images, (facts.test, height, width)),
        (labels, (facts.test,)),
    ]
    return [
        parse_idx(content(file), shape, name=name)
        for file, (name, shape) in zip(facts.files, kinds, strict=True)
    ]


def _tensors(facts: DatasetFacts, images: Bytes, labels: Bytes) -> tuple[Tensor, Tensor]:
    pixels = torch.from_numpy(images.astype(np.float32)).div_(facts.pixel_max)
    return pixels.reshape(-1, *facts.input_shape), torch.from_numpy(labels.astype(np.int64))


def _content(file: FileFacts, home: Path, facts: DatasetFacts) -> bytes:
    """Read one file, unpacked, after a check of its size and checksum."""
    path = found(file, home) or _any(file, home)
    if path is None:
        raise DatasetError(
            f"{home / file.name} is missing; put the {len(facts.files)} files of {facts.name} "
            f"({', '.join(f.name for f in facts.files)}) there, or allow downloads"
        )
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DatasetError(
            f"{path} cannot be read: {error.strerror or error}; mend its permissions"
        ) from error
    packed = path.name == file.name
    size = file.size if packed else file.unpacked_size
    if len(content) != size:
        raise DatasetError(
            f"{path} has {len(content)} bytes, but {size} are needed: it is "
            f"{'truncated' if len(content) < size else 'another file'}; put the whole file there, "
            "or allow downloads"
        )
    sha256 = file.sha256 if packed else file.unpacked_sha256
    digest = hashlib.sha256(content).hexdigest()
    if digest != sha256:
        raise DatasetError(
            f"{path} is damaged or another file: its SHA-256 is {digest}, but {sha256} is needed; "
            "put the right file there, or allow downloads"
        )
    return gzip.decompress(content) if packed else content


def _any(file: FileFacts, home: Path) -> Path | None:
    """Give the file's path though its size is wrong, so that the error can tell it."""
    packed = home / file.name
    return next((p for p in (packed, packed.with_suffix("")) if p.exists()), None)
