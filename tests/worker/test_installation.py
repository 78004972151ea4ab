"""What a spare has imported is another thing once a file of ours, or what is installed, changes."""

import os

import pytest

from worker.installation import fingerprint


@pytest.fixture
def place(tmp_path):
    source, site = tmp_path / "source/deep", tmp_path / "site-packages"
    source.mkdir(parents=True)
    (source / "code.py").write_text("a = 1\n")
    (site / "torch-2.0.dist-info").mkdir(parents=True)
    return tmp_path


def look(place):
    return fingerprint([str(place / "source")], [str(place / "site-packages"), "/proc/none"])


def test_as_long_as_nothing_changes_it_is_the_same(place):
    before = look(place)
    (place / "source/notes.txt").write_text("not code")
    (place / "site-packages/data").write_text("no package")
    assert look(place) == before


@pytest.mark.parametrize(
    "change",
    [
        lambda place: (place / "source/deep/code.py").write_text("a = 10\n"),
        lambda place: os.utime(place / "source/deep/code.py", (1, 1)),
        lambda place: (place / "source/more.py").touch(),
        lambda place: (place / "source/deep/code.py").unlink(),
        lambda place: (place / "site-packages/other-1.0.dist-info").mkdir(),
        lambda place: (place / "site-packages/torch-2.0.dist-info").rename(
            place / "site-packages/torch-2.1.dist-info"
        ),
        lambda place: os.utime(place / "site-packages/torch-2.0.dist-info", (1, 1)),
        lambda place: (place / "site-packages/editable.pth").write_text("/elsewhere"),
    ],
)
def test_a_change_of_code_or_packages_shows(place, change):
    before = look(place)
    change(place)
    assert look(place) != before


def test_a_commit_shows(place, monkeypatch):
    before = look(place)
    monkeypatch.setattr("worker.installation.revision", lambda: {"revision": "another"})
    assert look(place) != before


def test_the_real_installation_has_torch_and_our_code_in_it():
    _, stamps = fingerprint()
    names = [path.rpartition("/")[2] for path, _, _ in stamps]
    assert "ready.py" in names
    assert any(name.startswith("torch-") for name in names)
