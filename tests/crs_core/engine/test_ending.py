"""How a training ends that cannot go on, or is asked not to."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from crs_core.engine import Place, Result, failed, train
from crs_core.errors import DatasetError, DeviceError, DiskError, DivergedError, SpecError
from crs_core.spec import JobSpec
from tests.crs_core.engine.jobs import (
    CNN,
    MLP,
    NPS,
    Heard,
    after,
    content,
    rule,
    spec_of,
)

TrainIn = Callable[..., tuple[Result, Heard]]


RUNAWAY = {"name": "sgd", "lr": 1000.0, "weight_decay": 100.0}
"""Every step multiplies the weights by -100,000."""


@pytest.mark.parametrize(
    "job",
    [
        spec_of(MLP, training={"steps": 300, "optimizer": RUNAWAY}),
        spec_of(
            MLP,
            training={"steps": 300, "optimizer": RUNAWAY},
            approximation=[rule("topk") | {"policy": NPS}],
        ),
    ],
    ids=["exact", "nps"],
)
def test_a_loss_that_is_no_number_stops_the_job_with_advice(job: JobSpec, tmp_path: Path) -> None:
    heard = Heard()
    with pytest.raises(
        DivergedError, match=r"at step \d+: training has diverged.*lr` \(now 1000\)"
    ) as e:
        train(job, Place(work_dir=tmp_path), on_event=heard)
    assert failed(e.value).kind == "diverged"
    assert ("larger ratios" in str(e.value)) == bool(job.approximation)
    values = heard.last("points").values
    assert not all(math.isfinite(values.get(k, 0.0)) for k in ("train_loss", "validation_loss"))
    for saved in heard.of("checkpoint"):
        model = content(tmp_path, saved)["parts"]["model"]
        assert all(t.isfinite().all() for t in model.values())


def test_no_checkpoint_is_written_of_a_diverged_training(tmp_path: Path) -> None:
    job = spec_of(
        MLP,
        training={"steps": 300, "optimizer": RUNAWAY},
        report={"every_steps": 1000},
    )
    asked = after(12)
    heard = Heard()
    with pytest.raises(DivergedError, match="the training loss is"):
        train(job, Place(work_dir=tmp_path), on_event=heard, should_stop=asked)
    assert heard.of("checkpoint") == []


def test_what_the_spec_asks_and_the_data_lack_is_told_before_training(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="matches no layer"):
        train(spec_of(MLP, approximation=[rule("topk", layers="conv9")]), Place(work_dir=tmp_path))
    mnist = spec_of(MLP, dataset={"name": "mnist"})
    with pytest.raises(DatasetError, match="no data folder is given"):
        train(mnist, Place(work_dir=tmp_path))
    with pytest.raises(DeviceError, match="is not there"):
        train(spec_of(MLP), Place(work_dir=tmp_path, device="cuda:63"))


def test_a_folder_that_cannot_be_made_is_a_disk_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DiskError, match="cannot be made"):
        train(spec_of(MLP), Place(work_dir=tmp_path / "file" / "a1"))


def test_stopping_before_the_first_step_saves_nothing(train_in: TrainIn) -> None:
    result, heard = train_in(spec_of(CNN), should_stop=lambda: True)
    assert (result.step, result.completed, result.checkpoint) == (0, False, None)
    assert [e.type for e in heard.events] == ["started", "finished"]
