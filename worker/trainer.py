"""The subprocess that trains: `python -m worker.trainer FILE.json`, started by `worker.process`.

It tells events as JSON lines through a FIFO and prints what a person may want to read. SIGTERM,
once training has begun, asks it to save and end; before that there is nothing to save, and it just
ends. `python -m worker.trainer --spare`, started by `worker.spare`, imports all that a training
needs and forks such a subprocess for every job.

On several devices `worker.launch` has torchrun start one for each, `python -m worker.trainer
FILE.json AGENT RANK`; AGENT is torchrun's process. The first rank tells; another tells nothing but
its own failure.
"""

import fcntl
import json
import signal
import sys
import time
import traceback
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

from worker import forks
from worker.lifeline import die_with


def main(path: Path, agent: int | None = None, rank: int = 0) -> int:
    """Train what the file says. 0: ended by itself or because it was asked to."""
    assignment = json.loads(path.read_text())
    die_with(agent or assignment["supervisor"])
    return _train_as(assignment, rank)


def be_spare(supervisor: int) -> int:
    """Import, say so, and fork trainers until the supervisor is gone."""
    die_with(supervisor)
    channel = forks.take_channel()
    begin_s = time.perf_counter()
    from crs_core.engine import begin_after_fork, get_ready

    get_ready()
    forks.tell(channel, {"ready": time.perf_counter() - begin_s})
    return forks.serve(
        channel, lambda path: _train_as(json.loads(path.read_text())), begin=begin_after_fork
    )


def _train_as(assignment: dict[str, Any], rank: int = 0) -> int:
    with Path(assignment["events"]).open("w") as pipe:
        return _train(assignment, pipe, rank)


def _train(assignment: dict[str, Any], pipe: TextIO, rank: int) -> int:
    begin_s = time.perf_counter()
    # Here, not above: the import takes a second or more, in which the supervisor may die.
    from crs_core.engine import Place, ResumePoint, failed, run
    from crs_core.errors import RankLostError
    from crs_core.events import Event, Failed, Started
    from crs_core.spec import parse_any

    if rank == 0:
        pipe.write(forks.imported(time.perf_counter() - begin_s) + "\n")
        pipe.flush()
    was_told_to_stop = False

    def heed(_number: int, _frame: FrameType | None) -> None:
        nonlocal was_told_to_stop
        was_told_to_stop = True  # no Event: its lock may be held by a handler that this interrupts

    def tell(event: Event) -> None:
        if isinstance(event, Started):
            signal.signal(signal.SIGTERM, heed)
        if rank == 0 or isinstance(event, Failed):
            fcntl.flock(pipe, fcntl.LOCK_EX)  # a long line of one rank would be torn by another's
            pipe.write(event.model_dump_json() + "\n")
            pipe.flush()
            fcntl.flock(pipe, fcntl.LOCK_UN)

    try:
        spec = parse_any(assignment["spec"])
        place = Place(
            work_dir=Path(assignment["folder"]),
            data_dir=Path(assignment["data"]),
            download=assignment["download"],
            resume_from=tuple(
                ResumePoint(Path(point["path"]), point["sha256"], point["step"])
                for point in assignment["resume_from"]
            ),
            device=assignment["device"],
            threads=assignment["threads"],
        )
        run(spec, place, on_event=tell, should_stop=lambda: was_told_to_stop)
    except RankLostError:  # whatever ended the other one is the reason, and is told by who knows it
        traceback.print_exc()
        return 1
    except Exception as error:  # noqa: BLE001 - the one place where an attempt's error is told
        reason = failed(error)
        if reason.kind == "internal":
            traceback.print_exc()
            if rank:
                reason = Failed(kind="internal", message=f"on device {rank}: {reason.message}")
        tell(reason)
        return 1
    return 0


if __name__ == "__main__":
    if sys.argv[1] == forks.OPTION:
        forks.leave(be_spare(int(sys.argv[2])))
    forks.leave(main(Path(sys.argv[1]), *map(int, sys.argv[2:])))
