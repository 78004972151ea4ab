"""Progress bars with loss, accuracy, steps/s and time left."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn

from colrow.answers import ENDED, JobItem
from colrow.figures import duration, judged, last, measured, number, share, told_by

MAX_BARS = 8


def bars(console: Console) -> Progress:
    """Make the progress display."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        TextColumn("{task.fields[figures]}", markup=False),
        console=console,
    )


def figures(summary: Mapping[str, Any], *, steps_per_s: float | None, left_s: float | None) -> str:
    """Write what stands behind a bar; where there is no estimate, none is told."""
    if "frobenius_error" in summary:
        return f"error {number(last(summary, 'frobenius_error'))}"
    quality, value = judged(summary, "validation", "test")
    shown = number(value) if quality == "perplexity" else share(value)
    told = [f"loss {number(last(summary, 'train_loss'))}", f"{quality} {shown}"]
    if steps_per_s is not None:
        told.append(f"{number(round(steps_per_s))} steps/s")
    if left_s is not None:
        told.append(f"{duration(left_s)} left")
    return "  ".join(told)


def result(summary: Mapping[str, Any]) -> str:
    """Write what stands behind the bar of a job that has ended: what `ls` shows, by its name."""
    part, quality, value = told_by(summary, "best_test", "test", "validation")
    if not part or "frobenius_error" in summary:
        return figures(summary, steps_per_s=None, left_s=None)
    name = f"{part.replace('_', ' ')} {quality}"
    return f"loss {number(last(summary, 'train_loss'))}  {name} {measured(quality, value)}"


class JobBars:
    """Bars for jobs: one for all of them when there are several, and one for each that runs."""

    def __init__(self, progress: Progress, title: str) -> None:
        self.progress = progress
        self.title = title
        self.states: dict[str, str] = {}
        self._bars: dict[str, TaskID] = {}
        self._all: TaskID | None = None

    def show(self, jobs: Sequence[JobItem]) -> None:
        """Show the jobs as they are now."""
        several = len(jobs) > 1
        if several:
            self._show_all(jobs)
        shown = [j for j in jobs if j["state"] == "running" or not several][:MAX_BARS]
        for gone in self._bars.keys() - {j["id"] for j in shown}:
            self.progress.remove_task(self._bars.pop(gone))
        for job in shown:
            if job["id"] not in self._bars:
                self._bars[job["id"]] = self.progress.add_task("", figures="")
            self._show_one(job, self._bars[job["id"]])
        if not self.progress.console.is_terminal:
            self._tell_changes(jobs)
        self.states = {j["id"]: j["state"] for j in jobs}

    def _show_all(self, jobs: Sequence[JobItem]) -> None:
        if self._all is None:
            self._all = self.progress.add_task(self.title, figures="")
        done = sum(_done(job) for job in jobs)
        ended = sum(job["state"] in ENDED for job in jobs)
        failed = sum(job["state"] in ("failed", "cancelled") for job in jobs)
        text = f"{ended} of {len(jobs)} jobs" + (
            f", {failed} failed or cancelled" if failed else ""
        )
        self.progress.update(self._all, completed=done, total=len(jobs), figures=text)

    def _show_one(self, job: JobItem, bar: TaskID) -> None:
        progress = job["progress"]
        title = label(job) if job["state"] == "running" else f"{label(job)}: {job['state']}"
        self.progress.update(
            bar,
            description=title,
            completed=progress["step"],
            total=progress["of"],
            figures=result(job["summary"])
            if job["state"] in ENDED
            else figures(
                job["summary"], steps_per_s=progress["steps_per_s"], left_s=progress["eta_s"]
            ),
        )

    def _tell_changes(self, jobs: Iterable[JobItem]) -> None:
        """Write a line per change of state: a file or a pipe shows no bars."""
        for job in jobs:
            if self.states.get(job["id"]) != job["state"]:
                self.progress.console.print(f"{job['id']} {label(job)}: {job['state']}")


def label(job: JobItem) -> str:
    """Name a job in a few words."""
    facts = f"{job['model']} {job['dataset']} {job['policy']}, seed {job['seed']}"
    return (job["name"] or facts)[:60]


def _done(job: JobItem) -> float:
    if job["state"] in ENDED:
        return 1.0
    of = job["progress"]["of"]
    return job["progress"]["step"] / of if of else 0.0
