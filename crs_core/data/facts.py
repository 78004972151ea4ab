"""What is known of the data sets without opening them: shapes, sizes, files, checksums, origins.

Nothing heavy is imported here: the api and every worker's supervisor read it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

BUNDLED_FOLDER = Path(__file__).parent / "bundled"
"""Where the data sets that come with the package are."""


@dataclass(frozen=True)
class FileFacts:
    """One gzipped IDX file, and the same file unpacked; either may lie in the folder."""

    name: str
    """Of the gzipped file; the unpacked one lacks the `.gz`."""
    size: int
    sha256: str
    unpacked_size: int
    unpacked_sha256: str
    urls: tuple[str, ...] = ()
    """Where the gzipped file can be had, tried in this order."""


@dataclass(frozen=True)
class DatasetFacts:
    """One data set of images with labels."""

    name: str
    title: str
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
    train_images: FileFacts
    train_labels: FileFacts
    test_images: FileFacts
    test_labels: FileFacts
    source: str
    license: str
    bundled: bool = False
    """Whether the files come with the package."""

    @property
    def files(self) -> tuple[FileFacts, ...]:
        """The four files."""
        return self.train_images, self.train_labels, self.test_images, self.test_labels

    @property
    def size_bytes(self) -> int:
        """What is to be downloaded: 0 for a data set that comes with the package."""
        return 0 if self.bundled else sum(f.size for f in self.files)

    def folder(self, root: Path | None) -> Path | None:
        """Give the folder of the files below the folder of all data sets, if there is one."""
        if self.bundled:
            return BUNDLED_FOLDER / self.name
        return None if root is None else root / self.name


def present(name: str, root: Path | None) -> bool:
    """Tell whether the files of a data set lie under `root`, with the right sizes.

    Their contents are not read, so this is cheap enough for a heartbeat; `load` checks them.
    """
    facts = FACTS[name]
    folder = facts.folder(root)
    return folder is not None and all(found(f, folder) for f in facts.files)


def found(file: FileFacts, folder: Path) -> Path | None:
    """Give the path of a file of the right size, gzipped before unpacked, or None."""
    packed = folder / file.name
    if _size(packed) == file.size:
        return packed
    unpacked = packed.with_suffix("")
    return unpacked if _size(unpacked) == file.unpacked_size else None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # not there, or not for us to read: then it is not present
        return -1


def _mnist(name: str, size: int, sha256: str, unpacked_size: int, unpacked: str) -> FileFacts:
    mirrors = (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    )
    urls = tuple(m + name for m in mirrors)
    return FileFacts(name, size, sha256, unpacked_size, unpacked, urls)


def _fashion(name: str, size: int, sha256: str, unpacked_size: int, unpacked: str) -> FileFacts:
    mirrors = (
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
    )
    urls = tuple(m + name for m in mirrors)
    return FileFacts(name, size, sha256, unpacked_size, unpacked, urls)


DIGITS = DatasetFacts(
    name="digits",
    title="Digits, 8 x 8 handwritten digits",
    input_shape=(1, 8, 8),
    classes=10,
    train=1_257,
    validation=180,
    test=540,
    pixel_max=16,
    train_images=FileFacts(
        "train-images-idx3-ubyte.gz",
        31_158,
        "7ad27ea31599d28f739cd83631a085413d76130653e0bef5aef1072a0834d19e",
        80_464,
        "68975a184cfc3b08ee55ddb42426fa798eedfec3542bedcd980d59d74933edae",
    ),
    train_labels=FileFacts(
        "train-labels-idx1-ubyte.gz",
        655,
        "b83d6264e38a29945ad189efa8b66f6cd768396f21d4bb08baf330cf62fd0ba5",
        1_265,
        "cd4ffc180adcd689b6527cdaa20c319ec50ee2cd703da53f2cd1e62bcedb3432",
    ),
    test_images=FileFacts(
        "test-images-idx3-ubyte.gz",
        13_650,
        "9325e6a1ce4ede3ea57821119ae2ae497a06e423e5cea4191be5263e3b4cd505",
        34_576,
        "3e3ef4b01b5db40d3d46822afed4ca1a05c9fcc201849032cb83e24f1f07608b",
    ),
    test_labels=FileFacts(
        "test-labels-idx1-ubyte.gz",
        296,
        "2cd31f602c51c6ab0f5136ba903e92c5fde771c955afb232413f1f9c5bc81f02",
        548,
        "aa471ca1e8c2aaca45c6ac94bc29d938ef0402cf44e5128f4b9c67f1cc1d5861",
    ),
    source=(
        "E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning "
        "Repository, 1998; its test part of 1,797 images"
    ),
    license="CC BY 4.0",
    bundled=True,
)

MNIST = DatasetFacts(
    name="mnist",
    title="MNIST, handwritten digits",
    input_shape=(1, 28, 28),
    classes=10,
    train=60_000,
    validation=5_000,
    test=10_000,
    pixel_max=255,
    train_images=_mnist(
        "train-images-idx3-ubyte.gz",
        9_912_422,
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        47_040_016,
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    train_labels=_mnist(
        "train-labels-idx1-ubyte.gz",
        28_881,
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        60_008,
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    test_images=_mnist(
        "t10k-images-idx3-ubyte.gz",
        1_648_877,
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        7_840_016,
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    test_labels=_mnist(
        "t10k-labels-idx1-ubyte.gz",
        4_542,
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        10_008,
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
    source=("Y. LeCun, C. Cortes, C. J. C. Burges, The MNIST database of handwritten digits, 1998"),
    license="Copyright Yann LeCun and Corinna Cortes; commonly listed as CC BY-SA 3.0",
)

FASHION_MNIST = DatasetFacts(
    name="fashion-mnist",
    title="Fashion-MNIST, articles of clothing",
    input_shape=(1, 28, 28),
    classes=10,
    train=60_000,
    validation=5_000,
    test=10_000,
    pixel_max=255,
    train_images=_fashion(
        "train-images-idx3-ubyte.gz",
        26_421_880,
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        47_040_016,
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    ),
    train_labels=_fashion(
        "train-labels-idx1-ubyte.gz",
        29_515,
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        60_008,
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    ),
    test_images=_fashion(
        "t10k-images-idx3-ubyte.gz",
        4_422_102,
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        7_840_016,
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    ),
    test_labels=_fashion(
        "t10k-labels-idx1-ubyte.gz",
        5_148,
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        10_008,
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
    source=(
        "H. Xiao, K. Rasul, R. Vollgraf, Fashion-MNIST: a Novel Image Dataset for Benchmarking "
        "Machine Learning Algorithms, arXiv:1708.07747, 2017"
    ),
    license="MIT, copyright 2017 Zalando SE",
)

FACTS: Mapping[str, DatasetFacts] = {f.name: f for f in (DIGITS, MNIST, FASHION_MNIST)}
"""Every data set that a spec can name."""
