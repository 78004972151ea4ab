"""The machine and the revision that a training tells."""

import pytest

from crs_core.surroundings import cores, driver, environment, hardware, processor, revision

HASH, OTHER = "1" * 40, "2" * 40


def test_the_hardware_is_named():
    found = hardware()
    assert found["processor"]
    assert int(found["cores"]) == cores() >= 1
    assert found["memory"].endswith(" GiB")


def test_the_environment_names_system_and_interpreter_beside_the_hardware():
    found = environment()
    assert found.items() >= hardware().items()
    assert "Linux" in found["system"]
    assert found["interpreter"].startswith("CPython")


def test_the_driver_is_read_from_what_it_says_of_itself(tmp_path):
    path = tmp_path / "version"
    path.write_text(
        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024\n"
        "GCC version:  gcc version 12.2.0\n"
    )
    assert driver(path) == {"driver": "550.54.15"}
    path.write_text("")
    assert driver(path) == {}
    assert driver(tmp_path / "none") == {}


def test_the_processor_is_the_first_model_named(tmp_path):
    path = tmp_path / "cpuinfo"
    path.write_text("processor\t: 0\nmodel name\t: Quick 9000\nmodel name\t: Other\n")
    assert processor(path) == "Quick 9000"
    path.write_text("nothing: here\n")
    assert processor(path)
    assert processor(tmp_path / "none")


@pytest.fixture
def git(tmp_path):
    folder = tmp_path / ".git"
    (folder / "refs/heads").mkdir(parents=True)
    return folder


def test_the_revision_of_a_checkout_is_that_of_its_branch(git, tmp_path):
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "refs/heads/main").write_text(f"{HASH}\n")
    assert revision(tmp_path) == {"revision": HASH}


def test_a_head_without_a_branch_is_the_revision_itself(git, tmp_path):
    (git / "HEAD").write_text(f"{OTHER}\n")
    assert revision(tmp_path) == {"revision": OTHER}


def test_a_packed_branch_is_found(git, tmp_path):
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "packed-refs").write_text(
        f"# pack\n{OTHER} refs/heads/old/main\n{HASH} refs/heads/main\n"
    )
    assert revision(tmp_path) == {"revision": HASH}


def test_a_worktree_is_followed_to_its_repository(git, tmp_path):
    own = git / "worktrees/side"
    own.mkdir(parents=True)
    (own / "HEAD").write_text("ref: refs/heads/side\n")
    (own / "commondir").write_text("../..\n")
    (git / "refs/heads/side").write_text(f"{HASH}\n")
    source = tmp_path / "side"
    source.mkdir()
    (source / ".git").write_text(f"gitdir: {own}\n")
    assert revision(source) == {"revision": HASH}


def test_code_outside_a_checkout_has_no_revision(git, tmp_path):
    assert revision(tmp_path / "elsewhere") == {}
    (git / "HEAD").write_text("ref: refs/heads/none\n")
    assert revision(tmp_path) == {}
