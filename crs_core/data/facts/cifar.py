"""The facts of CIFAR-10 and CIFAR-100 in their binary version; pickles are never read.

A record of CIFAR-10 is the class and 3,072 bytes (red, green, blue, row by row); one of CIFAR-100
has two label bytes, the coarse class and the fine one, which is learned. 5,000 of the 50,000
training images are held back for validation, the last of the files, as is MNIST's custom: the paper
(Adelman & Silberstein 2018) trains on all 50,000 and does not say at which step it reads the test
accuracy; ours is read at the best validation epoch.
"""

from crs_core.data.facts.kinds import Archive, ImageFacts, RecordFile, RecordFiles

_HOME = "https://www.cs.toronto.edu/~kriz/"
_SOURCE = "A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009"
_LICENSE = "None stated; the images derive from 80 Million Tiny Images, since withdrawn"


def _batch(name: str, sha256: str) -> RecordFile:
    return RecordFile(name, 10_000 * (1 + 3_072), (sha256,))


CIFAR_10 = ImageFacts(
    name="cifar-10",
    title="CIFAR-10, colour photographs of 10 classes",
    input_shape=(3, 32, 32),
    classes=10,
    train=50_000,
    validation=5_000,
    test=10_000,
    pixel_max=255,
    origin=RecordFiles(
        train=(
            _batch(
                "data_batch_1.bin",
                "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
            ),
            _batch(
                "data_batch_2.bin",
                "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
            ),
            _batch(
                "data_batch_3.bin",
                "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
            ),
            _batch(
                "data_batch_4.bin",
                "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
            ),
            _batch(
                "data_batch_5.bin",
                "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
            ),
        ),
        test=(
            _batch(
                "test_batch.bin",
                "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
            ),
        ),
        label_bytes=1,
        archive=Archive(
            name="cifar-10-binary.tar.gz",
            size=170_052_171,
            sha256="c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            folder="cifar-10-batches-bin",
            urls=(_HOME + "cifar-10-binary.tar.gz",),
        ),
    ),
    source=_SOURCE,
    license=_LICENSE,
)

CIFAR_100 = ImageFacts(
    name="cifar-100",
    title="CIFAR-100, colour photographs of 100 classes",
    input_shape=(3, 32, 32),
    classes=100,
    train=50_000,
    validation=5_000,
    test=10_000,
    pixel_max=255,
    origin=RecordFiles(
        # The second checksum is of the same records in one shuffled order, in which they also go
        # round: validation then holds other images, so jobs of the two orders are no pairs.
        train=(
            RecordFile(
                "train.bin",
                50_000 * (2 + 3_072),
                (
                    "f31298fc616915fa142368359df1c4ca2ae984d6915ca468b998a5ec6aeebf29",
                    "7c90000cb399afa9110e0b89294a69958e08e6bc3e27f4f1401e4aa11cf186fe",
                ),
            ),
        ),
        test=(
            RecordFile(
                "test.bin",
                10_000 * (2 + 3_072),
                (
                    "d8b1e6b7b3bee4020055f0699b111f60b1af1e262aeb93a0b659061746f8224a",
                    "f5fc5a04e7a72f73980c3c58071301eadd3d5d01008809a63f0a7e6b902ea9d2",
                ),
            ),
        ),
        label_bytes=2,
        archive=Archive(
            name="cifar-100-binary.tar.gz",
            size=168_513_733,
            sha256="58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
            folder="cifar-100-binary",
            urls=(_HOME + "cifar-100-binary.tar.gz",),
        ),
    ),
    source=_SOURCE,
    license=_LICENSE,
)
