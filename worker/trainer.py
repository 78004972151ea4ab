"""The subprocess that trains: `python -m worker.trainer FILE.json`, started by `worker.process`.

It tells events as JSON lines through a FIFO and prints what a person may want to read. SIGTERM,
once training has begun, asks it to save and end; before that there is nothing to save, and it just
ends.
"""

import ctypes
import json
import os
import signal
import sys
import threading
import traceback
from pathlib import Path
from typing import Any, TextIO

_PR_SET_PDEATHSIG = 1


def _die_with(supervisor: int) -> None:
    """Have the kernel kill this process when its parent dies; end now if it is dead already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != supervisor:
        sys.exit("the supervisor is gone")


def main(path: Path) -> int:
    """Train what the file says. 0: ended by itself or because it was asked to."""
    assignment = json.loads(path.read_text())
    _die_with(assignment["supervisor"])
    with Path(assignment["events"]).open("w") as pipe:
        return _train(assignment, pipe)


def _train(assignment: dict[str, Any], pipe: TextIO) -> int:
    # Here, not above: the import takes a second or more, in which the supervisor may die.
    from crs_core.engine import Place, ResumePoint, failed, run
    from crs_core.events import Event, Started
    from crs_core.spec import parse_any

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
    exit_code = main(Path(sys.argv[1]))
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(
        exit_code
    )  # all is written; taking torch apart would hold up the next job for a second
