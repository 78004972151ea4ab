"""Fetching over HTTP, from a real server on this machine that breaks off, ignores and lies."""

import ctypes
import hashlib
import os
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from crs_core.data.download import fetch
from crs_core.data.facts import FileFacts
from crs_core.errors import DatasetError
from tests.crs_core.data.conftest import file_facts

CONTENT = np.random.default_rng(5).bytes(300_000)
HALF = len(CONTENT) // 2


@pytest.fixture
def file(server) -> FileFacts:
    """A file of the server; what counts is the gzipped form, which here is just bytes."""
    server.files = {"images.gz": CONTENT}
    return FileFacts(
        "images.gz",
        len(CONTENT),
        hashlib.sha256(CONTENT).hexdigest(),
        unpacked_size=0,
        unpacked_sha256="",
        urls=(f"{server.url}images.gz",),
    )


def names(folder) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if not p.name.startswith("."))


def test_a_file_is_fetched_into_a_folder_that_is_made(server, file, tmp_path):
    told = []
    folder = tmp_path / "new" / "mnist"
    path = fetch(file, folder, on_progress=lambda *args: told.append(args))
    assert path == folder / "images.gz"
    assert path.read_bytes() == CONTENT
    assert names(folder) == ["images.gz"]
    assert server.requests == [("/images.gz", None)]
    assert told[-1] == ("images.gz", len(CONTENT), len(CONTENT))
    assert [there for _, there, _ in told] == sorted(there for _, there, _ in told)


def test_a_sound_file_is_not_fetched_again(server, file, tmp_path):
    fetch(file, tmp_path)
    fetch(file, tmp_path)
    assert len(server.requests) == 1


def test_what_breaks_off_goes_on_where_it_ended(server, file, tmp_path):
    server.breaks_after = [HALF]
    path = fetch(file, tmp_path)
    assert path.read_bytes() == CONTENT
    assert server.requests == [("/images.gz", None), ("/images.gz", f"bytes={HALF}-")]
    assert names(tmp_path) == ["images.gz"]


def test_a_later_call_goes_on_where_an_earlier_one_ended(server, file, tmp_path):
    server.breaks_after = [HALF, 1000]
    with pytest.raises(DatasetError) as caught:
        fetch(file, tmp_path)
    url = f"{server.url}images.gz"
    assert str(caught.value) == (
        f"images.gz could not be fetched ({url}: broke off after {HALF} of {len(CONTENT)} bytes, "
        f"then broke off after {HALF + 1000} of {len(CONTENT)} bytes); look at the network and "
        f"try again, or put the file into {tmp_path} yourself"
    )
    assert names(tmp_path) == ["images.gz.part"]
    path = fetch(file, tmp_path)
    assert path.read_bytes() == CONTENT
    assert server.requests[-1] == ("/images.gz", f"bytes={HALF + 1000}-")


def test_a_server_that_ignores_range_sends_it_all_again(server, file, tmp_path):
    server.honours_range = False
    server.breaks_after = [HALF]
    path = fetch(file, tmp_path)
    assert path.read_bytes() == CONTENT
    assert server.requests[-1] == ("/images.gz", f"bytes={HALF}-")


def test_a_part_that_another_file_left_is_thrown_away(server, file, tmp_path):
    (tmp_path / "images.gz.part").write_bytes(b"x" * 500)
    path = fetch(file, tmp_path)
    assert path.read_bytes() == CONTENT
    assert [r for _, r in server.requests] == ["bytes=500-", None]


@pytest.mark.parametrize("size", [len(CONTENT), len(CONTENT) + 9])
def test_a_part_at_least_as_long_as_the_file_is_checked_too(server, file, tmp_path, size):
    (tmp_path / "images.gz.part").write_bytes(b"x" * size)
    assert fetch(file, tmp_path).read_bytes() == CONTENT


def test_a_complete_part_needs_no_network(server, file, tmp_path):
    (tmp_path / "images.gz.part").write_bytes(CONTENT)
    assert fetch(file, tmp_path).read_bytes() == CONTENT
    assert server.requests == []


def test_a_damaged_file_is_replaced_only_by_a_sound_one(server, file, tmp_path):
    (tmp_path / "images.gz").write_bytes(b"damaged")
    server.files["images.gz"] = bytes(len(CONTENT))
    with pytest.raises(DatasetError, match="sent something else: the checksum differs"):
        fetch(file, tmp_path)
    assert (tmp_path / "images.gz").read_bytes() == b"damaged"
    assert names(tmp_path) == ["images.gz"]
    server.files["images.gz"] = CONTENT
    assert fetch(file, tmp_path).read_bytes() == CONTENT


def test_the_next_address_is_tried_where_one_fails(server, file, tmp_path):
    server.files["portal"] = b"<html>please log in</html>"
    addresses = [f"{server.url}{name}" for name in ("gone", "portal", "images.gz")]
    path = fetch(replace(file, urls=tuple(addresses)), tmp_path)
    assert path.read_bytes() == CONTENT
    assert [path for path, _ in server.requests] == ["/gone", "/portal", "/images.gz"]


def test_two_addresses_share_what_was_received(server, file, tmp_path):
    server.files["mirror"] = CONTENT
    server.breaks_after = [HALF]
    fetch(replace(file, urls=(*file.urls, f"{server.url}mirror")), tmp_path)
    assert server.requests == [("/images.gz", None), ("/mirror", f"bytes={HALF}-")]


def test_every_address_and_what_came_of_it_is_told(server, file, tmp_path):
    server.files["portal"] = b"<html>please log in</html>"
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{unheard.getsockname()[1]}/images.gz"
        urls = (f"{server.url}gone", f"{server.url}portal", closed)
        with pytest.raises(DatasetError) as caught:
            fetch(replace(file, urls=urls), tmp_path)
    said = str(caught.value)
    assert f"{urls[0]}: HTTP 404 Not Found" in said
    assert f"{urls[1]}: offers 26 bytes, but 300000 are needed" in said
    assert f"{urls[2]}: [Errno 111] Connection refused" in said
    assert all(said.count(url) == 1 for url in urls)
    assert names(tmp_path) == []


def test_an_answer_of_unknown_length_is_not_taken(server, file, tmp_path):
    server.says_length = False
    with pytest.raises(DatasetError, match="does not say how long the file is"):
        fetch(file, tmp_path)


def test_a_file_without_address_is_not_to_be_had(tmp_path):
    with pytest.raises(DatasetError, match=r"could not be fetched \(no address is known\)"):
        fetch(replace(file_facts("images", b"x"), urls=()), tmp_path)


def test_processes_that_want_one_folder_wait_for_each_other(server, file, tmp_path):
    threads = [threading.Thread(target=fetch, args=(file, tmp_path)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.requests) == 1
    assert (tmp_path / "images.gz").read_bytes() == CONTENT


@contextmanager
def bound_by_permissions() -> Iterator[None]:
    """Root may write anywhere; for the file system, this thread is nobody for a while."""
    set_user = ctypes.CDLL(None).setfsuid
    before = set_user(65534) if os.geteuid() == 0 else None
    try:
        yield
    finally:
        if before is not None:
            set_user(before)


def test_a_folder_that_may_not_be_written_to_is_told(server, file):
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o555)
        with bound_by_permissions(), pytest.raises(DatasetError) as caught:
            fetch(file, folder)
    assert str(caught.value) == (
        f"images.gz could not be written to {folder}: Permission denied; 300000 bytes must fit "
        "there in a folder that may be written to"
    )
    assert server.requests == []


def test_a_full_disk_is_told(server, file, tmp_path):
    (tmp_path / "images.gz.part").symlink_to("/dev/full")
    with pytest.raises(DatasetError) as caught:
        fetch(file, tmp_path)
    assert f"could not be written to {tmp_path}: No space left on device" in str(caught.value)
    assert not (tmp_path / "images.gz").exists()


def test_a_file_where_the_folder_should_be_is_told(server, file, tmp_path):
    (tmp_path / "mnist").write_text("")
    with pytest.raises(DatasetError, match=r"could not be written to .*mnist: File exists"):
        fetch(file, tmp_path / "mnist")
