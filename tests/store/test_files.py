"""Every kind of place keeps files alike: whole, checked, deleted without fuss, told when away."""

import hashlib
import os
import uuid

import fsspec
import pytest

from store.errors import FileDamaged, FileGone, StorageError, StorageSetting
from store.files import Folder, fetch, stays
from store.objects import ObjectStore, open_storage, shown

CONTENT = os.urandom(3_000_003)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
AT = "jobs/j/a1/step-10.pt"


@pytest.fixture(params=["folder", "memory", "s3"])
def storage(request, tmp_path):
    if request.param == "folder":
        return open_storage(f"file://{tmp_path}/lab", tmp_path / "home")
    if request.param == "s3":
        return open_storage(request.getfixturevalue("bucket").address, tmp_path / "home")
    return ObjectStore(fsspec.filesystem("memory"), f"/{uuid.uuid4()}", "memory://")


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "step-10.pt"
    path.write_bytes(CONTENT)
    return path


def test_a_file_comes_back_as_it_went(storage, source, tmp_path):
    storage.set_mark("{}")
    storage.put(source, AT, SHA256)
    assert storage.size(AT) == len(CONTENT)
    target = tmp_path / "here" / "step-10.pt"
    fetch(storage, AT, target, SHA256)
    assert target.read_bytes() == CONTENT
    assert [p.name for p in target.parent.iterdir()] == ["step-10.pt"]


@pytest.mark.parametrize(("start", "end"), [(0, 1), (1_000_000, 2_999_999), (3_000_000, 3_000_003)])
def test_a_part_of_a_file_can_be_read(storage, source, start, end):
    storage.set_mark("{}")
    storage.put(source, AT, SHA256)
    assert b"".join(storage.read(AT, start, end)) == CONTENT[start:end]


def test_what_is_not_there_is_told_apart(storage, tmp_path):
    storage.set_mark("{}")
    target = tmp_path / "target.pt"
    for ask in (
        lambda: storage.size(AT),
        lambda: list(storage.read(AT, 0, 1)),
        lambda: fetch(storage, AT, target, SHA256),
    ):
        with pytest.raises(FileGone, match=r"step-10\.pt is not in "):
            ask()
    assert storage.names("jobs/j/a1") == []
    assert not target.exists()


def test_a_damaged_file_is_refused_and_leaves_nothing(storage, source, tmp_path):
    storage.set_mark("{}")
    with pytest.raises(FileDamaged):
        storage.put(source, AT, "0" * 64)
    storage.put(source, AT, SHA256)
    target = tmp_path / "here" / "step-10.pt"
    with pytest.raises(FileDamaged, match=f"its checksum is {SHA256[:12]}…"):
        fetch(storage, AT, target, "0" * 64)
    assert list(target.parent.iterdir()) == []


def test_deleting_twice_is_no_error_and_others_stay(storage, source):
    storage.set_mark("{}")
    for path in (AT, "jobs/j/a2/step-20.pt", "jobs/k/a1/step-1.pt"):
        storage.put(source, path, SHA256)
    assert storage.names("jobs/j/a1") == ["step-10.pt"]
    for _ in range(2):
        storage.delete(AT)
    assert storage.names("jobs/j/a1") == []
    for _ in range(2):
        storage.delete_folder("jobs/j")
    assert storage.names("jobs/j/a2") == []
    assert storage.names("jobs/k/a1") == ["step-1.pt"]


def test_the_mark_is_read_as_it_was_written(storage):
    assert storage.mark() is None
    storage.set_mark("one")
    assert storage.mark() == "one"


def test_a_server_that_does_not_answer_is_told_apart_from_a_missing_file(bucket, source, tmp_path):
    storage = open_storage(bucket.address, tmp_path)
    storage.set_mark("{}")
    bucket.server.freeze()
    try:
        with pytest.raises(StorageError, match="s3://") as error:
            storage.size(AT)
    finally:
        bucket.server.thaw()
    assert type(error.value) is StorageError
    storage.put(source, AT, SHA256)


def test_a_bucket_that_is_not_there_is_never_made(bucket, source, tmp_path):
    storage = open_storage("s3://colrow-no-such-bucket/lab", tmp_path)
    with pytest.raises(StorageSetting, match="make the bucket"):
        storage.set_mark("{}")
    with pytest.raises(StorageError, match="is not there any more"):
        storage.put(source, AT, SHA256)
    assert storage.mark() is None


def test_without_an_address_files_stay_in_the_home(tmp_path):
    storage = open_storage(None, tmp_path)
    assert stays(storage)
    assert storage.path(AT) == tmp_path / AT
    assert not stays(open_storage(f"file://{tmp_path}", tmp_path))


@pytest.mark.parametrize(
    ("address", "advice"),
    [
        ("bucket/prefix", "write it as s3://bucket/prefix"),
        ("simplecache::s3://bucket", "write it as s3://bucket/prefix"),
        ("file://relative/folder", "named from the root"),
        ("memory://x", "ends with the process"),
        ("nonsense://x", "Protocol not known: nonsense"),
        ("gs://bucket/x", r"pip install 'fsspec\[gs\]' \(Please install gcsfs"),
    ],
)
def test_an_address_that_cannot_be_used_says_what_to_do(address, advice, tmp_path):
    with pytest.raises(StorageSetting, match=advice):
        open_storage(address, tmp_path)


def test_a_place_that_nothing_can_be_written_to_is_told(tmp_path):
    system = fsspec.filesystem("memory")

    class ReadOnly(type(system)):
        cachable = False

        def pipe_file(self, *_args, **_named):
            raise NotImplementedError("read-only")

    with pytest.raises(StorageSetting, match="nothing can be written to ro://"):
        ObjectStore(ReadOnly(), "/x", "ro://").set_mark("{}")


def test_a_password_is_not_shown():
    assert shown("sftp://ada:secret@host/x") == "sftp://ada:***@host/x"
    assert shown("sftp://ada@host/x") == "sftp://ada@host/x"
    assert shown("s3://bucket/a@b") == "s3://bucket/a@b"


def test_a_folder_that_refuses_is_told_with_its_path(tmp_path, source):
    (tmp_path / "lab").write_text("a file where a folder should be")
    with pytest.raises(StorageError, match=r"lab.*(Not a directory|File exists)"):
        Folder(tmp_path / "lab").put(source, AT, SHA256)
