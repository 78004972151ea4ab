"""TensorBoard: a folder per job with one event file, written with TensorBoard's own library.

    OUTPUT/<job>/events.out.tfevents.<start>.colrow.<job id>

The folder is named by the job and the end of its id, inside a folder of its sweep if it has one.
Curves are scalars, parameters and tags those of the HParams dashboard, and the spec is a text.
A point that is not finite is nan. Written again, a file takes the place of the one before.
"""

import json
import re
import shutil
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from colrow.errors import ColrowError
from colrow.exporting.jobs import ExportedJob

PART = ".colrow-part"
ENDINGS = {"succeeded": "STATUS_SUCCESS", "failed": "STATUS_FAILURE", "cancelled": "STATUS_FAILURE"}


def write(jobs: Iterable[ExportedJob], output: Path, *, sweep_names: Mapping[str, str]) -> int:
    """Write the jobs below a folder; give how many. Raises ColrowError."""
    try:
        from tensorboard.summary.writer.event_file_writer import EventFileWriter
    except ImportError:
        raise ColrowError(
            "writing for TensorBoard needs its library; install it with: "
            "pip install 'colrow[tensorboard]'"
        ) from None
    part, count, earlier = output / PART, 0, _earlier(output)
    try:
        for job in jobs:
            shutil.rmtree(part, ignore_errors=True)
            writer = EventFileWriter(str(part))
            for event in _events(job):
                writer.add_event(event)
            writer.close()
            (made,) = part.iterdir()
            name = f"events.out.tfevents.{int(job.began_s):010d}.colrow.{job.id}"
            _put(made, _folder(output, job, sweep_names) / name, earlier.get(job.id, ()))
            count += 1
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return count


def _folder(output: Path, job: ExportedJob, sweep_names: Mapping[str, str]) -> Path:
    if job.sweep is None:
        return output / _file_name(job.title)
    tail = job.sweep.rpartition("-")[2]
    return output / _file_name(f"{sweep_names.get(job.sweep, '')} {tail}") / _file_name(job.title)


def _file_name(text: str) -> str:
    """Make one segment of a path of it, of at most 100 characters; its end is what tells apart."""
    return re.sub(r"[^\w.=%,+-]+", "_", text).strip("._")[-100:].lstrip("._")


def _earlier(output: Path) -> dict[str, list[Path]]:
    """Find what earlier exports wrote, by the id of the job."""
    found: dict[str, list[Path]] = defaultdict(list)
    for path in output.rglob("events.out.tfevents.*.colrow.*"):
        found[path.name.rpartition(".")[2]].append(path)
    return found


def _put(made: Path, place: Path, earlier: Iterable[Path]) -> None:
    """Move a complete file into its place; what an earlier export wrote of the job goes."""
    place.parent.mkdir(parents=True, exist_ok=True)
    made.replace(place)
    for old in earlier:
        if old != place:
            old.unlink(missing_ok=True)
            if not any(old.parent.iterdir()):
                old.parent.rmdir()


def _events(job: ExportedJob) -> Iterable[Any]:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.hparams.summary_v2 import hparams_pb
    from tensorboard.plugins.text.summary_v2 import text_pb

    facts = {"policy": job.policy, "state": job.state, "owner": job.owner, "job": job.id}
    known = {path: _parameter(value) for path, value in job.parameters.items()}
    known |= {"tags": ", ".join(job.tags)} | facts
    begin, end = job.began_s, job.ended_s or job.began_s
    yield Event(wall_time=begin, summary=hparams_pb(known, job.id, begin))
    yield Event(wall_time=begin, summary=text_pb("spec", _markdown(job)))
    for metric, values in job.curves.items():
        for step, value, at_s in values:
            scalar = Summary(value=[Summary.Value(tag=metric, simple_value=value)])
            yield Event(wall_time=at_s, step=step, summary=scalar)
    if job.state in ENDINGS:
        yield Event(wall_time=end, summary=_session_end(ENDINGS[job.state], end))


def _session_end(status: str, at_s: float) -> Any:
    """Make what `hparams.summary.session_end_pb` does, which imports TensorFlow for nothing."""
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2

    info = plugin_data_pb2.SessionEndInfo(status=api_pb2.Status.Value(status), end_time_secs=at_s)
    about = metadata.create_summary_metadata(
        plugin_data_pb2.HParamsPluginData(session_end_info=info)
    )
    value = Summary.Value(tag=metadata.SESSION_END_INFO_TAG, metadata=about)
    value.tensor.CopyFrom(metadata.NULL_TENSOR)
    return Summary(value=[value])


def _parameter(value: Any) -> bool | float | str:
    return value if isinstance(value, bool | int | float | str) else json.dumps(value)


def _markdown(job: ExportedJob) -> str:
    rows = [f"| {path} | `{json.dumps(value)}` |" for path, value in job.parameters.items()]
    lines = [job.notes, "", "| path | value |", "|---|---|", *rows]
    return "\n".join(lines).strip()
