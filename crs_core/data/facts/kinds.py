"""The kinds of data sets: what is known of each of one kind, and where its files lie."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar, NamedTuple

from crs_core.events import TaskName


@dataclass(frozen=True)
class FileFacts:
    """One file of a data set. A gzipped one may lie in the folder unpacked as well."""

    name: str
    """Of the file as it is fetched; an unpacked one lacks the `.gz`."""
    size: int
    sha256: str
    unpacked_size: int | None = None
    """None for a file that is not packed."""
    unpacked_sha256: str | None = None
    urls: tuple[str, ...] = ()
    """Where the file can be had, tried in this order."""


class IdxFiles(NamedTuple):
    """The four files of a data set of images that lies in a folder of its own."""

    train_images: FileFacts
    train_labels: FileFacts
    test_images: FileFacts
    test_labels: FileFacts


class TextFiles(NamedTuple):
    """The three files of a text that lies in a folder of its own."""

    train: FileFacts
    validation: FileFacts
    test: FileFacts


@dataclass(frozen=True)
class Archive:
    """A gzipped tar file that brings the files of a data set."""

    name: str
    size: int
    sha256: str
    folder: str
    """In which the files lie inside it."""
    urls: tuple[str, ...] = ()
    """Where it can be had, tried in this order."""


@dataclass(frozen=True)
class RecordFile:
    """A binary file of records: label bytes, then the image's bytes, channel by channel."""

    name: str
    size: int
    sha256: tuple[str, ...]
    """Of each order of the same records that is known, the official one first."""


@dataclass(frozen=True)
class RecordFiles:
    """The binary files of a data set that lies in a folder of its own, or in an archive there."""

    train: tuple[RecordFile, ...]
    test: tuple[RecordFile, ...]
    label_bytes: int
    """Before each image; the last of them is what is learned."""
    archive: Archive

    @property
    def all(self) -> tuple[RecordFile, ...]:
        """Every file."""
        return self.train + self.test


@dataclass(frozen=True)
class PackageFile:
    """One file that holds a whole data set, and that an installed Python package ships."""

    package: str
    """As it is imported."""
    distribution: str
    """As it is installed."""
    path: str
    """Inside the package."""
    size: int | None = None
    """None for a file that differs from version to version."""
    sha256: str | None = None

    def locate(self) -> Path | None:
        """Give where the file should be, or None if the package is not installed.

        The package is found, not run: scikit-learn's import costs a second, and brings scipy.
        """
        spec = find_spec(self.package)
        folders = spec and spec.submodule_search_locations
        return Path(folders[0], self.path) if folders else None


@dataclass(frozen=True, kw_only=True)
class _Facts:
    """What is known of a data set of any kind."""

    name: str
    title: str
    origin: IdxFiles | TextFiles | RecordFiles | PackageFile
    source: str
    license: str

    @property
    def bundled(self) -> bool:
        """Whether a package that Colrow needs anyway brings it, so that no folder is looked at."""
        return isinstance(self.origin, PackageFile)

    @property
    def files(self) -> tuple[FileFacts, ...]:
        """The files that are fetched one by one; none if it is bundled, or an archive has them."""
        return () if isinstance(self.origin, PackageFile | RecordFiles) else self.origin

    @property
    def size_bytes(self) -> int:
        """What is to be downloaded: 0 if it is bundled."""
        if isinstance(self.origin, RecordFiles):
            return self.origin.archive.size
        return sum(f.size for f in self.files)


@dataclass(frozen=True, kw_only=True)
class ImageFacts(_Facts):
    """One data set of images with labels."""

    task: ClassVar[TaskName] = "classification"

    input_shape: tuple[int, int, int]
    """Channels, height, width."""
    classes: int
    train: int
    """Training examples, those for validation included."""
    validation: int
    """How many of `train` are held back if the spec does not say."""
    test: int
    pixel_max: int
    """Pixels are divided by this, which gives 0 to 1. That is the whole normalisation."""


@dataclass(frozen=True, kw_only=True)
class TextFacts(_Facts):
    """One text in three parts, cut into words; each line's end is a word of its own, `<eos>`."""

    task: ClassVar[TaskName] = "language-modelling"

    vocabulary: int
    """Different words, `<eos>` and `<unk>` included."""
    train: int
    """Words to train on. Unlike images, validation has a part of its own."""
    validation: int
    test: int


DatasetFacts = ImageFacts | TextFacts
"""What is known of any data set."""
