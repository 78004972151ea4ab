"""Stop or kill a training anywhere: what goes on from the checkpoint is the same training."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from crs_core.engine import Result, ResumePoint
from crs_core.events import EVENT, CheckpointSaved, Points
from tests.crs_core.engine.jobs import (
    JOBS,
    TIMES,
    Heard,
    after,
    content,
    point,
    same,
    spec_of,
)

TrainIn = Callable[..., tuple[Result, Heard]]


@pytest.mark.parametrize("name", JOBS)
def test_a_training_stopped_again_and_again_is_the_same_bit_for_bit(
    name: str, train_in: TrainIn, tmp_path: Path
) -> None:
    spec = spec_of(JOBS[name])
    whole, heard_whole = train_in(spec, "whole")
    draws = random.Random(name)
    curves: dict[tuple[int, str], float] = {}
    layers = None
    resume: tuple[ResumePoint, ...] = ()
    for attempt in range(1, 100):
        folder = f"a{attempt}"
        stop = after(draws.randint(1, 5))
        result, heard = train_in(spec, folder, resume_from=resume, should_stop=stop)
        if resume:
            assert heard.events[0].resumed_from == resume[0].path.name
            assert heard.events[0].step == resume[0].step
            assert heard.events[0].notes == ()
        curves |= heard.curves()
        layers = heard.last("layers") if heard.of("layers") else layers
        if result.completed:
            break
        assert result.checkpoint is not None
        resume = (point(tmp_path / folder, result.checkpoint),)
    assert attempt >= 3
    assert curves == heard_whole.curves()
    assert layers == heard_whole.last("layers")
    assert same(dict(result.summary), dict(whole.summary))
    assert same(
        content(tmp_path / folder, result.checkpoint), content(tmp_path / "whole", whole.checkpoint)
    )


def test_seconds_carry_over(train_in: TrainIn, tmp_path: Path) -> None:
    spec = spec_of(JOBS["mlp topk"], report={"every_steps": 1})
    half, heard = train_in(spec, should_stop=after(11))
    assert half.checkpoint is not None
    _, heard_rest = train_in(spec, "a2", resume_from=(point(tmp_path / "a1", half.checkpoint),))
    for name in ("seconds", "sampling_seconds"):
        before = heard.last("points").values[name]
        values = [p.values[name] for p in heard_rest.of("points")]
        assert 0 < before < values[0]
        assert values == sorted(values)


def test_points_told_after_the_checkpoint_are_told_again(train_in: TrainIn, tmp_path: Path) -> None:
    spec = spec_of(JOBS["mlp nps"], report={"checkpoint_every_s": 0})
    _, whole = train_in(spec)
    early = next(s for s in whole.of("checkpoint") if s.step == 9)
    _, again = train_in(spec, "a2", resume_from=(point(tmp_path / "a1", early),))
    assert again.events[0].step == 9
    assert again.curves() == {k: v for k, v in whole.curves().items() if k[0] > 9}


def test_unusable_checkpoints_are_passed_over_with_a_note(
    train_in: TrainIn, tmp_path: Path
) -> None:
    spec = spec_of(JOBS["mlp topk"], report={"checkpoint_every_s": 0})
    whole, heard = train_in(spec)
    by_step: dict[int, CheckpointSaved] = {s.step: s for s in heard.of("checkpoint")}
    points = [point(tmp_path / "a1", by_step[n]) for n in (20, 15, 10)]
    points[0].path.write_bytes(points[0].path.read_bytes()[:1000])
    points[1] = ResumePoint(points[1].path, "0" * 64, 15)
    again, heard = train_in(spec, "a2", resume_from=tuple(points))
    assert heard.events[0].resumed_from == "step-10.pt"
    assert [n.split(":")[0] for n in heard.events[0].notes] == [
        "step-20.pt is not used",
        "step-15.pt is not used",
    ]
    assert same(
        content(tmp_path / "a1", whole.checkpoint), content(tmp_path / "a2", again.checkpoint)
    )


def test_without_a_usable_checkpoint_training_begins_anew(
    train_in: TrainIn, tmp_path: Path
) -> None:
    other, _ = train_in(spec_of(JOBS["mlp exact"], seed=8))
    assert other.checkpoint is not None
    points = (point(tmp_path / "a1", other.checkpoint),)
    result, heard = train_in(spec_of(JOBS["mlp exact"]), "a2", resume_from=points)
    assert (heard.events[0].step, heard.events[0].resumed_from) == (0, None)
    assert "another spec (seed is 8 there and 3 here)" in heard.events[0].notes[0]
    assert result.completed


def test_other_threads_are_noted(train_in: TrainIn, tmp_path: Path) -> None:
    spec = spec_of(JOBS["mlp exact"])
    half, _ = train_in(spec, should_stop=after(5))
    assert half.checkpoint is not None
    points = (point(tmp_path / "a1", half.checkpoint),)
    _, heard = train_in(spec, "a2", resume_from=points, threads=2)
    (note,) = heard.events[0].notes
    assert "threads 1 there, 2 here" in note


def test_a_training_that_was_at_its_end_finishes_at_once(train_in: TrainIn, tmp_path: Path) -> None:
    spec = spec_of(JOBS["mlp exact"])
    whole, _ = train_in(spec)
    assert whole.checkpoint is not None
    again, heard = train_in(spec, "a2", resume_from=(point(tmp_path / "a1", whole.checkpoint),))
    assert [e.type for e in heard.events] == ["started", "finished"]
    assert (again.step, again.completed, again.checkpoint) == (23, True, None)
    assert again.summary == whole.summary


CHILD = """
import json, sys
from pathlib import Path
from crs_core.engine import Place, ResumePoint, train
from crs_core.spec import parse_spec

spec, folder, resume = json.loads(sys.argv[1])
points = tuple(ResumePoint(Path(p), sha256, step) for p, sha256, step in resume)
train(
    parse_spec(spec),
    Place(work_dir=Path(folder), resume_from=points),
    on_event=lambda e: print(e.model_dump_json(), flush=True),
)
"""


@pytest.mark.system
@pytest.mark.parametrize("name", ["mlp nps", "cnn topk and bernoulli"])
def test_a_killed_training_goes_on_the_same(name: str, train_in: TrainIn, tmp_path: Path) -> None:
    """Kill -9 at a moment of chance, twice; what follows the last checkpoint is done again."""
    longer = {"epochs": None, "steps": 120}
    spec = spec_of(JOBS[name], training=longer, report={"checkpoint_every_s": 0.04})
    whole, heard_whole = train_in(spec, "whole")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    curves: dict[tuple[int, str], float] = {}
    saved: list[tuple[Path, CheckpointSaved]] = []
    draws = random.Random(name)
    for attempt in (1, 2, 3):
        folder = tmp_path / f"a{attempt}"
        resume = [(str(f / s.name), s.sha256, s.step) for f, s in reversed(saved)]
        given = json.dumps([spec.model_dump(mode="json"), str(folder), resume])
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, given],
            stdout=subprocess.PIPE, text=True, env=environment,
        )  # fmt: skip
        assert child.stdout is not None
        wanted = 0
        for line in child.stdout:
            event = EVENT.validate_json(line)
            if event.type == "started":
                curves = {k: v for k, v in curves.items() if k[0] <= event.step}
            if isinstance(event, Points):
                curves |= {(event.step, k): v for k, v in event.values.items() if k not in TIMES}
            if isinstance(event, CheckpointSaved):
                saved.append((folder, event))
                wanted += 1
            if attempt < 3 and wanted == 2:
                time.sleep(draws.uniform(0, 0.01))
                child.send_signal(signal.SIGKILL)
                break
        child.stdout.close()
        assert child.wait() == (0 if attempt == 3 else -signal.SIGKILL)
    folder, last = saved[-1]
    assert curves == heard_whole.curves()
    assert same(content(folder, last), content(tmp_path / "whole", whole.checkpoint))
