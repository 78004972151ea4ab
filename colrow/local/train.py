"""`colrow train`: the training engine with no service around it.

With an output folder (`colrow.local.output`) the checkpoints stay there, and the same command goes
on from the newest that can be used.
"""

import json
import os
import signal
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console
from rich.progress import Progress

from colrow.bars import bars, figures
from colrow.commands.session import note
from colrow.errors import LocalError
from colrow.figures import duration, measured, number, share
from colrow.local import output
from colrow.study_tables import study_table
from crs_core.engine.place import Place, Result, ResumePoint
from crs_core.errors import CrsError, SpecError
from crs_core.events import QUALITY, CheckpointSaved, Event, Noted, Points, Started
from crs_core.planning import plan_job
from crs_core.spec import JobSpec, StudySpec, parse_any

THREADING = {"OMP_WAIT_POLICY": "PASSIVE", "MKL_DYNAMIC": "FALSE"}
"""Threads that wait without spinning (seconds instead of minutes on a busy machine), and as many as
were asked for, always (a resume is bit-identical only with the same count)."""


@dataclass(frozen=True)
class Run:
    """What `colrow train` was asked for."""

    spec: Mapping[str, Any]
    output: Path | None
    datasets: Path
    device: str
    threads: int | None
    download: bool


def run(wanted: Run, out: Console) -> None:
    """Train, or study, to the end or to Ctrl-C. Raises LocalError or SpecError."""
    spec = parse_any(wanted.spec)
    plan_job(spec)
    if wanted.output is not None:
        _train(wanted, spec, wanted.output, out)
        return
    with tempfile.TemporaryDirectory(prefix="colrow-train-") as folder:
        _train(wanted, spec, Path(folder), out)


def _train(wanted: Run, spec: JobSpec | StudySpec, folder: Path, out: Console) -> None:
    output.take(folder, spec)
    saved = output.listed(folder)
    points = [ResumePoint(folder / s.name, s.sha256, s.step) for s in reversed(saved)]
    threads = wanted.threads or spec.resources.threads or max(1, (os.cpu_count() or 1) // 2)
    place = Place(
        work_dir=folder,
        data_dir=wanted.datasets,
        download=wanted.download,
        resume_from=tuple(points),
        device=wanted.device,
        threads=max(1, threads // spec.resources.devices),
    )
    is_study = isinstance(spec, StudySpec)
    if is_study:
        folder.mkdir(parents=True, exist_ok=True)  # the engine makes it for checkpoints alone
    stopping = _Stop()
    try:
        with out.status("loading torch"):
            run_job = _runner(spec, out)
        with bars(out) as progress:
            watcher = _Watcher(folder, progress, "studying" if is_study else "training", saved)
            result = run_job(spec, place, on_event=watcher.hear, should_stop=stopping.asked)
    except SpecError:
        raise
    except CrsError as error:
        raise LocalError(str(error)) from None
    finally:
        stopping.release()
    if is_study:
        out.print(study_table(watcher.points))
    else:
        _tell(result, out)
    if wanted.output is None:
        if not result.completed:
            note(
                "stopped; a study begins again next time"
                if is_study
                else "stopped; with --output it would go on from here next time"
            )
        return
    content = {
        "completed": result.completed,
        "step": result.step,
        "summary": dict(result.summary),
        "spec": spec.model_dump(mode="json"),
    }
    if is_study:
        content["points"] = [point.model_dump(mode="json") for point in watcher.points]
    (folder / "result.json").write_text(json.dumps(content, indent=2) + "\n")
    end = "finished" if result.completed else "stopped; the same command goes on from here"
    if is_study and not result.completed:
        end = "stopped; the same command begins again"
    note(f"{end}: {folder}")


def _runner(spec: JobSpec | StudySpec, out: Console) -> Callable[..., Result]:
    """Give what runs a spec: the engine in this process, or in one for each of several devices."""
    if spec.resources.devices > 1:
        from colrow.local import several

        return partial(several.run, say=partial(out.print, end="", markup=False, highlight=False))
    for variable, value in THREADING.items():
        os.environ.setdefault(variable, value)  # read when torch is loaded
    from crs_core.engine import run as run_here

    return run_here


class _Stop:
    """Ctrl-C and TERM as a wish; a second Ctrl-C is the usual interruption."""

    def __init__(self) -> None:
        self._asked = self._is_told = False
        self._before = {
            caught: signal.signal(caught, self._heard) for caught in (signal.SIGINT, signal.SIGTERM)
        }

    def asked(self) -> bool:
        if self._asked and not self._is_told:  # told here: a handler may interrupt other printing
            self._is_told = True
            note("stopping after this step")
        return self._asked

    def release(self) -> None:
        for caught, before in self._before.items():
            signal.signal(caught, before)

    def _heard(self, _number: int, _frame: FrameType | None) -> None:
        self._asked = True
        self.release()


@dataclass
class _Watcher:
    """Hears the engine's events: moves the bar, keeps the list of checkpoints."""

    folder: Path
    progress: Progress
    what: str
    saved: list[CheckpointSaved]
    """Those of earlier calls first."""
    points: list[Points] = field(default_factory=list)
    summary: dict[str, dict[str, float]] = field(default_factory=dict)

    def hear(self, event: Event) -> None:
        match event:
            case Started():
                self.total = event.total_steps
                self.bar = self.progress.add_task(
                    self.what, total=event.total_steps, completed=event.step, figures=""
                )
                if event.resumed_from:
                    self.progress.console.print(f"going on from {event.resumed_from}")
                for text in event.notes:
                    self.progress.console.print(text)
            case Points():
                self.points.append(event)
                self.summary |= {name: {"last": value} for name, value in event.values.items()}
                speed = self.summary.get("steps_per_s", {}).get("last")
                left_s = (self.total - event.step) / speed if speed else None
                self.progress.update(
                    self.bar,
                    completed=event.step,
                    figures=figures(self.summary, steps_per_s=speed, left_s=left_s),
                )
            case CheckpointSaved():
                output.keep(self.folder, self.saved, event)
            case Noted():
                self.progress.console.print(event.text)
            case _:
                return


_PARTS = {"validation": "validation", "best_test": "test at best validation"}


def _tell(result: Result, out: Console) -> None:
    from rich.table import Table

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column(justify="right")
    get = result.summary.get
    rows = (
        ("steps", f"{result.step:,}"),
        ("loss", number(get("train_loss"))),
        *(
            (f"{quality}, {part}", measured(quality, get(f"{metric}_{quality}")))
            for quality in QUALITY.values()
            for metric, part in _PARTS.items()
            if f"{metric}_{quality}" in result.summary
        ),
        ("compute reduction, planned", share(get("planned_compute_reduction"))),
        ("compute reduction, performed", share(get("compute_reduction"))),
        ("training time", duration(get("seconds"))),
        ("of it in sampling", duration(get("sampling_seconds"))),
    )
    for row in rows:
        table.add_row(*row)
    out.print(table)
