"""What is wrong with the data folder and the data sets, told by files with which it is wrong."""

import os
import subprocess
from dataclasses import replace

import pytest

from colrow.local.doctor import datasets, disk
from crs_core.data.facts import FACTS
from tests.colrow.doctor.conftest import faults, only


def test_a_folder_with_room_is_well_and_left_as_it_is(place):
    found = only(disk.check(place))
    assert found.status == "ok"
    assert "GiB free and can be written to" in found.found
    assert list(place.home.iterdir()) == []


def test_a_folder_that_is_not_there_is_made_by_up_or_a_worker_where_it_can_be(place):
    gone = replace(place, home=place.home / "a" / "b")
    assert only(disk.check(gone)).status == "note"
    found = only(disk.check(replace(gone, is_embedded=False)))
    assert (found.status, "mount it before" in found.advice) == ("note", True)
    assert not gone.home.exists()
    # Nobody can make a folder there, root included.
    (place.home / "file").touch()
    nowhere = replace(place, home=place.home / "file" / "folder")
    assert only(disk.check(replace(nowhere, is_embedded=False))).status == "fault"


def test_a_file_in_its_place_is_a_fault(place):
    (place.home / "file").touch()
    found = only(disk.check(replace(place, home=place.home / "file")))
    assert (found.status, found.found.rpartition(" ")[2]) == ("fault", "file")


def test_a_folder_that_cannot_be_written_to_is_a_fault(place, powerless, run_doctor):
    told, status = run_doctor("--data", str(place.home), prefix=powerless)
    found = only([f for f in told["findings"] if f["check"] == "data folder"])
    assert (status, found["status"]) == (1, "fault")
    assert "cannot be written to: Permission denied" in found["found"]


def test_a_disk_without_room_is_a_fault(place, run_doctor, monkeypatch):
    (place.home / "small").mkdir()
    mount = f'mount -t tmpfs -o size=8m none {place.home}/small && exec "$@"'
    prefix = ("unshare", "-m" if os.geteuid() == 0 else "-rm", "sh", "-c", mount, "sh")
    if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0:
        told, status = run_doctor("--data", str(place.home / "small"), prefix=prefix)
        found = only([f for f in told["findings"] if f["check"] == "data folder"])
        assert (status, found["status"]) == (1, "fault")
        assert "has 0.0 GiB free" in found["found"]
    else:  # where nothing may be mounted, no disk has as much as is then asked for
        monkeypatch.setattr(disk, "LEAST_FREE_BYTES", 1 << 60)
        assert only(disk.check(place)).status == "fault"


def test_little_room_is_a_warning(place, monkeypatch):
    monkeypatch.setattr(disk, "ROOM_BYTES", 1 << 60)
    assert only(disk.check(place)).status == "warning"


def test_a_folder_that_others_may_change_is_a_warning(place):
    place.home.chmod(0o777)
    (warning,) = [f for f in disk.check(place) if f.status == "warning"]
    assert warning.advice == f"chmod go-w {place.home}"
    place.home.chmod(0o1777)
    assert only(disk.check(place)).status == "ok"


def put(place, name, *, size=None):
    """Put files of the right size, and of the wrong content, into the place of a data set."""
    folder = place.datasets / name
    folder.mkdir(parents=True, exist_ok=True)
    for file in FACTS[name].files:
        with (folder / file.name).open("wb") as made:
            made.truncate(size or file.size)
    return folder


def told_of(place):
    return {finding.status: finding.found for finding in datasets.check(place)}


def test_data_sets_are_told_by_whether_they_are_here(place):
    put(place, "mnist")
    found = told_of(place)
    assert "digits, mnist, pydoc" in found["ok"]
    assert "cifar-10" in found["note"]
    assert "fault" not in found


def test_content_is_read_only_when_asked_for(place):
    put(place, "mnist")
    deep = faults(datasets.check(replace(place, deep=True)))
    assert "train-images-idx3-ubyte.gz is damaged or another file" in only(deep).found
    bundled = told_of(replace(place, deep=True, datasets=place.home))
    assert bundled["ok"] == "with the right content: digits, pydoc"


def test_a_file_of_the_wrong_size_is_a_fault(place):
    put(place, "mnist", size=7)
    assert "has 7 bytes, but 9,912,422 are needed" in only(faults(datasets.check(place))).found


def test_a_file_that_is_missing_beside_others_is_a_fault(place):
    folder = put(place, "fashion-mnist")
    gone = FACTS["fashion-mnist"].files[2].name
    (folder / gone).unlink()
    assert f"{gone} is missing beside" in only(faults(datasets.check(place))).found


@pytest.mark.parametrize("name", ["cifar-10", "cifar-100"])
def test_records_and_archives_are_read_too(place, name):
    origin = FACTS[name].origin
    folder = place.datasets / name
    folder.mkdir(parents=True)
    with (folder / origin.archive.name).open("wb") as made:
        made.truncate(origin.archive.size)
    deep = replace(place, deep=True)
    assert origin.archive.name in only(faults(datasets.check(deep))).found
    for record in origin.all:
        with (folder / record.name).open("wb") as made:
            made.truncate(record.size)
    assert origin.all[0].name in only(faults(datasets.check(deep))).found
