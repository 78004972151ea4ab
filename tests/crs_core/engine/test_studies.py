"""A study through the engine's door: the events, stopping, beginning again, memory."""

from pathlib import Path

import pytest
import torch

from crs_core.engine import Place, failed, run, study
from crs_core.engine import studies as module
from crs_core.errors import DeviceError, OutOfMemoryError, SpecError
from crs_core.spec import parse_any
from tests.crs_core.engine.jobs import MLP, Heard, after
from tests.crs_core.study.specs import study as spec_of

TIMES = {"seconds", "product_seconds", "exact_product_seconds"}


def told(heard: Heard) -> dict[tuple[int, str], float]:
    return {at: value for at, value in heard.curves().items() if at[1] not in TIMES}


def test_a_study_tells_its_start_a_point_per_ratio_and_its_end(tmp_path: Path) -> None:
    heard = Heard()
    result = run(spec_of(), Place(work_dir=tmp_path), on_event=heard)
    assert [e.type for e in heard.events] == ["started", "points", "points", "points", "finished"]
    started = heard.last("started")
    assert (started.step, started.total_steps, started.steps_per_epoch) == (0, 20, 20)
    assert {"processor", "cores"} <= started.environment.keys()
    assert "torch" in started.versions
    assert [(p.step, p.epoch) for p in heard.of("points")] == [(2, 0.1), (10, 0.5), (20, 1.0)]
    assert heard.last("finished").completed
    assert (result.step, result.completed) == (20, True)
    assert result.summary["frobenius_error"] == heard.last("points").values["frobenius_error"]
    assert not list(tmp_path.iterdir())


def test_a_training_goes_through_the_same_door(tmp_path: Path) -> None:
    heard = Heard()
    result = run(parse_any(MLP), Place(work_dir=tmp_path), on_event=heard)
    assert result.step == 23
    assert result.checkpoint is not None


def test_a_study_that_was_stopped_and_begins_again_tells_the_same_points(tmp_path: Path) -> None:
    spec, place = spec_of(), Place(work_dir=tmp_path)
    first, second, whole = Heard(), Heard(), Heard()
    result = study(spec, place, on_event=first, should_stop=after(2))
    assert (result.completed, first.last("finished").completed) == (False, False)
    assert 0 < len(first.of("points")) < 3
    assert result.step == first.last("finished").step == first.last("points").step
    assert study(spec, place, on_event=second).completed
    study(spec, place, on_event=whole)
    assert told(second) == told(whole)
    assert told(first).items() <= told(whole).items()


def test_a_study_that_is_stopped_at_once_tells_nothing(tmp_path: Path) -> None:
    heard = Heard()
    result = study(spec_of(), Place(work_dir=tmp_path), on_event=heard, should_stop=lambda: True)
    assert (result.step, result.completed, result.summary) == (0, False, {})
    assert [e.type for e in heard.events] == ["started", "finished"]


def test_the_number_of_threads_is_put_back(tmp_path: Path) -> None:
    before = torch.get_num_threads()
    study(spec_of(draws=5), Place(work_dir=tmp_path, threads=before + 1))
    assert torch.get_num_threads() == before


def test_what_cannot_be_run_is_told_before_anything_else(tmp_path: Path) -> None:
    heard = Heard()
    with pytest.raises(SpecError, match="both keep 2 of 20 pairs"):
        run(spec_of(ratios=[0.1, 0.11]), Place(work_dir=tmp_path), on_event=heard)
    with pytest.raises(DeviceError, match="jobs train on cpu or cuda"):
        run(spec_of(), Place(work_dir=tmp_path, device="meta"), on_event=heard)
    assert not heard.events


def test_no_memory_left_is_told_with_advice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(module, "measure", full)
    with pytest.raises(OutOfMemoryError, match="smaller sizes in `operation`") as caught:
        study(spec_of(), Place(work_dir=tmp_path))
    assert failed(caught.value).kind == "out_of_memory"
