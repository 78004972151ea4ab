"""The subprocess that trains: `python -m worker.trainer FILE.json`, started by `worker.process`.

It tells events as JSON lines through a FIFO and prints what a person may want to read. SIGTERM,
once training has begun, asks it to save and end; before that there is nothing to save, and it just
ends. `python -m worker.trainer --spare`, started by `worker.spare`, imports all that a training
needs and forks such a subprocess for every job.
"""

import json
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any, TextIO

from worker import forks


def main(path: Path) -> int:
    """Train what the file says. 0: ended by itself or because it was asked to."""
    assignment = json.loads(path.read_text())
    forks.die_with(assignment["supervisor"])
    return _train_as(assignment)


def be_spare(supervisor: int) -> int:
    """Import, say so, and fork trainers until the supervisor is gone."""
    forks.die_with(supervisor)
    channel = forks.take_channel()
    begin_s = time.perf_counter()
    from crs_core.engine import begin_after_fork, get_ready

    get_ready()
    forks.tell(channel, {"ready": time.perf_counter() - begin_s})
    return forks.serve(
        channel, lambda path: _train_as(json.loads(path.read_text())), begin=begin_after_fork
    )


def _train_as(assignment: dict[str, Any]) -> int:
    with Path(assignment["events"]).open("w") as pipe:
        return _train(assignment, pipe)


def _train(assignment: dict[str, Any], pipe: TextIO) -> int:
    begin_s = time.perf_counter()
    # Here, not above: the import takes a second or more, in which the supervisor may die.
    from crs_core.engine import Place, ResumePoint, failed, run
    from crs_core.events import Event, Started
    from crs_core.spec import parse_any

    pipe.write(forks.imported(time.perf_counter() - begin_s) + "\n")
    told_to_stop = threading.Event()

    def tell(event: Event) -> None:
        if isinstance(event, Started):
            signal.signal(signal.SIGTERM, lambda *_: told_to_stop.set())
        pipe.write(event.model_dump_json() + "\n")
        pipe.flush()

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
        run(spec, place, on_event=tell, should_stop=told_to_stop.is_set)
    except Exception as error:  # noqa: BLE001 - the one place where an attempt's error is told
        reason = failed(error)
        if reason.kind == "internal":
            traceback.print_exc()
        tell(reason)
        return 1
    return 0


if __name__ == "__main__":
    is_spare = sys.argv[1] == forks.OPTION
    forks.leave(be_spare(int(sys.argv[2])) if is_spare else main(Path(sys.argv[1])))
