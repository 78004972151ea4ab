"""CIFAR's binary files: read, and held as bytes; never a pickle."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from crs_core.data import download
from crs_core.data.download import is_writable
from crs_core.data.facts import CIFAR_10, CIFAR_100, RecordFile, present
from crs_core.data.load import load, pixels
from crs_core.data.records import parse_records
from crs_core.errors import DatasetError
from crs_core.spec import Dataset
from tests.crs_core.data.conftest import TEST, TRAIN, VALIDATION, SmallCifar, digest

CIFAR = Dataset(name="cifar-100")


def message(small: SmallCifar, **options: object) -> str:
    with pytest.raises(DatasetError) as caught:
        load(CIFAR, small.folder, **options)
    return str(caught.value)


def test_images_stay_bytes_and_are_split_in_the_order_of_the_files(small_cifar):
    small_cifar.write()
    data = load(CIFAR, small_cifar.folder)
    everything = torch.cat([data.train_x, data.validation_x, data.test_x])
    assert everything.dtype == torch.uint8
    np.testing.assert_array_equal(everything.numpy(), small_cifar.images)
    labels = torch.cat([data.train_y, data.validation_y, data.test_y])
    assert labels.dtype == torch.int64
    assert labels.tolist() == small_cifar.labels.tolist()
    assert [len(data.train_x), len(data.validation_x), len(data.test_x)] == [8, VALIDATION, TEST]
    assert (
        data.train_x.untyped_storage().data_ptr() == data.validation_x.untyped_storage().data_ptr()
    )
    assert data.notes == ()


def test_a_batch_of_bytes_becomes_floats_from_0_to_1():
    images = torch.arange(0, 256, dtype=torch.uint8).reshape(1, 1, 16, 16)
    made = pixels(images, CIFAR_10)
    assert made.dtype == torch.float32
    assert torch.equal(made, torch.arange(256).reshape(1, 1, 16, 16) / 255)
    assert pixels(made, CIFAR_10) is made


def test_one_label_byte_or_two(small_cifar):
    record = bytes([4, 7]) + bytes(range(12))
    one, labels = parse_records(record[1:], (3, 2, 2), label_bytes=1, classes=10, name="x")
    assert (one.tolist(), labels.tolist()) == (
        [[[[0, 1], [2, 3]], [[4, 5], [6, 7]], [[8, 9], [10, 11]]]],
        [7],
    )
    two, labels = parse_records(record * 2, (3, 2, 2), label_bytes=2, classes=8, name="x")
    assert (two.shape, labels.tolist()) == ((2, 3, 2, 2), [7, 7])


def test_a_label_that_is_no_class_is_told():
    content = bytes([9] + [0] * 12 + [10] + [0] * 12)
    with pytest.raises(DatasetError) as caught:
        parse_records(content, (3, 2, 2), label_bytes=1, classes=10, name="data_batch_1.bin")
    assert str(caught.value) == (
        "record 2 of data_batch_1.bin has label 10, but the 10 classes are 0 to 9; put the right "
        "file there"
    )


def test_content_that_ends_within_a_record_is_told():
    with pytest.raises(DatasetError) as caught:
        parse_records(bytes(30), (3, 2, 2), label_bytes=1, classes=10, name="test.bin")
    assert str(caught.value) == (
        "test.bin has 30 bytes, but its records have 13 each: it is cut in record 3; put the whole "
        "file there"
    )


def test_a_file_cut_in_a_record_is_told_from_a_longer_one(small_cifar):
    small_cifar.write()
    path = small_cifar.home / "train.bin"
    content = path.read_bytes()
    path.write_bytes(content[:7000])
    assert message(small_cifar) == (
        f"{path} has 7000 bytes, but {11 * 3074} are needed: it is cut in record 3 of 11; put the "
        "whole file there, or allow downloads"
    )
    path.write_bytes(content + b"x")
    assert "are needed: it is another file; put" in message(small_cifar)


def test_a_damaged_file_is_told_by_its_checksum(small_cifar):
    small_cifar.write()
    path = small_cifar.home / "test.bin"
    needed = digest(path.read_bytes())
    damaged = b"\x01" + path.read_bytes()[1:]
    path.write_bytes(damaged)
    assert message(small_cifar) == (
        f"{path} is damaged or another file: its SHA-256 is {digest(damaged)}, but {needed} is "
        "needed; put the right file there, or allow downloads"
    )


def test_missing_files_are_named_with_the_archive(small_cifar):
    assert message(small_cifar) == (
        f"{small_cifar.home / 'train.bin'} is missing; put train.bin, test.bin, or "
        "cifar-100-binary.tar.gz, there, or allow downloads"
    )
    with pytest.raises(DatasetError, match="name the folder that has its 2 files in cifar-100/"):
        load(CIFAR, None)


@pytest.fixture
def read_only(monkeypatch):
    """Let nothing be written: whoever runs this, root too, is told that modes forbid it."""
    access = os.access
    monkeypatch.setattr(os, "access", lambda p, mode: not mode & os.W_OK and access(p, mode))

    def fail(folder: Path) -> None:
        raise AssertionError(f"the lock of {folder} was asked for")

    monkeypatch.setattr(download, "_alone", fail)


@pytest.mark.usefixtures("read_only")
def test_sound_files_are_read_where_nothing_can_be_written(small_cifar):
    small_cifar.write()
    small_cifar.write_archive()
    there = sorted(small_cifar.home.iterdir())
    for may in (True, False):
        data = load(CIFAR, small_cifar.folder, download=may)
        assert data.test_y.tolist() == small_cifar.labels[TRAIN:].tolist()
    assert sorted(small_cifar.home.iterdir()) == there


@pytest.mark.usefixtures("read_only")
def test_where_nothing_can_be_written_it_is_told_what_is_missing(small_cifar):
    home = small_cifar.home
    cannot = f"{home} can't be written to, so nothing is fetched or unpacked into it"
    missing = "train.bin is missing; put train.bin, test.bin, or cifar-100-binary.tar.gz, there"
    assert message(small_cifar, download=True) == f"{home / missing}: {cannot}"
    assert not home.exists()
    small_cifar.write()
    (home / "train.bin").write_bytes(b"")
    said = message(small_cifar, download=True)
    assert said.endswith(f"cut in record 1 of 11; put the whole file there: {cannot}")
    small_cifar.write_archive()
    assert message(small_cifar) == said


def test_a_folder_can_be_written_to_if_the_one_to_make_it_in_can(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    assert is_writable(tmp_path)
    assert is_writable(tmp_path / "new" / "newer")
    assert not is_writable(tmp_path / "file" / "new")
    monkeypatch.chdir(tmp_path)
    assert is_writable(Path("new"))
    tmp_path.chmod(0o555)
    assert is_writable(tmp_path / "new") == (os.geteuid() == 0)
    tmp_path.chmod(0o755)


def test_a_file_that_cannot_be_opened_is_told(small_cifar):
    (small_cifar.home / "train.bin").mkdir(parents=True)
    assert "cannot be read: Is a directory; mend its permissions" in message(small_cifar)


def test_another_known_order_is_taken_and_said(small_cifar, monkeypatch):
    content = small_cifar.contents["train.bin"]
    records = np.frombuffer(content, np.uint8).reshape(TRAIN, -1)
    small_cifar.contents["train.bin"] = records[::-1].tobytes()
    known = (digest(content), digest(records[::-1].tobytes()))
    small_cifar.use(monkeypatch, train=(RecordFile("train.bin", len(content), known),))
    small_cifar.write()
    data = load(CIFAR, small_cifar.folder)
    assert data.train_y.tolist() == small_cifar.labels[:TRAIN][::-1][:8].tolist()
    (note,) = data.notes
    assert note.startswith("cifar-100 is in a known order that is not the official one")


def test_the_sizes_of_the_files_follow_from_the_shapes():
    for facts in (CIFAR_10, CIFAR_100):
        record = facts.origin.label_bytes + 3 * 32 * 32
        assert sum(f.size for f in facts.origin.train) == facts.train * record
        assert sum(f.size for f in facts.origin.test) == facts.test * record
        assert all(len(h) == 64 for f in facts.origin.all for h in f.sha256)
        assert facts.size_bytes == facts.origin.archive.size > 168_000_000
        (url,) = facts.origin.archive.urls
        assert url == f"https://www.cs.toronto.edu/~kriz/{facts.name}-binary.tar.gz"


@pytest.mark.parametrize("name", ["cifar-10", "cifar-100"])
def test_without_its_files_it_is_not_present(tmp_path, name):
    assert not present(name, None)
    assert not present(name, tmp_path)


def test_real_cifar_100_has_the_published_numbers(cifar_100_folder):
    data = load(CIFAR, cifar_100_folder)
    assert [len(x) for x in (data.train_x, data.validation_x, data.test_x)] == [45000, 5000, 10000]
    labels = torch.cat([data.train_y, data.validation_y])
    assert torch.bincount(labels).tolist() == [500] * 100
    assert torch.bincount(data.test_y).tolist() == [100] * 100
    train = torch.cat([data.train_x, data.validation_x])
    counts = torch.stack([torch.bincount(train[:, c].flatten(), minlength=256) for c in range(3)])
    values = torch.arange(256, dtype=torch.float64) / 255
    mean = counts.double() @ values / counts.sum(1)
    std = (counts.double() @ values**2 / counts.sum(1) - mean**2).sqrt()
    expected = [0.50707516, 0.48654887, 0.44091784], [0.26733429, 0.25643846, 0.27615047]
    np.testing.assert_allclose(mean, expected[0], atol=1e-8)
    np.testing.assert_allclose(std, expected[1], atol=1e-8)
