"""Data sets in memory, and what is said of files that are missing or damaged."""

import gzip
from dataclasses import replace

import numpy as np
import pytest
import torch

from crs_core.data.facts import IdxFiles
from crs_core.data.load import load
from crs_core.errors import DatasetError, SpecError
from crs_core.spec import Dataset
from tests.crs_core.data.conftest import TRAIN, VALIDATION, file_facts, use

MNIST = Dataset(name="mnist")


@pytest.mark.parametrize("packed", [True, False])
def test_images_are_scaled_and_split_in_the_order_of_the_files(small_mnist, packed):
    small_mnist.write(packed=packed)
    data = load(MNIST, small_mnist.folder)
    everything = torch.cat([data.train_x, data.validation_x, data.test_x])
    assert everything.dtype == torch.float32
    assert everything.shape == (16, 1, 28, 28)
    np.testing.assert_array_equal(
        everything[:, 0].numpy(), small_mnist.images.astype(np.float32) / 255
    )
    assert (everything.min(), everything.max()) == (0.0, 1.0)
    labels = torch.cat([data.train_y, data.validation_y, data.test_y])
    assert labels.dtype == torch.int64
    assert labels.tolist() == small_mnist.labels.tolist()
    assert len(data.train_x) == len(data.train_y) == TRAIN - VALIDATION
    assert len(data.validation_x) == len(data.validation_y) == VALIDATION


def test_a_limit_takes_the_first_examples_and_leaves_validation_as_it_is(small_mnist):
    small_mnist.write()
    whole = load(Dataset(name="mnist", validation=4), small_mnist.folder)
    limited = load(Dataset(name="mnist", validation=4, train_limit=2), small_mnist.folder)
    assert len(whole.train_x) == 7
    assert torch.equal(limited.train_x, whole.train_x[:2])
    assert torch.equal(limited.train_y, whole.train_y[:2])
    assert torch.equal(limited.validation_x, whole.validation_x)


def test_training_and_validation_share_their_memory(small_mnist):
    small_mnist.write()
    data = load(MNIST, small_mnist.folder)
    one, other = data.train_x.untyped_storage(), data.validation_x.untyped_storage()
    assert one.data_ptr() == other.data_ptr()


def test_more_than_there_is_is_refused(small_mnist):
    small_mnist.write()
    with pytest.raises(SpecError, match="at most 8"):
        load(Dataset(name="mnist", train_limit=9), small_mnist.folder)


def test_real_mnist_has_the_published_numbers(mnist_folder):
    data = load(MNIST, mnist_folder)
    assert [len(x) for x in (data.train_x, data.validation_x, data.test_x)] == [55000, 5000, 10000]
    assert data.train_y[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert data.test_y[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    train = torch.cat([data.train_x, data.validation_x])
    assert round(train.mean(dtype=torch.float64).item(), 4) == 0.1307
    assert round(train.double().std().item(), 4) == 0.3081
    labels = torch.cat([data.train_y, data.validation_y])
    assert torch.bincount(labels).tolist() == [
        5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949,
    ]  # fmt: skip


def test_real_fashion_mnist_has_the_published_numbers(fashion_mnist_folder):
    data = load(Dataset(name="fashion-mnist"), fashion_mnist_folder)
    labels = torch.cat([data.train_y, data.validation_y])
    assert torch.bincount(labels).tolist() == [6000] * 10
    assert torch.bincount(data.test_y).tolist() == [1000] * 10
    train = torch.cat([data.train_x, data.validation_x])
    assert round(train.mean(dtype=torch.float64).item(), 4) == 0.2860


def message(folder) -> str:
    with pytest.raises(DatasetError) as caught:
        load(MNIST, folder)
    return str(caught.value)


def test_without_a_folder_the_error_says_what_to_name():
    assert message(None) == (
        "mnist is read from files, but no data folder is given; name the folder that has its 4 "
        "files in mnist/, or into which they may be fetched"
    )


def test_a_missing_file_is_named_with_all_that_are_needed(small_mnist):
    small_mnist.write()
    path = small_mnist.home / "t10k-labels-idx1-ubyte.gz"
    path.unlink()
    assert message(small_mnist.folder) == (
        f"{path} is missing; put the 4 files of mnist (train-images-idx3-ubyte.gz, "
        "train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz, t10k-labels-idx1-ubyte.gz) there, "
        "or allow downloads"
    )


@pytest.mark.parametrize("packed", [True, False])
def test_a_truncated_file_is_told_from_a_longer_one(small_mnist, packed):
    small_mnist.write(packed=packed)
    path = small_mnist.home / f"train-images-idx3-ubyte{'.gz' if packed else ''}"
    content = path.read_bytes()
    path.write_bytes(content[:100])
    assert message(small_mnist.folder) == (
        f"{path} has 100 bytes, but {len(content)} are needed: it is truncated; put the whole "
        "file there, or allow downloads"
    )
    path.write_bytes(content + b"x")
    assert "are needed: it is another file; put" in message(small_mnist.folder)


@pytest.mark.parametrize("packed", [True, False])
def test_a_damaged_file_is_told_by_its_checksum(small_mnist, packed):
    small_mnist.write(packed=packed)
    path = small_mnist.home / f"train-labels-idx1-ubyte{'.gz' if packed else ''}"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    facts = small_mnist.facts.origin.train_labels
    needed = facts.sha256 if packed else facts.unpacked_sha256
    said = message(small_mnist.folder)
    assert said.startswith(f"{path} is damaged or another file: its SHA-256 is ")
    assert said.endswith(f"but {needed} is needed; put the right file there, or allow downloads")


def test_a_file_of_another_format_is_told_by_its_magic(small_mnist, monkeypatch):
    content = b"\0\0\x08\x01" + small_mnist.unpacked["t10k-images-idx3-ubyte.gz"][4:]
    wrong = file_facts("t10k-images-idx3-ubyte", content)
    small_mnist.unpacked[wrong.name] = content
    small_mnist.write()
    files = small_mnist.facts.origin._replace(test_images=wrong)
    use(replace(small_mnist.facts, origin=files), monkeypatch)
    assert message(small_mnist.folder) == (
        "mnist's images begins with 00000801, but an IDX file of bytes in 3 dimensions begins "
        "with 00000803; put the right file there"
    )


def test_a_file_that_cannot_be_opened_is_told(small_mnist):
    small_mnist.write()
    path = small_mnist.home / "train-images-idx3-ubyte.gz"
    path.unlink()
    path.mkdir()
    assert message(small_mnist.folder) == (
        f"{path} cannot be read: Is a directory; mend its permissions"
    )


def test_a_failed_fetch_says_why_the_file_that_lies_there_is_not_used(
    small_mnist, server, monkeypatch
):
    small_mnist.write()
    cut = small_mnist.home / "train-labels-idx1-ubyte.gz"
    size = len(cut.read_bytes())
    cut.write_bytes(cut.read_bytes()[:-3])
    urls = (f"{server.url}gone", f"{server.url}gone-too")
    files = [replace(f, urls=urls) for f in small_mnist.facts.files]
    use(replace(small_mnist.facts, origin=IdxFiles(*files)), monkeypatch)
    with pytest.raises(DatasetError) as caught:
        load(MNIST, small_mnist.folder, download=True)
    assert str(caught.value) == (
        f"{cut} has {size - 3} bytes, but {size} are needed: it is truncated; put the whole file "
        f"there. {cut.name} could not be fetched ({urls[0]}: HTTP 404 Not Found; {urls[1]}: HTTP "
        f"404 Not Found); look at the network and try again, or put the file into {cut.parent} "
        "yourself"
    )


def test_missing_and_damaged_files_are_fetched_where_that_is_allowed(
    small_mnist, server, monkeypatch
):
    small_mnist.write()
    damaged = small_mnist.home / "t10k-images-idx3-ubyte.gz"
    damaged.write_bytes(damaged.read_bytes()[:-3])
    (small_mnist.home / "train-labels-idx1-ubyte.gz").unlink()
    server.files = small_mnist.packed
    files = [replace(f, urls=(server.url + f.name,)) for f in small_mnist.facts.files]
    use(replace(small_mnist.facts, origin=IdxFiles(*files)), monkeypatch)
    told: list[str] = []
    data = load(
        MNIST,
        small_mnist.folder,
        download=True,
        on_progress=lambda name, _there, _total: told.append(name),
    )
    assert data.test_y.tolist() == small_mnist.labels[TRAIN:].tolist()
    assert set(told) == {"train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz"}
    assert len(server.requests) == 2
    assert gzip.decompress(damaged.read_bytes()) == small_mnist.unpacked[damaged.name]
    load(MNIST, small_mnist.folder)
