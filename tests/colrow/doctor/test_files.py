"""Whether this machine looks where the service keeps the files of its jobs."""

from dataclasses import replace

import pytest

from colrow.local.doctor import files
from store import place as places
from store.objects import open_storage
from tests.colrow.doctor.conftest import only


@pytest.fixture
def settled(cluster, database):
    """The cluster after its first worker."""
    places.settle(database, open_storage(None, cluster.home))
    return cluster


def test_before_the_first_worker_there_is_no_place(cluster):
    assert only(files.check(cluster)).status == "note"


def test_the_place_of_the_service_is_well(settled):
    found = only(files.check(settled))
    assert (found.status, str(settled.home) in found.found) == ("ok", True)


def test_a_folder_that_is_not_mounted_is_a_fault(settled, tmp_path):
    found = only(files.check(replace(settled, home=tmp_path)))
    assert found.status == "fault"
    assert f"which is {settled.home}" in found.found
    assert found.advice.startswith("mount the shared folder")


def test_a_place_that_does_not_answer_and_an_address_that_is_none_are_faults(settled):
    for storage in ("nonsense://x", "file:///proc/nowhere/colrow"):
        assert only(files.check(replace(settled, storage=storage))).status == "fault", storage
