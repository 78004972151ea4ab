"""A checkpoint is downloaded whole or in part, from a folder and from an object store."""

import hashlib
import os
from base64 import b64encode

import pytest
from fastapi.testclient import TestClient

from api.files import part_of
from api.main import create_app
from crs_core.events import CheckpointSaved
from store import attempts, place, removal
from store.files import Folder
from store.objects import open_storage
from tests.api.conftest import BASE

CONTENT = os.urandom(20_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Kept:
    """A job with a checkpoint in a place of files, and an api that reaches it."""

    def __init__(self, settings, worker, submit, storage):
        submit()
        claim = worker.claim()
        name = "step-10.pt"
        source = settings.home / "source"
        source.parent.mkdir(parents=True, exist_ok=True)
        source.write_bytes(CONTENT)
        place.settle(worker.database, storage)
        self.path = f"jobs/{claim.job_id}/a1/{name}"
        storage.put(source, self.path, SHA256)
        worker.record(
            claim,
            CheckpointSaved(step=10, name=name, size_bytes=len(CONTENT), sha256=SHA256, best=True),
        )
        self.attempt_id = claim.attempt_id
        self.job_id, self.storage, self.settings = claim.job_id, storage, settings

    def url(self, client):
        (item,) = client.get(f"/api/v1/jobs/{self.job_id}/checkpoints").json()["items"]
        return f"/api/v1/jobs/{self.job_id}/checkpoints/{item['id']}"


@pytest.fixture(params=["home", "s3"])
def kept(request, settings, worker, submit):
    address = request.getfixturevalue("bucket").address if request.param == "s3" else None
    changed = settings.model_copy(update={"storage": address})
    return Kept(changed, worker, submit, open_storage(address, settings.home))


@pytest.fixture
def at(kept):
    """Ask for the file, with these headers."""
    app = create_app(kept.settings)
    with TestClient(app, base_url=BASE, raise_server_exceptions=False) as client:
        url = kept.url(client)
        yield lambda **headers: client.get(
            url, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )


def test_a_checkpoint_is_downloaded_whole(at, kept):
    answer = at()
    assert answer.status_code == 200
    assert answer.content == CONTENT
    headers = answer.headers
    assert headers["content-type"] == "application/octet-stream"
    assert headers["content-length"] == str(len(CONTENT))
    assert headers["etag"] == f'"{SHA256}"'
    assert headers["accept-ranges"] == "bytes"
    assert headers["content-disposition"] == (f'attachment; filename="{kept.job_id}-a1-step-10.pt"')
    digest = b64encode(hashlib.sha256(CONTENT).digest()).decode()
    assert headers["repr-digest"] == f"sha-256=:{digest}:"


PARTS = {
    "bytes=0-0": (0, 1),
    "bytes=19990-": (19_990, 20_000),
    "bytes=-7": (19_993, 20_000),
    "bytes=100-99999": (100, 20_000),
    "BYTES=5-6": (5, 7),
    "bytes=-99999": (0, 20_000),
}


def test_a_part_of_it_too(at):
    for asked, (start, end) in PARTS.items():
        answer = at(range=asked)
        assert (answer.status_code, answer.content) == (206, CONTENT[start:end])
        assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/20000"
        assert answer.headers["content-length"] == str(end - start)


def test_a_part_that_is_not_there_is_refused_with_the_size(at):
    for asked in ("bytes=20000-", "bytes=-0", "bytes=99999-100000"):
        answer = at(range=asked)
        assert answer.status_code == 416
        assert answer.headers["content-range"] == "bytes */20000"
        assert answer.headers["content-type"] == "application/problem+json"
        assert asked in answer.json()["detail"]


def test_what_is_no_single_range_gets_the_whole(at):
    for asked in ("bytes=5-4", "pages=1-2", "bytes=1-2,5-6", "bytes=x-", "bytes="):
        answer = at(range=asked)
        assert (answer.status_code, answer.content) == (200, CONTENT)


def test_a_part_of_another_file_is_not_given(at):
    assert at(range="bytes=1-2", if_range=f'"{SHA256}"').status_code == 206
    assert at(range="bytes=1-2", if_range='"another"').content == CONTENT


def test_who_has_it_is_told_so(at):
    answer = at(if_none_match=f'"x", W/"{SHA256}"')
    assert (answer.status_code, answer.content) == (304, b"")


def test_a_file_that_is_gone_or_damaged_is_told(at, kept, tmp_path):
    half = tmp_path / "half"
    half.write_bytes(CONTENT[:10])
    kept.storage.put(half, kept.path, hashlib.sha256(CONTENT[:10]).hexdigest())
    answer = at()
    assert (answer.status_code, answer.json()["title"]) == (
        503,
        "The files of jobs cannot be reached",
    )
    assert "has 10 bytes, not 20,000: it is damaged" in answer.json()["detail"]
    kept.storage.delete(kept.path)
    answer = at()
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:colrow:problem:file-gone")


def test_an_api_that_does_not_reach_the_files_says_what_to_set(settings, worker, submit, tmp_path):
    kept = Kept(settings, worker, submit, Folder(tmp_path / "elsewhere"))
    for home in (settings.home, None):
        app = create_app(settings.model_copy(update={"home": home}))
        with TestClient(app, base_url=BASE, raise_server_exceptions=False) as client:
            answer = client.get(kept.url(client))
            assert answer.status_code == 503
            assert (
                "start it with the COLROW_HOME (or the COLROW_STORAGE)" in answer.json()["detail"]
            )


def test_a_checkpoint_of_another_job_is_not_found(client, submit, settings, worker, tmp_path):
    kept = Kept(settings, worker, submit, Folder(settings.home, is_home=True))
    other = submit()["id"]
    url = kept.url(client)
    assert client.get(url).status_code == 200
    assert client.get(url.replace(kept.job_id, other)).status_code == 404
    for wrong in ("0", "-1", "x", str(1 << 31), "..%2f"):
        answer = client.get(f"/api/v1/jobs/{kept.job_id}/checkpoints/{wrong}")
        assert answer.status_code in (404, 422), answer.text


@pytest.mark.parametrize("home", ["none", "another"])
def test_a_deletion_that_the_api_cannot_carry_out_is_left_to_the_workers(
    settings, worker, submit, tmp_path, home
):
    kept = Kept(settings, worker, submit, Folder(tmp_path / "lab"))
    with worker.database.write() as session:
        attempts.finish(session, kept.attempt_id, attempts.Outcome.FAILED)
    there = None if home == "none" else settings.home
    app = create_app(settings.model_copy(update={"home": there}))
    with TestClient(app, base_url=BASE, raise_server_exceptions=False) as client:
        assert client.delete(f"/api/v1/jobs/{kept.job_id}").status_code == 204
    assert kept.storage.path(kept.path).exists()
    assert removal.remove(worker.database, kept.storage) == 1
    assert not kept.storage.path(kept.path).exists()


def test_files_of_a_share_that_is_not_mounted_any_more_are_not_counted_as_deleted(
    client, settings, worker, submit
):
    kept = Kept(settings, worker, submit, Folder(settings.home, is_home=True))
    url = kept.url(client)
    assert client.get(url).status_code == 200
    with worker.database.write() as session:
        attempts.finish(session, kept.attempt_id, attempts.Outcome.FAILED)
    away = settings.home.rename(settings.home.with_name("away"))
    settings.home.mkdir()
    assert client.get(url).status_code == 503
    assert client.delete(f"/api/v1/jobs/{kept.job_id}").status_code == 204
    settings.home.rmdir()
    away.rename(settings.home)
    with worker.database.read() as session:
        assert removal.due(session) == [kept.job_id]
    assert removal.remove(worker.database, kept.storage) == 1


@pytest.mark.parametrize(
    ("text", "size", "part"),
    [("bytes=0-", 0, (0, 0)), ("bytes=3-3", 4, (3, 4)), ("bytes=9-", 4, (4, 4)), ("", 4, None)],
)
def test_the_edges_of_a_range(text, size, part):
    assert part_of(text, size) == part
