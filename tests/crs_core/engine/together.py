"""Processes that train together, as torchrun starts them. They stay, so torch is imported once."""

import multiprocessing
import os
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from crs_core.engine import Place, Result, ResumePoint, train
from crs_core.spec import JobSpec
from tests.crs_core.engine.jobs import Heard

WAIT_S = 300


class Lost(Exception):
    """A process that ended while something was run in it."""


class Together:
    """Some processes that are the ranks of a group."""

    def __init__(self, count: int, folder: Path) -> None:
        self.count = count
        spawn = multiprocessing.get_context("spawn")
        self._pipes: list[Connection] = []
        self._processes = []
        for rank in range(count):
            ours, theirs = spawn.Pipe()
            process = spawn.Process(
                target=_serve, args=(rank, count, folder / "group", theirs), daemon=True
            )
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)

    def each(self, function: Callable[..., Any], *given: tuple[Any, ...]) -> list[Any]:
        """Call a function in every process, with arguments of its own; raise what one raised."""
        for pipe, arguments in zip(self._pipes, given, strict=True):
            pipe.send((function, arguments))
        answers = [self._answer(pipe) for pipe in self._pipes]
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        return answers

    def run(self, function: Callable[..., Any], *arguments: Any) -> list[Any]:
        """Call a function in every process with the same arguments."""
        return self.each(function, *[arguments] * self.count)

    def attempts(self, function: Callable[..., Any], *given: tuple[Any, ...]) -> list[Any]:
        """As `each`, but give what was raised instead of raising it."""
        for pipe, arguments in zip(self._pipes, given, strict=True):
            pipe.send((function, arguments))
        return [self._answer(pipe) for pipe in self._pipes]

    def close(self) -> None:
        """End the processes."""
        for process in self._processes:
            process.kill()
            process.join()
        for pipe in self._pipes:
            pipe.close()

    def _answer(self, pipe: Connection) -> Any:
        assert pipe.poll(WAIT_S), "a process does not answer"
        try:
            return pipe.recv()
        except EOFError:
            return Lost()


def _serve(rank: int, count: int, file: Path, pipe: Connection) -> None:
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{file}", rank=rank, world_size=count)
    while True:
        function, arguments = pipe.recv()
        try:
            answer = function(*arguments)
        except BaseException as error:  # noqa: BLE001 - it is raised again where it was asked for
            error.add_note(f"rank {rank}:\n{traceback.format_exc()}")
            answer = error
        pipe.send(answer)


def train_rank(
    spec: JobSpec, folder: Path, resume_from: tuple[ResumePoint, ...] = (), stop_at: int = -1
) -> tuple[Result, Heard]:
    """Train in a process of a group; with `stop_at`, ask to stop after so many steps."""
    heard, asked = Heard(), iter(range(1_000_000))
    place = Place(work_dir=folder, resume_from=resume_from)
    result = train(spec, place, on_event=heard, should_stop=lambda: next(asked) == stop_at)
    return result, heard
