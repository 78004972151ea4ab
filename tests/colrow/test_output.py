"""The output folder of `colrow train`: one training's, and never more files than it needs."""

import pytest

from colrow.errors import LocalError
from colrow.local import output
from crs_core.events import CheckpointSaved
from crs_core.spec import parse_spec


def make_spec(**changes):
    return parse_spec(
        {
            "model": {"name": "mlp", "hidden": [20]},
            "dataset": {"name": "digits"},
            "training": {"epochs": 2},
        }
        | changes
    )


def save(folder, saved, step, *, best=False):
    name = f"step-{step}.pt"
    (folder / name).touch()
    event = CheckpointSaved(step=step, name=name, size_bytes=0, sha256="a" * 64, best=best)
    output.keep(folder, saved, event)


def names(folder):
    return sorted(path.name for path in folder.glob("*.pt"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"training": {"epochs": 3}}, "training.epochs is 2 there and 3 here"),
        ({"seed": 1}, "seed is 0 there and 1 here"),
        ({"approximation": [{"policy": "topk", "forward": 0.5}]}, r"approximation is \[\] there"),
        ({"resources": {"devices": 2}}, r'resources is null there and \{"devices": 2\} here'),
    ],
)
def test_a_folder_of_another_training_is_refused_and_left_as_it_is(tmp_path, changes, said):
    output.take(tmp_path, make_spec())
    save(tmp_path, [], 10)
    with pytest.raises(LocalError, match=f"{said}.*name another folder with --output"):
        output.take(tmp_path, make_spec(**changes))
    output.take(tmp_path, make_spec())
    assert names(tmp_path) == ["step-10.pt"]


def test_a_training_may_report_otherwise_when_it_goes_on(tmp_path):
    output.take(tmp_path / "new", make_spec())
    output.take(tmp_path / "new", make_spec(report={"every_steps": 7}, resources={"threads": 2}))


def test_half_a_spec_is_told_as_another(tmp_path):
    (tmp_path / "spec.json").write_text('{"mod')
    with pytest.raises(LocalError, match=r"spec\.json is null there"):
        output.take(tmp_path, make_spec())


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(LocalError, match=r"file/out cannot be used: Not a directory; name another"):
        output.take(tmp_path / "file" / "out", make_spec())


def test_checkpoints_of_earlier_calls_are_deleted_when_newer_ones_come(tmp_path):
    saved = output.listed(tmp_path)
    assert saved == []
    for step in (10, 20, 30):
        save(tmp_path, saved, step, best=step == 10)
    assert names(tmp_path) == ["step-10.pt", "step-20.pt", "step-30.pt"]
    again = output.listed(tmp_path)
    assert [s.step for s in again] == [10, 20, 30]
    save(tmp_path, again, 40)
    assert names(tmp_path) == ["step-10.pt", "step-30.pt", "step-40.pt"]
    save(tmp_path, output.listed(tmp_path), 50, best=True)
    assert names(tmp_path) == ["step-40.pt", "step-50.pt"]


def test_a_line_cut_short_and_a_file_that_is_gone_are_passed_over(tmp_path):
    saved = []
    for step in (10, 20):
        save(tmp_path, saved, step)
    (tmp_path / "step-10.pt").unlink()
    with (tmp_path / "checkpoints.jsonl").open("a") as file:
        file.write('{"type": "checkpoint_sa')
    assert [s.step for s in output.listed(tmp_path)] == [20]
