"""What comes out of an archive: the files of the data set, sound, and nothing else."""

import io
import tarfile
from dataclasses import replace

import pytest

from crs_core.data.facts import present
from crs_core.data.load import load
from crs_core.errors import DatasetError
from crs_core.spec import Dataset
from tests.crs_core.data.conftest import TRAIN, SmallCifar, digest, packed

CIFAR = Dataset(name="cifar-100")


def message(small: SmallCifar, **options: object) -> str:
    with pytest.raises(DatasetError) as caught:
        load(CIFAR, small.folder, **options)
    return str(caught.value)


def test_files_come_out_of_an_archive_that_lies_there(small_cifar):
    path = small_cifar.write_archive()
    assert present("cifar-100", small_cifar.folder)
    assert load(CIFAR, small_cifar.folder).test_y.tolist() == small_cifar.labels[TRAIN:].tolist()
    names = {p.name for p in small_cifar.home.iterdir() if not p.name.startswith(".")}
    assert names == {"train.bin", "test.bin", path.name}
    path.write_bytes(b"")  # the files are there: it is not looked at again
    load(CIFAR, small_cifar.folder)


def test_a_missing_data_set_is_fetched_and_its_archive_removed(small_cifar, server, monkeypatch):
    archive = replace(small_cifar.origin.archive, urls=(f"{server.url}archive",))
    small_cifar.use(monkeypatch, archive=archive)
    server.files = {"archive": small_cifar.archive}
    server.breaks_after = [1000]
    told: list[int] = []
    data = load(
        CIFAR, small_cifar.folder, download=True, on_progress=lambda _n, at, _all: told.append(at)
    )
    assert data.train_y.tolist() == small_cifar.labels[:8].tolist()
    assert server.requests == [("/archive", None), ("/archive", "bytes=1000-")]
    assert told[-1] == len(small_cifar.archive)
    names = {p.name for p in small_cifar.home.iterdir() if not p.name.startswith(".")}
    assert names == {"train.bin", "test.bin"}
    load(CIFAR, small_cifar.folder, download=True)
    assert len(server.requests) == 2


def test_a_damaged_file_is_replaced_from_the_archive(small_cifar, server, monkeypatch):
    small_cifar.write()
    (small_cifar.home / "test.bin").write_bytes(b"damaged")
    small_cifar.write_archive().write_bytes(b"damaged too")
    archive = replace(small_cifar.origin.archive, urls=(f"{server.url}archive",))
    small_cifar.use(monkeypatch, archive=archive)
    server.files = {"archive": small_cifar.archive}
    data = load(CIFAR, small_cifar.folder, download=True)
    assert data.test_y.tolist() == small_cifar.labels[TRAIN:].tolist()


@pytest.mark.parametrize("length", [0, 100, 4000])
def test_a_cut_archive_is_told(small_cifar, length):
    path = small_cifar.write_archive()
    path.write_bytes(small_cifar.archive[:length])
    said = message(small_cifar)
    assert said.startswith(f"{path} is damaged (")
    assert said.endswith("remove it, and put the whole archive there or allow downloads")


def test_an_archive_that_lacks_a_file_is_told(small_cifar):
    path = small_cifar.write_archive()
    path.write_bytes(packed({"train.bin": small_cifar.contents["train.bin"], "test.bin": b"short"}))
    assert message(small_cifar) == (
        f"{path} lacks cifar-100-binary/test.bin of the right size; remove it, and put the right "
        "archive there or allow downloads"
    )


def test_a_wrong_file_in_an_archive_gets_no_name(small_cifar):
    path = small_cifar.write_archive()
    wrong = bytes(len(small_cifar.contents["test.bin"]))
    path.write_bytes(packed({**small_cifar.contents, "test.bin": wrong}))
    assert f"is damaged: its SHA-256 is {digest(wrong)}; remove the archive" in message(small_cifar)
    assert not (small_cifar.home / "test.bin").exists()
    assert not (small_cifar.home / "test.bin.part").exists()


def test_nothing_but_the_files_leaves_the_archive(small_cifar):
    """Neither a path that climbs out, nor a link under a wanted name, is followed or written."""
    outside = small_cifar.folder / "escaped.bin"
    test_bin = small_cifar.contents["test.bin"]
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        link = tarfile.TarInfo("cifar-100-binary/test.bin")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
        for name, content in [
            ("../escaped.bin", b"x"),
            (str(outside), b"x"),
            ("cifar-100-binary/train.bin", small_cifar.contents["train.bin"]),
            ("cifar-100-binary/test.bin", test_bin),
        ]:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    small_cifar.write_archive().write_bytes(out.getvalue())
    load(CIFAR, small_cifar.folder)
    assert not outside.exists()
    assert not (small_cifar.home / "test.bin").is_symlink()
    assert (small_cifar.home / "test.bin").read_bytes() == test_bin
