"""A disk that takes no checkpoint for a while costs no training; what is risked has a bound.

The limit of a file's size stands in for the disk: it needs nothing of the machine.
"""

import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crs_core.engine import Place, loop, train
from crs_core.errors import DiskError
from crs_core.events import Event
from tests.crs_core.engine.jobs import MLP, Heard, after, spec_of, weights

SPEC = spec_of(MLP, report={"checkpoint_every_s": 0.0})
"""A checkpoint at every step."""


@pytest.fixture
def set_full() -> Iterator[Callable[[bool], None]]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def set_(is_full: bool) -> None:
        size = 1000 if is_full else before[0]
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))

    yield set_
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "AGAIN_S", 0.001)
    monkeypatch.setattr(loop, "LAST_S", 0.05)


def steps(heard: Heard) -> list[int]:
    return [saved.step for saved in heard.of("checkpoint")]


def notes(heard: Heard) -> list[str]:
    return [note.text for note in heard.of("noted")]


def acting(heard: Heard, acts: dict[int, Callable[[], None]]) -> Callable[[Event], None]:
    """Hear, and act when a point of one of these steps is told."""

    def hear(event: Event) -> None:
        heard(event)
        if event.type == "points" and event.step in acts:
            acts.pop(event.step)()

    return hear


def test_training_goes_on_without_and_is_the_same(
    tmp_path: Path, set_full: Callable[[bool], None]
) -> None:
    heard, undisturbed = Heard(), Heard()
    acts = {6: lambda: set_full(True), 15: lambda: set_full(False)}
    result = train(SPEC, Place(work_dir=tmp_path / "a1"), on_event=acting(heard, acts))
    other = train(SPEC, Place(work_dir=tmp_path / "a2"), on_event=undisturbed)
    assert steps(heard) == [*range(1, 6), *range(15, 24)]
    (note,) = notes(heard)
    assert "step-6.pt could not be written: File too large. Training goes on" in note
    assert heard.curves() == undisturbed.curves()
    assert weights(tmp_path / "a1", result).equal(weights(tmp_path / "a2", other))
    assert {p.name for p in (tmp_path / "a1").iterdir()} == {f"step-{n}.pt" for n in steps(heard)}


def test_each_time_that_the_disk_is_not_well_is_told_once(
    tmp_path: Path, set_full: Callable[[bool], None]
) -> None:
    heard = Heard()
    acts = {n: lambda n=n: set_full(n % 2 == 0) for n in (6, 9, 12, 15)}
    train(SPEC, Place(work_dir=tmp_path), on_event=acting(heard, acts))
    assert [note.partition(" could")[0].rpartition("/")[2] for note in notes(heard)] == [
        "step-6.pt", "step-12.pt",
    ]  # fmt: skip


def test_what_would_be_lost_has_a_bound(
    tmp_path: Path, set_full: Callable[[bool], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "WITHOUT_S", 0.0)
    heard = Heard()
    acts = {6: lambda: set_full(True)}
    with pytest.raises(DiskError, match=r"File too large\. Make room .* from its last checkpoint"):
        train(SPEC, Place(work_dir=tmp_path), on_event=acting(heard, acts))
    assert steps(heard) == [1, 2, 3, 4, 5]
    assert notes(heard) == []


def test_the_last_checkpoint_is_tried_for_a_while_and_then_demanded(
    tmp_path: Path, set_full: Callable[[bool], None]
) -> None:
    heard = Heard()
    acts = {21: lambda: set_full(True)}
    with pytest.raises(DiskError, match=r"step-23.pt could not be written: .*\. Make room"):
        train(SPEC, Place(work_dir=tmp_path), on_event=acting(heard, acts))
    assert steps(heard)[-1] == 20
    assert heard.of("finished") == []


def test_the_last_checkpoint_is_written_as_soon_as_there_is_room(
    tmp_path: Path, set_full: Callable[[bool], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "LAST_S", 60.0)
    spec = spec_of(MLP, report={"checkpoint_every_s": 3600.0}, training={"steps": 21})
    heard = Heard()

    def hear(event: Event) -> None:
        acting(heard, {21: lambda: set_full(True)})(event)
        if event.type == "noted":
            set_full(False)

    result = train(spec, Place(work_dir=tmp_path), on_event=hear)
    assert (result.completed, steps(heard)[-1]) == (True, 21)
    assert "and it is the last one" in notes(heard)[0]


def test_who_is_to_stop_does_so_without_and_says_what_is_lost(
    tmp_path: Path, set_full: Callable[[bool], None]
) -> None:
    spec = spec_of(MLP, report={"checkpoint_every_s": 3600.0})
    heard = Heard()
    acts = {9: lambda: set_full(True)}
    result = train(
        spec, Place(work_dir=tmp_path), on_event=acting(heard, acts), should_stop=after(11)
    )
    assert (result.step, result.completed) == (11, False)
    assert "what came after the checkpoint before it is lost" in notes(heard)[-1]
    assert heard.events[-1].type == "finished"
