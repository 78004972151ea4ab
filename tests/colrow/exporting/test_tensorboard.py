"""Event files, read back with TensorBoard's own reader."""

import math
import sys

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_multiplexer import EventMultiplexer
from tensorboard.plugins.hparams import metadata

from colrow.errors import ColrowError
from colrow.exporting import tensorboard
from colrow.exporting.jobs import read_jobs


def write(filled, output, *, jobs=(), sweeps=()):
    read = read_jobs(filled.service.client, sweeps=sweeps, jobs=jobs, metrics=())
    return tensorboard.write(read, output, sweep_names={filled.sweep: "Two/seeds"})


def runs(output):
    """Read as TensorBoard does: every run below the folder, by name."""
    return EventMultiplexer().AddRunsFromDirectory(str(output)).Reload().Runs()


def loaded(output):
    (folder,) = {path.parent for path in output.rglob("*tfevents*")}
    return EventAccumulator(str(folder), size_guidance={"tensors": 0, "scalars": 0}).Reload()


def content(reader, tag):
    return reader.SummaryMetadata(tag).plugin_data.content


def scalars(reader, metric):
    return [(event.step, event.value) for event in reader.Scalars(metric)]


def test_curves_are_scalars_with_their_steps_and_times(filled, tmp_path):
    output = tmp_path / "runs"
    assert write(filled, output, jobs=[filled.jobs[0]]) == 1
    reader = loaded(output)
    expected = [(10, 0.1), (20, 0.05), (30, 1 / 30), (40, 0.025)]
    assert scalars(reader, "train_loss") == [(s, pytest.approx(v)) for s, v in expected]
    assert scalars(reader, "best_test_accuracy") == [(40, pytest.approx(0.96))]
    times = [event.wall_time for event in reader.Scalars("train_loss")]
    assert [t - times[0] for t in times] == [0, 2, 4, 6]  # 8 s are 40 steps


def test_a_point_that_is_not_finite_is_nan(filled, tmp_path):
    write(filled, tmp_path / "runs", jobs=[filled.jobs[0]])
    ((step, value),) = scalars(loaded(tmp_path / "runs"), "gradient_norm")
    assert (step, math.isnan(value)) == (40, True)


def test_parameters_tags_and_state_are_those_of_the_hparams_dashboard(filled, tmp_path):
    write(filled, tmp_path / "runs", jobs=[filled.jobs[1]])
    reader = loaded(tmp_path / "runs")
    begun = metadata.parse_session_start_info_plugin_data(
        content(reader, metadata.SESSION_START_INFO_TAG)
    )
    known = {k: getattr(v, v.WhichOneof("kind")) for k, v in begun.hparams.items()}
    assert known["seed"] == 7
    assert known["approximation.0.forward"] == 0.5
    assert known["approximation.0.policy.scaled"] is False
    assert known["model.hidden"] == "[16, 8]"
    assert (known["tags"], known["policy"]) == ("a<b>, paper", "topk")
    assert begun.group_name == filled.jobs[1]
    ended = metadata.parse_session_end_info_plugin_data(
        content(reader, metadata.SESSION_END_INFO_TAG)
    )
    assert ended.status == 1  # success
    (spec,) = reader.Tensors("spec")
    assert b"| training.batch_size | `50` |" in spec.tensor_proto.string_val[0]


def test_a_sweep_is_a_folder_with_a_run_per_job(filled, tmp_path):
    assert write(filled, tmp_path / "runs", sweeps=[filled.sweep]) == 2
    found = sorted(runs(tmp_path / "runs"))
    assert {name.split("/")[0] for name in found} == {f"Two_seeds_{filled.sweep[-12:]}"}
    assert {name[-12:] for name in found} == {job[-12:] for job in filled.jobs}
    assert all("train_loss" in tags["scalars"] for tags in runs(tmp_path / "runs").values())


def test_written_twice_nothing_is_doubled_and_a_new_name_is_a_new_folder(filled, tmp_path):
    output = tmp_path / "runs"
    write(filled, output)
    before = runs(output)
    assert len(before) == 4
    assert write(filled, output) == 4
    assert sorted(runs(output)) == sorted(before)
    filled.service.client._transport.request(
        "PATCH", f"/jobs/{filled.alone}", json={"name": "../other"}
    )
    write(filled, output)
    changed = set(runs(output)) - set(before)
    assert changed == {f"other_{filled.alone[-12:]}"}
    assert len(runs(output)) == 4
    assert not (output / tensorboard.PART).exists()
    (folder,) = [path for path in output.iterdir() if path.name.startswith("Two_seeds")]
    names = {path.name for path in folder.rglob("*tfevents*")}
    assert len(names) == 2


def test_a_job_that_waits_has_parameters_and_no_end(filled, tmp_path):
    write(filled, tmp_path / "runs", jobs=[filled.waiting])
    reader = loaded(tmp_path / "runs")
    assert reader.Tags()["scalars"] == []
    assert content(reader, metadata.SESSION_START_INFO_TAG)
    with pytest.raises(KeyError):
        content(reader, metadata.SESSION_END_INFO_TAG)


def test_a_missing_library_is_told_by_its_extra(filled, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard.summary.writer.event_file_writer", None)
    with pytest.raises(ColrowError, match=r"pip install 'colrow\[tensorboard\]'"):
        write(filled, tmp_path / "runs")
