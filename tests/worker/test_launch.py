"""A trainer on two devices, started by torchrun: what it tells, how it fails, and that it ends."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from crs_core.events import Event, Failed, Finished
from store.attempts import Outcome, Wish
from tests.worker.conftest import wait_until
from worker import launch
from worker.endings import TAIL, Course, ending_of
from worker.process import Assignment, Trainer
from worker.settings import trainer_environment

WAIT_S = 240
ROOT = Path(__file__).parents[2]
SPEC: dict[str, Any] = {
    "model": {"name": "mlp", "hidden": [12]},
    "dataset": {"name": "digits", "train_limit": 100},
    "training": {"steps": 30, "batch_size": 5},
    "report": {"every_steps": 10},
    "resources": {"devices": 2},
}
CUSTOMIZE = """
import os
if os.environ.get("LOCAL_RANK") == "1":
    import signal
    from crs_core.engine.tasks.images import ImageTask
    loss = ImageTask.loss
    def failing(self, network, step):
        if step == 5:
            {what}
        return loss(self, network, step)
    ImageTask.loss = failing
"""
"""What Python runs at its start: the second rank does something in its sixth step."""


class Running:
    """A trainer on two devices, and all that it told and printed."""

    def __init__(self, folder: Path, spec: dict[str, Any] = SPEC, *, second_rank: str = "") -> None:
        environment = launch.environment(trainer_environment(1, ()))
        if second_rank:
            place = folder / "start"
            place.mkdir()
            (place / "sitecustomize.py").write_text(CUSTOMIZE.format(what=second_rank))
            before = environment.get("PYTHONPATH")
            paths = [str(place), *([before] if before else []), str(ROOT)]
            environment["PYTHONPATH"] = os.pathsep.join(paths)
        assignment = Assignment(
            spec=spec,
            folder=str(folder),
            events=str(folder / "events"),
            data=str(folder),
            download=False,
            resume_from=[],
            device="cpu",
            threads=1,
            supervisor=os.getpid(),
        )
        self.trainer = Trainer(assignment, environment, command=launch.command(2))
        self.events: list[Event] = []
        self.text = ""
        self.code = 0

    def until(self, kind: str) -> None:
        end_s = time.monotonic() + WAIT_S
        while not any(event.type == kind for event in self.events):
            assert not self.trainer.has_ended, self.text
            assert time.monotonic() < end_s
            self._hear()

    def to_the_end(self) -> None:
        end_s = time.monotonic() + WAIT_S
        while not self.trainer.has_ended:
            assert time.monotonic() < end_s
            self._hear()
        self.code, heard = self.trainer.end(leave_s=20)
        self.events += heard.events
        self.text += heard.text

    def ending(self) -> Any:
        ends = [e for e in self.events if isinstance(e, Failed | Finished)]
        return ending_of(
            Course(
                exit_code=self.code,
                last=ends[0] if ends else None,
                step=5,
                wish=Wish.GO_ON,
                is_worker_stopping=False,
                was_killed=False,
                tail=self.text[-TAIL:],
            )
        )

    def _hear(self) -> None:
        heard = self.trainer.hear(1.0)
        self.events += heard.events
        self.text += heard.text


def ranks_of(agent: int) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{agent}/task/{agent}/children").read_text().split()]


def is_running(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False


def test_torchrun_s_account_of_being_told_to_end_is_left_out():
    words = launch.Words()
    assert words("epoch 1\n") == "epoch 1\n"
    assert (
        words("epoch 2\nW11 api.py:753] Received 15 death signal, shutting\nTrace") == "epoch 2\n"
    )
    assert words("back …\n") == ""


def test_only_a_rank_that_a_signal_ended_by_itself_is_the_lost_one():
    def death(rank, code):
        return f"  rank      : {rank} (local_rank: {rank})\n  exitcode  : {code} (pid: 7)\n"

    assert launch.lost_rank(death(0, -15) + death(2, 1) + death(3, -9)) == (3, -9)
    assert launch.lost_rank(death(0, -15) + death(1, 1)) is None
    assert launch.lost_rank("no such words") is None


def test_a_person_s_own_network_interfaces_are_kept():
    made = launch.environment({"NCCL_SOCKET_IFNAME": "eth1", "HOME": "/h"})
    assert (made["GLOO_SOCKET_IFNAME"], made["NCCL_SOCKET_IFNAME"]) == ("lo", "eth1")
    assert made["HOME"] == "/h"


def test_two_ranks_train_and_the_first_alone_tells(tmp_path):
    running = Running(tmp_path)
    running.to_the_end()
    assert running.code == 0, running.text
    assert [e.type for e in running.events].count("started") == 1
    assert [e.step for e in running.events if e.type == "points"] == [10, 20, 30]
    assert running.events[-1] == Finished(completed=True, step=30)
    assert running.text == ""


def test_term_goes_through_torchrun_to_both_and_they_save_at_one_step(tmp_path):
    long = {**SPEC, "training": {"steps": 1_000_000, "batch_size": 5}}
    running = Running(tmp_path, long)
    running.until("points")
    ranks = ranks_of(running.trainer.pid)
    assert len(ranks) == 2
    running.trainer.stop()
    running.to_the_end()
    saved, finished = running.events[-2:]
    assert (finished.type, finished.completed, saved.step) == ("finished", False, finished.step)
    assert (tmp_path / saved.name).stat().st_size == saved.size_bytes
    wait_until(lambda: not any(map(is_running, ranks)))


@pytest.mark.parametrize(
    ("what", "outcome", "kind", "words"),
    [
        ("raise MemoryError", Outcome.FAILED, "out_of_memory", "no memory left on cpu"),
        (
            "raise ValueError('no')", Outcome.FAILED, "internal", "on device 1: ValueError: no",
        ),
        (
            "os.kill(os.getpid(), signal.SIGKILL)", None, "trainer_lost",
            "the trainer's process on device 1 was ended by signal SIGKILL at step 5: probably",
        ),
    ],
)  # fmt: skip
def test_what_one_rank_dies_of_is_the_reason_and_the_other_does_not_hang(
    what, outcome, kind, words, tmp_path
):
    running = Running(tmp_path, second_rank=what)
    running.until("started")
    ranks = ranks_of(running.trainer.pid)
    running.to_the_end()
    ending = running.ending()
    assert (ending.outcome, ending.kind) == (outcome, kind), running.text
    assert ending.message.startswith(words)
    wait_until(lambda: not any(map(is_running, ranks)))


def test_ranks_end_when_torchrun_is_killed(tmp_path):
    long = {**SPEC, "training": {"steps": 1_000_000, "batch_size": 5}}
    running = Running(tmp_path, long)
    running.until("started")
    ranks = ranks_of(running.trainer.pid)
    os.kill(running.trainer.pid, signal.SIGKILL)
    running.to_the_end()
    assert running.code == -signal.SIGKILL
    assert len(ranks) == 2
    wait_until(lambda: not any(map(is_running, ranks)))
