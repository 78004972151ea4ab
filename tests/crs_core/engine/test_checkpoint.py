import hashlib
import os
import pickle
import resource
from pathlib import Path
from typing import Any

import pytest
import torch

from crs_core.engine.checkpoint import Saved, load, newest_usable, save
from crs_core.engine.place import ResumePoint
from crs_core.errors import CheckpointError, DiskError
from tests.crs_core.engine.jobs import MLP, spec_of

SPEC = spec_of(MLP)
STATE: dict[str, Any] = {"parts": {"w": torch.arange(5.0)}, "n": 3, "name": "x", "none": None}


def written(folder: Path, step: int = 7, size: int = 0) -> ResumePoint:
    state = {**STATE, "ballast": torch.ones(size)}
    saved = save(folder, step, SPEC, state)
    return ResumePoint(folder / saved.name, saved.sha256, step)


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    state = load(written(tmp_path), SPEC)
    assert torch.equal(state["parts"]["w"], torch.arange(5.0))
    assert (state["n"], state["name"], state["none"], state["step"]) == (3, "x", None, 7)


def test_size_and_checksum_are_those_of_the_file(tmp_path: Path) -> None:
    saved = save(tmp_path, 12, SPEC, {"t": torch.rand(5000)})
    bytes_there = (tmp_path / "step-12.pt").read_bytes()
    digest = hashlib.sha256(bytes_there).hexdigest()
    assert saved == Saved("step-12.pt", len(bytes_there), digest)
    assert [p.name for p in tmp_path.iterdir()] == ["step-12.pt"]


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


DAMAGES = {
    "truncated": (truncate, r"its checksum is .*: it is damaged or incomplete"),
    "a bit flipped": (flip, "its checksum is"),
    "gone": (Path.unlink, r"it cannot be read \(No such file"),
}


@pytest.mark.parametrize(("damage", "text"), DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_file_is_refused(tmp_path: Path, damage: Any, text: str) -> None:
    at = written(tmp_path)
    damage(at.path)
    with pytest.raises(CheckpointError, match=text):
        load(at, SPEC)


def with_its_checksum(path: Path, step: int) -> ResumePoint:
    return ResumePoint(path, hashlib.sha256(path.read_bytes()).hexdigest(), step)


def test_a_file_that_is_no_checkpoint_is_refused_though_its_checksum_is_right(
    tmp_path: Path,
) -> None:
    path = tmp_path / "step-1.pt"
    path.write_bytes(b"hello")
    with pytest.raises(CheckpointError, match="it is not a checkpoint"):
        load(with_its_checksum(path, 1), SPEC)
    torch.save({"format": 999}, path)
    with pytest.raises(CheckpointError, match="it is not of format 2"):
        load(with_its_checksum(path, 1), SPEC)


def test_a_file_with_code_in_it_is_refused_and_not_run(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return (os.mkdir, (str(tmp_path / "sprung"),))

    path = tmp_path / "step-1.pt"
    torch.save({"format": 2, "trap": Trap()}, path)
    with pytest.raises(CheckpointError, match="it is not a checkpoint"):
        load(with_its_checksum(path, 1), SPEC)
    assert not (tmp_path / "sprung").exists()


def test_a_checkpoint_of_another_spec_is_refused_with_what_differs(tmp_path: Path) -> None:
    other = spec_of(MLP, training={"batch_size": 10}, seed=4)
    with pytest.raises(
        CheckpointError,
        match=r"another spec \(seed is 3 there and 4 here; training.batch_size is 25 there and 10",
    ):
        load(written(tmp_path), other)


def test_how_often_a_job_reports_does_not_make_it_another(tmp_path: Path) -> None:
    other = spec_of(MLP, report={"every_steps": 1}, resources={"kind": "cpu"})
    assert load(written(tmp_path), other)["n"] == 3


def test_a_checkpoint_of_another_step_is_refused(tmp_path: Path) -> None:
    at = written(tmp_path)
    with pytest.raises(CheckpointError, match="it is of step 7, not of step 8"):
        load(ResumePoint(at.path, at.sha256, 8), SPEC)


def test_the_newest_usable_is_taken_and_the_others_are_told(tmp_path: Path) -> None:
    points = [written(tmp_path, step) for step in (9, 7, 5)]
    truncate(points[0].path)
    chosen, state, notes = newest_usable(points, SPEC)
    assert chosen == points[1]
    assert state is not None
    assert state["step"] == 7
    (note,) = notes
    assert note.startswith("step-9.pt is not used: its checksum is")


def test_without_a_usable_checkpoint_there_is_none(tmp_path: Path) -> None:
    at = written(tmp_path)
    at.path.unlink()
    chosen, state, notes = newest_usable([at], SPEC)
    assert (chosen, state, len(notes)) == (None, None, 1)


def test_a_full_disk_leaves_the_older_checkpoint_and_no_remains(tmp_path: Path) -> None:
    at = written(tmp_path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(DiskError, match=r"step-8.pt could not be written: File too large"):
            written(tmp_path, 8, size=1_000_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [p.name for p in tmp_path.iterdir()] == ["step-7.pt"]
    assert load(at, SPEC)["n"] == 3


def test_a_folder_that_is_gone_is_a_disk_error(tmp_path: Path) -> None:
    with pytest.raises(DiskError, match="No such file or directory"):
        written(tmp_path / "gone")


def test_what_cannot_be_saved_leaves_no_remains(tmp_path: Path) -> None:
    with pytest.raises((AttributeError, pickle.PicklingError), match="lambda"):
        save(tmp_path, 1, SPEC, {"code": lambda: None})
    assert [p.name for p in tmp_path.iterdir()] == []
