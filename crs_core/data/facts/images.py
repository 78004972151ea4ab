"""The data sets of images: shapes, sizes, checksums, origins."""

from crs_core.data.facts.kinds import FileFacts, IdxFiles, ImageFacts, PackageFile


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


DIGITS = ImageFacts(
    name="digits",
    title="Digits, 8 x 8 handwritten digits",
    input_shape=(1, 8, 8),
    classes=10,
    train=1_257,
    validation=180,
    test=540,
    pixel_max=16,
    origin=PackageFile(
        package="sklearn",
        distribution="scikit-learn",
        path="datasets/data/digits.csv.gz",
        size=57_523,
        sha256="09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22",
    ),
    source=(
        "E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning "
        "Repository, 1998; its test part of 1,797 images, as scikit-learn ships it"
    ),
    license="CC BY 4.0",
)

MNIST = ImageFacts(
    name="mnist",
    title="MNIST, handwritten digits",
    input_shape=(1, 28, 28),
    classes=10,
    train=60_000,
    validation=5_000,
    test=10_000,
    pixel_max=255,
    origin=IdxFiles(
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
    ),
    source=("Y. LeCun, C. Cortes, C. J. C. Burges, The MNIST database of handwritten digits, 1998"),
    license="Copyright Yann LeCun and Corinna Cortes; commonly listed as CC BY-SA 3.0",
)

FASHION_MNIST = ImageFacts(
    name="fashion-mnist",
    title="Fashion-MNIST, articles of clothing",
    input_shape=(1, 28, 28),
    classes=10,
    train=60_000,
    validation=5_000,
    test=10_000,
    pixel_max=255,
    origin=IdxFiles(
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
    ),
    source=(
        "H. Xiao, K. Rasul, R. Vollgraf, Fashion-MNIST: a Novel Image Dataset for Benchmarking "
        "Machine Learning Algorithms, arXiv:1708.07747, 2017"
    ),
    license="MIT, copyright 2017 Zalando SE",
)

IMAGES = (DIGITS, MNIST, FASHION_MNIST)
